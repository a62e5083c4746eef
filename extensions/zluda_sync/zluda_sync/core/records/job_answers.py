"""Jobs as the API tells them: in one line, or with everything that was timed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from zluda_sync.core.answers import Answer, answer_from, described
from zluda_sync.core.phase import Phase
from zluda_sync.core.progress.snapshot import ProgressSnapshot
from zluda_sync.core.records.job_record import JobRecord

#: Times are told in whole microseconds.
_DIGITS = 6
#: Moments with what a bar showed at each.
_Curve = tuple[tuple[float, ...], ...]


@dataclass(frozen=True, kw_only=True)
class JobStop:
    """How a Stop went."""

    phase: str = described("what the host was busy with at the press")
    role: str
    acknowledged_s: float | None = described("from the press to the first answer that told of it")
    ended_s: float = described("from the press to the end of the job")
    launched_steps: int = described("steps that were queued after the press")
    queued_steps: int = described("steps that were queued and unfinished at the press")


@dataclass(frozen=True, kw_only=True)
class JobImages:
    """How many images of a job were made."""

    asked: int = described("of the whole request, all batches together")
    finished: int = described("made whole; the others were skipped or stopped, or failed")


@dataclass(frozen=True, kw_only=True)
class LoadingAnswer:
    """A model that is being loaded, which is no job: it has no number and no record."""

    label: str = described("as the host's page shows it")
    elapsed_s: float
    fraction: float = described("of what it took before; 0 while that is unknown")
    eta_s: float | None
    eta_low_s: float | None = described("of the range to show instead; null where eta_s is enough")
    eta_high_s: float | None = described("of the range to show instead; null where eta_s is enough")


def build_loading(snapshot: ProgressSnapshot | None) -> LoadingAnswer | None:
    """Return what is told of a model that is loaded, None if none is."""
    is_loading = snapshot is not None and snapshot.phase is Phase.LOAD
    return answer_from(LoadingAnswer, snapshot, _DIGITS) if is_loading else None


@dataclass(frozen=True, kw_only=True)
class QueuedAnswer:
    """A request that waits for the one that runs."""

    id: str = described("for POST stop; its first job will have the same")
    name: str = described("of the page's task, or from its caller's X-Request-ID; empty if unknown")
    asked_at_s: float = described("seconds since the epoch")
    is_stopped: bool = described("whether it ends without pictures when its turn comes")


@dataclass(frozen=True, kw_only=True)
class StretchAnswer:
    """A part of the job on a bar. All of them add up to the whole job."""

    phase: str
    role: str
    image: int = described("zero-based, among the batches that the cell makes one after the other")
    share: float = described("of the job's time: what is over took it, the rest is expected to")


@dataclass(frozen=True, kw_only=True)
class _JobInShort:
    """What both answers have."""

    id: str
    began_at_s: float = described("seconds since the epoch")
    duration_s: float | None = described("null if the job was lost")
    outcome: str = described("finished, stopped, skipped, failed, running, or lost: its end was not seen")
    title: str
    model: str
    device: str
    width: int | None = described("of a picture in its first pass, in pixels")
    height: int | None
    source: str = described("page, api, script or unknown")
    mode: str
    rung: str | None
    profile: str
    profile_reason: str
    steps: int = described("finished by the device, of the whole job")
    median_step_s: float | None
    compile_s: float
    wait_s: float = described("time that the host waited at barriers")
    preview_s: float
    stop: JobStop | None
    images: JobImages | None = described("null while the job runs, and where it is not certain")
    notice: str


@dataclass(frozen=True, kw_only=True)
class JobSummary(_JobInShort):
    """A job in one line."""

    previews: int


@dataclass(frozen=True, kw_only=True)
class JobsAnswer:
    """The last jobs, newest first; one that runs comes before all others."""

    jobs: tuple[JobSummary, ...]


@dataclass(frozen=True, kw_only=True)
class PartAnswer:
    """One phase of one image. All times are seconds since the job began."""

    cell: int = described("zero-based, among the picture calls of the request")
    phase: str
    role: str
    image: int = described("zero-based")
    label: str
    began_s: float
    ended_s: float | None
    total: int | None = described("steps of a denoising pass")
    has_compiled: bool
    launched_at_s: tuple[float, ...]
    completed_at_s: tuple[float, ...]
    step_s: tuple[float, ...] = described("device time of each completed step")
    outliers: tuple[int, ...] = described("steps that took more than twice the median, never the first")
    waits: tuple[tuple[float, ...], ...] = described("step, began_s, duration_s")


@dataclass(frozen=True, kw_only=True)
class PreviewAnswer:
    """A preview that was queued."""

    step: int
    began_s: float
    duration_s: float = described("the host's own time")


@dataclass(frozen=True, kw_only=True)
class JobAnswer(_JobInShort):
    """A job with everything that was timed."""

    previews: tuple[PreviewAnswer, ...]
    parts: tuple[PartAnswer, ...] = described("of a request of hundreds of cells, the newest")
    cells: tuple[tuple[float | None, ...], ...] = described(
        "begin and end of each picture call, if the request had several"
    )
    bar: _Curve = described("seconds and fraction, as whoever looked was shown it")
    stock_bar: _Curve = described("what SD.Next would have shown: a stair of seconds and fractions")


def summarize_job(record: JobRecord) -> JobSummary:
    """Return a job in one line."""
    return _tell(JobSummary, record, previews=record.preview_count)


def tell_job(record: JobRecord) -> JobAnswer:
    """Return a job with everything that was timed."""
    return _tell(
        JobAnswer,
        record,
        previews=tuple(answer_from(PreviewAnswer, one, _DIGITS) for one in record.previews),
        parts=tuple(answer_from(PartAnswer, one, _DIGITS) for one in record.parts),
    )


def _tell(kind: type[Answer], record: JobRecord, **given: Any) -> Answer:
    traits, stop, images = record.traits, record.stop, record.images
    return answer_from(
        kind,
        record,
        _DIGITS,
        model=traits.model,
        device=traits.device,
        width=traits.width,
        height=traits.height,
        source=traits.asked_by.value,
        stop=answer_from(JobStop, stop, _DIGITS) if stop is not None else None,
        images=answer_from(JobImages, images, _DIGITS) if images is not None else None,
        **given,
    )
