"""What is kept of a job: everything that happened, with its times, as frozen values; and the last jobs."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from statistics import median

from zluda_sync.core.phase import ALONE, BASE, PASS_LABELS, Phase
from zluda_sync.core.progress.part import Part
from zluda_sync.core.records.part_record import PartRecord, TimedStep
from zluda_sync.core.settings.conditions import JobTraits
from zluda_sync.core.steps.policy import SyncMode

#: Jobs that are remembered.
MOST_JOBS = 50
#: Steps of all of them together; a step takes about 120 bytes, so all take about 6 MB.
MOST_STEPS = 50_000

Bar = tuple[tuple[float, float], ...]
#: Begin and end in seconds.
Span = tuple[float, float | None]


class Outcome(str, Enum):
    """How a job ended."""

    FINISHED = "finished"
    STOPPED = "stopped"
    SKIPPED = "skipped"
    FAILED = "failed"
    RUNNING = "running"
    LOST = "lost"  # its end was not seen: the host ended before, or the extension was switched off


@dataclass(frozen=True)
class StopRecord:
    """One Stop, from the press to the end of the job.

    Attributes:
        mode: when the host waited.
        phase: what the host was busy with at the press.
        role: pass that the phase belonged to.
        acknowledged_s: from the press to the first answer that told of it; None if nobody asked in time.
        ended_s: from the press to the end of the job.
        launched_steps: steps that were queued after the press.
        queued_steps: steps that were queued and unfinished at the press: they cannot be called back.
    """

    mode: SyncMode
    phase: Phase
    role: str
    acknowledged_s: float | None
    ended_s: float
    launched_steps: int
    queued_steps: int


@dataclass(frozen=True)
class ImageCount:
    """How many pictures a job was to make, and how many of them were made whole."""

    asked: int
    finished: int

    def __add__(self, other: ImageCount) -> ImageCount:
        return ImageCount(self.asked + other.asked, self.finished + other.finished)


@dataclass(frozen=True)
class JobTotals:
    """Figures of a whole job, for a record that is kept without all that they follow from."""

    steps: int
    median_step_s: float | None
    compile_s: float
    wait_s: float
    preview_s: float
    previews: int

    @classmethod
    def of(cls, record: JobRecord) -> JobTotals:
        """Return the figures of a record."""
        return cls(
            record.steps,
            record.median_step_s,
            record.compile_s,
            record.wait_s,
            record.preview_s,
            record.preview_count,
        )


@dataclass(frozen=True)
class JobRecord:
    """A job, over or under way. All times are seconds since its begin, unless they say otherwise.

    Attributes:
        id: counts up, over restarts too; see :class:`~zluda_sync.core.records.kept_jobs.KeptJobs`.
        began_at_s: seconds since the epoch.
        duration_s: until now, if it is under way; None if it was lost.
        outcome: how it ended.
        traits: what was asked for.
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
        totals: figures of the whole job where parts and previews are not all here, else None.
        cells: begin and end of each picture call, if the request had several; None for the end to come.
        images: how many were asked for and finished, None while it runs and where that is not certain.
    """

    id: str
    began_at_s: float
    duration_s: float | None
    outcome: Outcome
    traits: JobTraits
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
    totals: JobTotals | None = None
    cells: tuple[Span, ...] = ()
    images: ImageCount | None = None

    @property
    def steps(self) -> int:
        """Steps that the device has finished, of all passes."""
        if self.totals is not None:
            return self.totals.steps
        return sum(len(part.completed_at_s) for part in self.parts)

    @property
    def median_step_s(self) -> float | None:
        """Median time of a step, the first one of each pass left out; None if there is none."""
        if self.totals is not None:
            return self.totals.median_step_s
        steps_s = [step_s for part in self.parts for step_s in part.step_s[1:]]
        return median(steps_s) if steps_s else None

    @property
    def compile_s(self) -> float:
        """What compiling kernels took, as far as it can be told."""
        if self.totals is not None:
            return self.totals.compile_s
        return sum(part.compile_s for part in self.parts)

    @property
    def wait_s(self) -> float:
        """For how long the host waited at barriers."""
        if self.totals is not None:
            return self.totals.wait_s
        return sum(wait.duration_s for part in self.parts for wait in part.waits)

    @property
    def preview_s(self) -> float:
        """What previews took the host."""
        if self.totals is not None:
            return self.totals.preview_s
        return sum(preview.duration_s for preview in self.previews)

    @property
    def preview_count(self) -> int:
        """Previews that were made for it."""
        return self.totals.previews if self.totals is not None else len(self.previews)


class JobHistory:
    """Keeps frozen records, up to a number of jobs and of steps; the newest always stays. Any thread."""

    def __init__(self) -> None:
        self._records: deque[JobRecord] = deque(maxlen=MOST_JOBS)
        self._lock = threading.Lock()

    def keep(self, record: JobRecord) -> None:
        """Remember a job that has ended; the oldest ones are forgotten for it.

        Raises:
            ValueError: the job still runs.
        """
        if record.outcome is Outcome.RUNNING:
            raise ValueError(f"job {record.id} still runs")
        with self._lock:
            self._records.appendleft(record)
            while len(self._records) > 1 and sum(one.steps for one in self._records) > MOST_STEPS:
                self._records.pop()

    def take(self, job_id: str) -> JobRecord | None:
        """Forget the job of this id and return it, None if it is not remembered."""
        with self._lock:
            found = next((record for record in self._records if record.id == job_id), None)
            if found is not None:
                self._records.remove(found)
            return found

    def find(self, job_id: str) -> JobRecord | None:
        """Return the job of this id, None if it is not remembered."""
        with self._lock:
            return next((record for record in self._records if record.id == job_id), None)

    def recent(self, limit: int) -> tuple[JobRecord, ...]:
        """Return at most this many jobs, newest first."""
        with self._lock:
            return tuple(self._records)[: max(limit, 0)]


def build_title(traits: JobTraits, parts: Sequence[Part]) -> str:
    """Return in words what a job makes: ``3 images, 512 x 512, hires``, ``2 images upscaled``.

    Args:
        traits: what was asked for.
        parts: of the job, planned ones too.
    """
    alone = [part for part in parts if part.role.startswith(ALONE)]
    if any(part.phase is Phase.LOAD for part in alone):
        return "loading a model"
    if alone:
        images = 1 + max(part.image for part in alone)
        done = "described" if alone[0].phase is Phase.CAPTION else "upscaled"
        return f"{images} image{'s' if images != 1 else ''} {done}"
    images = (traits.images or 1) * (traits.batch_size or 1)
    words = [f"{images} image{'s' if images != 1 else ''}"]
    if traits.width and traits.height:
        words.append(f"{traits.width} x {traits.height}")
    roles = {part.role for part in parts} - {BASE}
    words += [label.lower() for role, label in PASS_LABELS.items() if role in roles]
    return ", ".join(words)
