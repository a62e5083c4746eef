"""How often a preview is made: as often as there are steps, as long as that costs next to nothing."""

from __future__ import annotations

import math
from collections import deque
from statistics import median_low

from zluda_sync.core.clock import SYSTEM_CLOCK, Clock
from zluda_sync.core.settings.settings import DEFAULTS

#: Share of the time of a step that previews may cost.
BUDGET_SHARE = DEFAULTS.preview_budget / 100
#: Costs of this many previews are remembered.
_REMEMBERED = 5
#: Costs within this factor of each other agree.
_ALIKE = 2.0
#: A dear cost is tried again after so many steps, then after so many times as many, until so many agree.
_FIRST_TRIAL_STEPS, _TRIAL_GROWTH, _BELIEVED = 5, 4, 3
#: One that cost more than so many usual ones counts as so many: something else kept the thread busy.
_MOST_CHARGED = 3.0
_NOTHING = 1e-9


class PreviewPace:
    """Decides for each step whether it gets a preview. Used by the thread that queues the steps.

    Each preview is owed for, and each step pays its share; one is due when nothing is owed. What is owed is
    counted in previews, not in seconds, so that it shrinks with the cost when that proves to be lower than it
    seemed. A single cost proves little: the thread may have waited for something else, and a dear one is
    tried again after a few steps. The cost of a preview that loaded kernels does not count at all.

    Args:
        budget_share: share of the time of a step that previews may cost.
        interval_s: least time between two of them, in seconds.
        clock: seconds.
    """

    def __init__(
        self, budget_share: float = BUDGET_SHARE, interval_s: float = 0.0, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self._limits = (budget_share, interval_s)
        self._clock = clock
        self._made_at_s: float | None = None
        self._costs_s: deque[float] = deque(maxlen=_REMEMBERED)
        self._agreeing = 0
        self._owed = 0.0
        self._paid_step = 0
        self._last_step: int | None = None

    @property
    def cost_s(self) -> float | None:
        """What a preview usually costs the queuing thread, in seconds; None while unknown."""
        return median_low(self._costs_s) if self._costs_s else None

    def set_limits(self, budget_share: float, interval_s: float) -> None:
        """Go by these from the next step on; any thread.

        Args:
            budget_share: share of the time of a step that previews may cost.
            interval_s: least time between two of them, in seconds.
        """
        self._limits = (budget_share, interval_s)

    def is_due(self, step: int, step_s: float | None) -> bool:
        """Whether the step just queued gets one.

        Args:
            step: zero-based index; a smaller one than before begins another pass.
            step_s: what a step takes, None while unknown.
        """
        budget_share, interval_s = self._limits
        if self._made_at_s is not None and self._clock() - self._made_at_s < interval_s:
            return False
        last, cost_s = self._last_step, self.cost_s
        if last is None or step <= last or not cost_s or not step_s:
            return True
        self._owed -= (step - self._paid_step) * budget_share * step_s / cost_s
        self._paid_step = step
        return self._owed < _NOTHING or step - last >= self._trial_steps

    def record_made(self, step: int, cost_s: float, has_loaded: bool = False) -> None:
        """A preview of this step was queued, and took the queuing thread ``cost_s`` seconds.

        Args:
            step: zero-based index.
            cost_s: in seconds.
            has_loaded: whether it was the first of its kind, which loads kernels: that is paid for once.
        """
        is_new_pass = self._last_step is not None and step <= self._last_step
        self._owed = 0.0 if is_new_pass else max(0.0, self._owed)
        self._last_step = self._paid_step = step
        self._made_at_s = self._clock()
        if not has_loaded:
            self._count(cost_s)

    @property
    def _trial_steps(self) -> float:
        """After how many steps the next preview comes all the same, to see whether it is as dear."""
        if self._agreeing >= _BELIEVED:
            return math.inf
        return _FIRST_TRIAL_STEPS * float(_TRIAL_GROWTH) ** (self._agreeing - 1)

    def _count(self, cost_s: float) -> None:
        known_s = self.cost_s
        if known_s is not None and cost_s < known_s / _ALIKE:
            self._costs_s.clear()  # the dear ones were no measure: a preview can be had for less
        self._costs_s.append(cost_s)
        usual_s = median_low(self._costs_s)
        is_confirmed = known_s is not None and known_s / _ALIKE <= usual_s <= known_s * _ALIKE
        self._agreeing = self._agreeing + 1 if is_confirmed else 1
        self._owed += min(cost_s / usual_s, _MOST_CHARGED) if usual_s else 0.0
