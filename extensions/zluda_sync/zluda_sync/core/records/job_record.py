"""What is kept of a job: everything that happened, with its times, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from statistics import median

from zluda_sync.core.phase import PASS_LABELS, Phase
from zluda_sync.core.records.timed_step import TimedStep
from zluda_sync.core.settings.job_facts import JobFacts
from zluda_sync.core.steps.policy import SyncMode
from zluda_sync.core.wishes.stop_record import StopRecord

#: A step is an outlier if it took more than so many times the median of its pass. The first one never counts:
#: it carries the preparation of the loop and the compilation of kernels.
OUTLIER_FACTOR = 2.0

Bar = tuple[tuple[float, float], ...]


class Outcome(str, Enum):
    """How a job ended."""

    FINISHED = "finished"
    STOPPED = "stopped"
    SKIPPED = "skipped"
    FAILED = "failed"
    RUNNING = "running"


@dataclass(frozen=True)
class PartRecord:
    """One phase of one image. All times are seconds since the job's begin.

    Attributes:
        phase, role, image: what was done, in which pass, for which image, zero-based.
        began_s: when the host began with it.
        ended_s: when the host had left it and the device was done with it, None while that is to come.
        total: steps of a pass, None if unknown and for other phases.
        has_compiled: whether kernels were compiled in it.
        launched_at_s, completed_at_s: of each step.
        step_s: device time of each completed step: since the completion before it, the first one since the
            device could begin with the part.
        waits: of the host at the barrier.
    """

    phase: Phase
    role: str
    image: int
    began_s: float
    ended_s: float | None = None
    total: int | None = None
    has_compiled: bool = False
    launched_at_s: tuple[float, ...] = ()
    completed_at_s: tuple[float, ...] = ()
    step_s: tuple[float, ...] = ()
    waits: tuple[TimedStep, ...] = ()

    @property
    def label(self) -> str:
        """What it is, as the user reads it."""
        return PASS_LABELS.get(self.role, self.phase.label) if self.has_steps else self.phase.label

    @property
    def has_steps(self) -> bool:
        """Whether it is a denoising pass."""
        return self.phase is Phase.DENOISE

    @property
    def outliers(self) -> tuple[int, ...]:
        """Indexes of steps that took more than twice the median of the pass, the first one left out."""
        later = self.step_s[1:]
        limit_s = OUTLIER_FACTOR * median(later) if later else 0.0
        return tuple(index for index, step_s in enumerate(self.step_s) if index and step_s > limit_s)

    @property
    def compile_s(self) -> float:
        """What compiling kernels took, as far as it can be told: 0 unless some were compiled.

        Of a pass, what its first step and its outliers took beyond the median; of another part, all of it.
        """
        if not self.has_compiled:
            return 0.0
        if not self.has_steps:
            return (self.ended_s - self.began_s) if self.ended_s is not None else 0.0
        if len(self.step_s) < 2:
            return sum(self.step_s)
        usual_s = median(self.step_s[1:])
        return sum(max(0.0, self.step_s[index] - usual_s) for index in (0, *self.outliers))


@dataclass(frozen=True)
class JobRecord:
    """A job, over or under way. All times are seconds since its begin, unless they say otherwise.

    Attributes:
        id: counts up.
        began_at_s: seconds since the epoch.
        duration_s: until now, if it is under way.
        outcome: how it ended.
        facts: what was asked for.
        title: the same in words.
        mode: when the host waited.
        rung: how it learned of completions, None if no way was left.
        profile, profile_reason: what it went by, and why.
        parts: in the order in which the host began them.
        previews: that were made for it; those of the host's own are not known here.
        bar: as it was shown to whoever looked.
        stock_bar: as SD.Next would have shown it.
        stop: how a Stop went, None if there was none.
        notice: what went wrong in following it, empty if nothing did.
    """

    id: str
    began_at_s: float
    duration_s: float
    outcome: Outcome
    facts: JobFacts
    title: str
    mode: SyncMode
    rung: str | None
    profile: str
    profile_reason: str
    parts: tuple[PartRecord, ...] = ()
    previews: tuple[TimedStep, ...] = ()
    bar: Bar = ()
    stock_bar: Bar = ()
    stop: StopRecord | None = None
    notice: str = ""

    @property
    def steps(self) -> int:
        """Steps that the device has finished, of all passes."""
        return sum(len(part.completed_at_s) for part in self.parts)

    @property
    def median_step_s(self) -> float | None:
        """Median time of a step, the first one of each pass left out; None if there is none."""
        steps_s = [step_s for part in self.parts for step_s in part.step_s[1:]]
        return median(steps_s) if steps_s else None

    @property
    def compile_s(self) -> float:
        """What compiling kernels took, as far as it can be told."""
        return sum(part.compile_s for part in self.parts)

    @property
    def wait_s(self) -> float:
        """For how long the host waited at barriers."""
        return sum(wait.duration_s for part in self.parts for wait in part.waits)

    @property
    def preview_s(self) -> float:
        """What previews took the host."""
        return sum(preview.duration_s for preview in self.previews)
