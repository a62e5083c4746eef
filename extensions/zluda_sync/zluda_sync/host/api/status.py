"""The status of the session: why it acts or not, what it goes by, and the job that runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import zluda_sync
from zluda_sync.core.answers import answer_from, described
from zluda_sync.core.clock import SYSTEM_CLOCK
from zluda_sync.core.progress.snapshot import ProgressSnapshot
from zluda_sync.core.records.job_answers import LoadingAnswer, QueuedAnswer, StretchAnswer, build_loading
from zluda_sync.core.settings.fields import plain
from zluda_sync.core.settings.profiles import ChosenProfile
from zluda_sync.core.settings.settings import DEFAULTS, PROFILE_FIELDS, ModeChoice
from zluda_sync.core.wishes.request_wishes import Ending
from zluda_sync.device.steps.accelerator import Accelerator
from zluda_sync.device.steps.self_testing import SelfTesting
from zluda_sync.host.accelerator import explain_no_accelerator, is_zluda
from zluda_sync.host.acting import Acting
from zluda_sync.host.card import CardFinder
from zluda_sync.host.job.followed import HostJob
from zluda_sync.host.job.queue import Queue
from zluda_sync.host.job.records import JobRecords
from zluda_sync.host.preview.previews import Previews
from zluda_sync.host.profiles.choice import ProfileChoice
from zluda_sync.host.sdnext import SdNext


@dataclass(frozen=True, kw_only=True)
class ProblemAnswer:
    """Something in the configuration that cannot be used."""

    where: str = described("file and entry, or the setting")
    text: str = described("what is wrong, what is used instead, and the remedy")


@dataclass(frozen=True, kw_only=True)
class ChosenProfileAnswer:
    """The profile in use: that of the job that runs, else the one that Settings choose."""

    name: str
    reason: str = described("why this one")
    values: dict[str, Any] = described("mode, depth, rung, preview and so on, as they are in use")


@dataclass(frozen=True, kw_only=True)
class SelfTestStatus:
    """What is known of the device, in short."""

    mode: str = described("the mode that auto stands for now")
    explanation: str
    progress: float | None = described("share of a test that runs now")


@dataclass(frozen=True, kw_only=True)
class PageStatus:
    """What the page is to do beside showing the bar."""

    estimate: bool
    bar: bool
    favicon: bool
    notification: bool


@dataclass(frozen=True, kw_only=True)
class JobStatus:
    """The job that runs. Steps are those of the pass that the device is in."""

    id: str = described("for POST stop, and for GET jobs/{id} then and afterwards")
    name: str = described("of the page's task, or from its caller's X-Request-ID; empty if unknown")
    label: str = described("as the host's page shows it")
    phase: str
    role: str = described("base, hires, refine or detail")
    cell: int = described("zero-based, among the picture calls of the request")
    cells: int | None = described("picture calls of the request, null while unknown; mostly 1")
    image: int = described("zero-based, among the batches that the cell makes one after the other")
    images: int
    pass_index: int | None = described("zero-based, null before the first pass")
    completed: int = described("steps that the device has finished")
    launched: int = described("steps that the host has queued")
    total: int | None
    run_ahead: int = described("steps that are queued and not finished")
    elapsed_s: float
    fraction: float = described("of the whole job; below 1 until the pictures are there")
    eta_s: float | None
    eta_spread_s: float | None = described("how far off eta_s may be, either way")
    eta_low_s: float | None = described("of the range to show instead; null where eta_s is enough")
    eta_high_s: float | None = described("of the range to show instead; null where eta_s is enough")
    is_eta_guessed: bool = described("whether eta_s counts on a part unlike any seen before")
    stretches: tuple[StretchAnswer, ...] = described("of the bar, in order; empty while that cannot be told")
    mode: str
    rung: str | None = described("how completions are learned")
    is_paused: bool
    ending: str | None = described("stop, skip or stop-after-image")
    is_compiling: bool
    silence_s: float | None = described("time since the device last finished anything; null if that is usual")
    notice: str


@dataclass(frozen=True, kw_only=True)
class PreviewStatus:
    """The newest preview of the job that runs."""

    id: str
    step: int = described("zero-based, that it shows")
    path: str = described("where it can be fetched, below the host's subpath if it has one")


@dataclass(frozen=True, kw_only=True)
class StatusAnswer:
    """Everything that changes while the host runs."""

    version: str
    is_acting: bool
    explanation: str = described("why it acts, or why not")
    device: str | None
    backend: str = described("the host's word for what it computes on")
    is_zluda: bool
    profile: ChosenProfileAnswer
    self_test: SelfTestStatus
    problems: tuple[ProblemAnswer, ...] = described("what in the configuration cannot be used")
    page: PageStatus
    queue: tuple[QueuedAnswer, ...] = described("requests that wait, the oldest first")
    preview: PreviewStatus | None = described("null while nobody looks at previews")
    job: JobStatus | None
    loading: LoadingAnswer | None = described("null while no model is loaded by itself")


#: Where the preview of an id is fetched; without one the newest.
PREVIEW_PATH = "/zluda_sync/v1/preview"
#: Streams of events read everything but the job anew so often, in seconds.
IDLE_PART_S = 1.0
#: Times are told in whole milliseconds, the fraction with a digit more.
_DIGITS = 3


@dataclass(frozen=True)
class JobSources:
    """Who knows what of jobs.

    Attributes:
        find_job: gives the job that is followed, None if there is none.
        records: of the jobs.
        queue: of the requests that wait.
        previews: of the job that runs.
    """

    find_job: Callable[[], HostJob | None]
    records: JobRecords
    queue: Queue
    previews: Previews


class SessionStatus:
    """Builds the status. Loads no model, waits for nothing, and is the same for every view.

    Args:
        host: the host.
        jobs: what there is to tell of jobs.
        profile_choice: knows settings, profiles and what is wrong with them.
        self_testing: knows what to expect of the device.
        acting: decides whether to act.
        find_failure: tells whether the patches are installed, and what kept them out, empty if nothing did.

    Attributes:
        card: what can be found of the card, for a report on it.
    """

    def __init__(
        self,
        host: SdNext,
        jobs: JobSources,
        profile_choice: ProfileChoice,
        self_testing: SelfTesting,
        acting: Acting,
        find_failure: Callable[[], tuple[bool, str]],
    ) -> None:
        self._host = host
        self._find_job, self._records = jobs.find_job, jobs.records
        self._queue, self._previews = jobs.queue, jobs.previews
        self._profile_choice = profile_choice
        self._self_testing = self_testing
        self._acting = acting
        self._find_failure = find_failure
        self.card = CardFinder(host, profile_choice, self_testing, acting.find_accelerator, find_failure)
        self._idle_status: tuple[float, StatusAnswer] | None = None

    def build(self) -> StatusAnswer:
        """Return the status, read this moment."""
        return self._with_job(self._build_idle_status())

    def build_for_events(self) -> StatusAnswer:
        """Return the status; what does not depend on the job may be a second old."""
        now_s, read = SYSTEM_CLOCK(), self._idle_status
        if read is None or now_s - read[0] >= IDLE_PART_S:
            read = self._idle_status = now_s, self._build_idle_status()
        return self._with_job(read[1])

    def record_shown(self, status: StatusAnswer) -> None:
        """Somebody was shown this status. Building one records nothing: not everybody who asks shows it."""
        job = status.job
        if job is not None:
            ending = None if job.ending is None else Ending(job.ending)
            self._records.record_shown(job.id, job.elapsed_s, job.fraction, ending)

    def _with_job(self, idle_status: StatusAnswer) -> StatusAnswer:
        running = self._records.current_choice
        profile = _tell_profile(running) if running is not None else idle_status.profile
        job = self._build_job()
        return replace(
            idle_status,
            profile=profile,
            queue=tuple(answer_from(QueuedAnswer, one, _DIGITS) for one in self._queue.waiting),
            preview=self._build_preview(),
            job=job,
            loading=build_loading(_look(self._find_job())) if job is None else None,
        )

    def _build_idle_status(self) -> StatusAnswer:
        """Return what would be told if no job ran."""
        accelerator = self._acting.find_accelerator()
        chosen = self._profile_choice.choose()
        progress = self._self_testing.progress
        explanation = self._self_testing.explain(accelerator)
        is_acting, failure = self._find_failure()
        return StatusAnswer(
            version=zluda_sync.__version__,
            is_acting=is_acting,
            explanation=self._why(chosen, accelerator, is_acting, failure, explanation),
            device=(accelerator.name or None) if accelerator is not None else None,
            backend=self._host.backend,
            is_zluda=is_zluda(self._host),
            profile=_tell_profile(chosen),
            self_test=SelfTestStatus(
                mode=self._acting.policy(DEFAULTS, accelerator).mode.value,
                explanation=explanation,
                progress=progress[0] if progress is not None else None,
            ),
            problems=tuple(answer_from(ProblemAnswer, one) for one in self._profile_choice.problems),
            page=answer_from(PageStatus, chosen.settings),
            queue=(),
            preview=None,
            job=None,
            loading=None,
        )

    def _why(
        self,
        chosen: ChosenProfile,
        accelerator: Accelerator | None,
        is_acting: bool,
        failure: str,
        tested: str,
    ) -> str:
        """Return in one sentence why the host runs as it does."""
        settings = chosen.settings
        if is_acting:
            return f"{self._acting.decide(settings, accelerator).why}; {tested}"
        if failure:
            return failure
        if not settings.enabled:
            return "switched off: Follow the GPU is unchecked in Settings > ZLUDA Sync"
        if settings.mode is ModeChoice.OFF:
            return f"switched off: the profile {chosen.name} has mode off ({chosen.reason})"
        if accelerator is None:
            return explain_no_accelerator(self._host)
        return self._acting.decide(settings, accelerator).why

    def _build_preview(self) -> PreviewStatus | None:
        told = self._previews.tell()
        if told is None:
            return None
        preview_id, step = told
        return PreviewStatus(id=preview_id, step=step, path=f"{PREVIEW_PATH}?id={preview_id}")

    def _build_job(self) -> JobStatus | None:
        job_id, followed = self._records.current_id, self._find_job()
        snapshot = _look(followed)
        if followed is None or snapshot is None or job_id is None or job_id != self._records.current_id:
            return None  # none, or one has ended and the next begun between the two
        stretches = followed.job.outline() if snapshot.cells == 1 else ()  # of many it knows one
        given: dict[str, Any] = {
            "id": job_id,
            "name": self._queue.name_of_job(job_id),
            "fraction": round(snapshot.fraction, _DIGITS + 1),
            "stretches": tuple(answer_from(StretchAnswer, one, _DIGITS) for one in stretches),
        }
        return answer_from(JobStatus, snapshot, _DIGITS, **given)


def _look(followed: HostJob | None) -> ProgressSnapshot | None:
    return followed.snapshot() if followed is not None else None


def _tell_profile(chosen: ChosenProfile) -> ChosenProfileAnswer:
    values = {name: plain(getattr(chosen.settings, name)) for name in PROFILE_FIELDS}
    return answer_from(ChosenProfileAnswer, chosen, values=values)
