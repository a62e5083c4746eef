"""When the host waits for the device: the four sync modes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

MIN_DEPTH = 1
MAX_DEPTH = 16


class SyncMode(str, Enum):
    """What the host does after it has queued a step."""

    EVERY_STEP = "every-step"
    RUN_AHEAD = "run-ahead"
    OBSERVE = "observe"
    OFF = "off"


@dataclass(frozen=True)
class BarrierPolicy:
    """Says for which step to wait.

    Attributes:
        mode: the sync mode.
        depth: run-ahead allowed in ``run-ahead`` mode, in steps, at least 1; other modes ignore it.
    """

    mode: SyncMode
    depth: int = 1

    def __post_init__(self) -> None:
        if not MIN_DEPTH <= self.depth <= MAX_DEPTH:
            raise ValueError(f"depth is {self.depth}, must be {MIN_DEPTH} to {MAX_DEPTH} steps")

    def step_to_wait_for(self, launched_step: int) -> int | None:
        """Return the step that must be finished before the one after ``launched_step`` is queued.

        None means: do not wait.
        """
        if self.mode is SyncMode.EVERY_STEP:
            return launched_step
        if self.mode is SyncMode.RUN_AHEAD and launched_step >= self.depth:
            return launched_step - self.depth
        return None
