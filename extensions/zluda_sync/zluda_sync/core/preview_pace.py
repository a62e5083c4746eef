"""How often a preview is made: as often as there are steps, as long as that costs next to nothing."""

from __future__ import annotations

import math
from collections import deque
from statistics import median

from zluda_sync.core.clock import SYSTEM_CLOCK, Clock
from zluda_sync.core.settings import DEFAULTS

#: Share of the time of a step that previews may cost.
BUDGET_SHARE = DEFAULTS.preview_budget / 100
#: Costs of this many previews are remembered; the first one of a job also loads kernels.
_REMEMBERED = 5


class PreviewPace:
    """Decides for each step whether it gets a preview. Used by the thread that queues the steps.

    Args:
        budget_share: share of the time of a step that previews may cost.
        interval_s: least time between two of them, in seconds.
        clock: seconds.
    """

    def __init__(
        self, budget_share: float = BUDGET_SHARE, interval_s: float = 0.0, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self._budget_share = budget_share
        self._interval_s = interval_s
        self._clock = clock
        self._made_at_s: float | None = None
        self._costs_s: deque[float] = deque(maxlen=_REMEMBERED)
        self._last_step: int | None = None

    @property
    def cost_s(self) -> float | None:
        """What a preview costs the queuing thread, in seconds; None before the first."""
        return median(self._costs_s) if self._costs_s else None

    def interval_steps(self, step_s: float | None) -> int:
        """Return every how many steps a preview is affordable.

        Args:
            step_s: what a step takes, None while unknown.
        """
        cost_s = self.cost_s
        if cost_s is None or not step_s:
            return 1
        return max(1, math.ceil(cost_s / (self._budget_share * step_s)))

    def is_due(self, step: int, step_s: float | None) -> bool:
        """Whether the step just queued gets one.

        Args:
            step: zero-based index; a smaller one than before begins another pass.
            step_s: what a step takes, None while unknown.
        """
        if self._made_at_s is not None and self._clock() - self._made_at_s < self._interval_s:
            return False
        last = self._last_step
        return last is None or step <= last or step - last >= self.interval_steps(step_s)

    def record_made(self, step: int, cost_s: float) -> None:
        """A preview of this step was queued, and took the queuing thread ``cost_s`` seconds."""
        self._last_step = step
        self._made_at_s = self._clock()
        self._costs_s.append(cost_s)
