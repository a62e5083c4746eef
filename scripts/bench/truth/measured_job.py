"""What is kept of one measured job: what a client was told, what the device truly did, and when.

All times are seconds of one clock, `time.perf_counter` of the measuring process.
"""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Sample:
    """One answer of the progress API. Unknown is None."""

    asked_s: float
    answered_s: float
    progress: float | None = None
    """0 to 1."""
    eta_s: float | None = None
    step: int | None = None
    """Steps of the running pass that the host calls finished."""
    steps: int | None = None
    job: str = ""


@dataclass(frozen=True)
class Preview:
    """One live preview as the page got it, the first time that it got this picture."""

    arrived_s: float
    step: int | None = None
    """The step of the running pass that the host says the picture belongs to."""


@dataclass(frozen=True)
class PassTruth:
    """One denoise pass: when each step was queued and when the device finished it, both ascending."""

    launched_s: tuple[float, ...] = ()
    completed_s: tuple[float, ...] = ()

    def completed_at(self, time_s: float) -> int:
        """Return how many steps the device had finished at this time."""
        return bisect.bisect_right(self.completed_s, time_s)

    def covers(self, start_s: float, end_s: float) -> bool:
        """Whether the span lies between the first launch and the last true completion."""
        if not self.launched_s or not self.completed_s:
            return False
        return self.launched_s[0] <= start_s and end_s <= self.completed_s[-1]


@dataclass(frozen=True)
class MeasuredJob:
    """One job from the call to the delivered pictures."""

    started_s: float
    ended_s: float
    passes: Sequence[PassTruth] = ()
    samples: Sequence[Sample] = ()
    previews: Sequence[Preview] = ()
    phases_began_s: Sequence[float] = ()
    """When the host began each of its phases, in order."""

    @property
    def total_s(self) -> float:
        """The job's whole time, pictures on the CPU included."""
        return self.ended_s - self.started_s

    def completed_at(self, time_s: float) -> int:
        """Return how many steps of all passes the device had finished at this time."""
        return sum(one.completed_at(time_s) for one in self.passes)

    def running_pass(self, start_s: float, end_s: float) -> PassTruth | None:
        """Return the pass that the device was denoising during the whole span, else None.

        Where a host queues a pass before the device has finished the one before, that is the earlier one.
        """
        return next((one for one in self.passes if one.covers(start_s, end_s)), None)

    def shown_pass(self, time_s: float) -> PassTruth | None:
        """Return the newest pass of which the device had finished a step at this time, else the latest."""
        reached = [one for one in self.passes if one.completed_at(time_s)]
        return reached[-1] if reached else self.latest_pass(time_s)

    def latest_pass(self, time_s: float) -> PassTruth | None:
        """Return the pass that had been launched last at this time, None before the first launch."""
        begun = [one for one in self.passes if one.launched_s and one.launched_s[0] <= time_s]
        return begun[-1] if begun else None
