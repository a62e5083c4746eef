"""How often a preview is made: as often as there are steps, as long as that costs next to nothing."""

from __future__ import annotations

import math
from collections import deque
from statistics import median

#: Share of the time of a step that previews may cost.
BUDGET_SHARE = 0.02
#: Costs of this many previews are remembered; the first one of a job also loads kernels.
_REMEMBERED = 5


class PreviewPace:
    """Decides for each step whether it gets a preview. Used by the thread that queues the steps."""

    def __init__(self, budget_share: float = BUDGET_SHARE) -> None:
        self._budget_share = budget_share
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
        last = self._last_step
        return last is None or step <= last or step - last >= self.interval_steps(step_s)

    def record_made(self, step: int, cost_s: float) -> None:
        """A preview of this step was queued, and took the queuing thread ``cost_s`` seconds."""
        self._last_step = step
        self._costs_s.append(cost_s)
