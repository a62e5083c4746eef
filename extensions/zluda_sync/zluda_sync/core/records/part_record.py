"""What is kept of one part of a job: its steps, waits and times, as frozen values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import NamedTuple

from zluda_sync.core.phase import PASS_LABELS, Phase
from zluda_sync.core.progress.job import Job
from zluda_sync.core.progress.part import Part

#: A step is an outlier if it took more than so many times the median of its pass. The first one never counts:
#: it carries the preparation of the loop and the compilation of kernels.
OUTLIER_FACTOR = 2.0
#: Times leave as JSON in whole microseconds.
_DIGITS = 6


class TimedStep(NamedTuple):
    """A wait of the host, or a preview.

    Attributes:
        step: zero-based index, in its pass, of the step that was queued last.
        began_s: since the job's begin.
        duration_s: what it took the host.
    """

    step: int
    began_s: float
    duration_s: float


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
        cell: zero-based index of the picture call that it belongs to, within the request.
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
    cell: int = 0

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


def build_parts(job: Job, first_cell: int = 0) -> tuple[PartRecord, ...]:
    """Return the records of everything that the host has begun; takes no time of the thread that queues.

    Args:
        job: whose parts they are.
        first_cell: zero-based index, within the request, of the first cell that the job is made of.
    """
    begun = [part for part in job.parts if part.began_at_s is not None]
    return tuple(_build_part(part, job.began_at_s, first_cell) for part in begun)


def build_timed_steps(
    entries: Iterable[tuple[int, float, float]], job_began_at_s: float
) -> tuple[TimedStep, ...]:
    """Return entries of step, clock reading and seconds with their times since the job's begin."""
    return tuple(TimedStep(step, at_s - job_began_at_s, duration_s) for step, at_s, duration_s in entries)


def _device_began_at_s(part: Part, began_at_s: float, completed: Sequence[float]) -> float:
    """When the device could begin with a part: the host may have gone on with the pass before it, later."""
    if part.queued_behind is None or not completed:
        return began_at_s
    before = part.queued_behind.snapshot().completed_at_s
    return max((at_s for at_s in (began_at_s, *before) if at_s <= completed[0]), default=completed[0])


def _build_part(part: Part, job_began_at_s: float, first_cell: int) -> PartRecord:
    """Return the record of a part that was begun."""
    began_at_s, ended_at_s = part.began_at_s or 0.0, part.finished_at_s
    launched: tuple[float, ...] = ()
    completed: tuple[float, ...] = ()
    waits: tuple[TimedStep, ...] = ()
    total = None
    if part.ledger is not None:
        reading = part.ledger.snapshot()
        launched, completed, total = reading.launched_at_s, reading.completed_at_s, reading.total
        waits = build_timed_steps(tuple(part.ledger.waits), job_began_at_s)
    starts_s = (_device_began_at_s(part, began_at_s, completed), *completed)
    return PartRecord(
        phase=part.phase,
        role=part.role,
        image=part.image,
        began_s=began_at_s - job_began_at_s,
        ended_s=None if ended_at_s is None else ended_at_s - job_began_at_s,
        total=total,
        has_compiled=part.has_compiled,
        launched_at_s=tuple(at_s - job_began_at_s for at_s in launched),
        completed_at_s=tuple(at_s - job_began_at_s for at_s in completed),
        step_s=tuple(max(0.0, end_s - start_s) for start_s, end_s in pairwise(starts_s)),
        waits=waits,
        cell=first_cell + max(0, part.cell - 1),  # the call around inner cells is none
    )
