"""How a job begins to be followed, by the settings of the moment and what is known; and what it teaches."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from zluda_sync.core.clock import PausableClock
from zluda_sync.core.errors import Interrupted
from zluda_sync.core.guard import Guard, Notices
from zluda_sync.core.learning.residuals import is_usual
from zluda_sync.core.progress.cells import RequestCells
from zluda_sync.core.progress.job import Job
from zluda_sync.core.progress.shape import JobShape
from zluda_sync.core.records.self_test_report import SelfTestReport
from zluda_sync.core.settings.profiles import ChosenProfile
from zluda_sync.core.settings.settings import RungChoice, Settings
from zluda_sync.core.wishes.job_wishes import JobWishes
from zluda_sync.device.steps.accelerator import Accelerator
from zluda_sync.device.steps.ladder import telling
from zluda_sync.device.steps.tracker import StepTracker
from zluda_sync.host.accelerator import KernelCache, cache_files
from zluda_sync.host.acting import Acting
from zluda_sync.host.job.fingerprints import fingerprint_settings
from zluda_sync.host.job.followed import HostJob
from zluda_sync.host.job.planning import Lessons, Planning
from zluda_sync.host.job.processing import HostPlace, HostProcessing
from zluda_sync.host.job.request import find_request
from zluda_sync.host.job.requests import Requests
from zluda_sync.host.preview.setup import PreviewSetup
from zluda_sync.host.sdnext import SdNext
from zluda_sync.pipeline.run import PipelineRun

#: Tells the user one sentence of what does not work.
Warn = Callable[[str], None]
#: What a stopped job is left by, where the host has it: of errors of this kind it shows nothing, of others
#: the code around every call, which takes seconds.
_SILENT = ("modules.errorlimiter", "ErrorLimiterAbort")
#: Built once: what is left by two of them is told apart by nobody.
_JOINED: dict[str, type[Interrupted]] = {}


class JobOpener:
    """Begins to follow jobs, and learns from those that have ended.

    Args:
        host: the host.
        tracker: learns when steps are finished.
        acting: knows which rungs are to be trusted, and when to wait.
        requests: knows the control of the request that a job belongs to.
        preview_setup: begins previews.
        lessons: of earlier jobs.
        guard: keeps errors of ours from the host, and tells of what does not work.
    """

    def __init__(
        self,
        host: SdNext,
        tracker: StepTracker,
        acting: Acting,
        requests: Requests,
        preview_setup: PreviewSetup,
        lessons: Lessons,
        guard: Guard,
    ) -> None:
        self._host = host
        self._tracker = tracker
        self._acting, self._book = acting, acting.book
        self._requests = requests
        self._preview_setup = preview_setup
        self._lessons = lessons
        self._guard = guard
        self._kernel_cache = KernelCache(cache_files())

    def open(
        self,
        accelerator: Accelerator,
        chosen: ChosenProfile,
        processing: Any,
        began_at_s: float | None,
        warn: Warn,
    ) -> HostJob:
        """Return what follows a job from now on.

        Args:
            accelerator: what the host computes on.
            chosen: its profile, with the settings that follow.
            processing: the host's processing object, None for a job outside of its processing.
            began_at_s: when the job was asked for, now if None.
            warn: told in one sentence of what does not work.
        """
        settings, report = chosen.settings, self._book.find(accelerator)
        policy = self._acting.policy(settings, accelerator)
        place = HostPlace(HostProcessing.of(processing))
        control, clock, notices = self._requests.own_or_implied(), PausableClock(), Notices()
        control.leave_signal = find_leave_signal()
        request = find_request(self._requests.begun, control)
        cells = request.cells if request is not None else RequestCells()

        def find_shape(call: HostProcessing) -> JobShape | None:
            speed = fingerprint_settings(self._host.opts)
            return call.shape(accelerator.name, self._host.model_name, policy.mode.value, speed)

        codes = request.site.codes if request is not None and request.site is not None else ()
        planning = Planning(
            self._lessons, place, find_shape, cells, lambda: self._host.state, codes, self._guard
        )
        shape = find_shape(place.now)
        job = Job(
            policy.mode,
            shape,
            planning.memory_for(shape),
            clock=clock,
            compile_sign=self._kernel_cache.was_written_within,
            began_at_s=began_at_s,
            earlier=cells.earlier_parts,
        )
        self._lessons.estimates.job_begins(shape if shape is None or shape.is_denoised else None)
        wanted = _wanted_rung(settings, report, warn)
        trust = self._book.trust_in(accelerator, self._guard, telling(notices, warn), wanted)
        tracking = self._tracker.begin(policy, accelerator, trust, is_leaving=control.wants_out)
        run = PipelineRun(
            JobWishes(
                job,
                control,
                clock,
                lambda: place.image,
                is_beside_plan=lambda: control.depth > place.depth,
            ),
            tracking,
            notices,
            self._host,
            place,
            self._preview_setup.begin(settings, tracking.marks),
            self._guard,
        )

        planning.begin(job)
        return HostJob(
            run,
            place,
            lambda: self._host.state,
            is_asked=place.now.processing is not None,
            are_latents_wanted=self._preview_setup.are_latents_wanted,
            cells=cells,
            planning=planning,
        )

    def learn(self, tracked: HostJob) -> None:
        """Take in what a job that has ended took, and its pictures. Never raises."""
        with self._guard.watching("learning from a job"):
            self._learn_durations(tracked)
        with self._guard.watching("learning from a picture"):
            self._preview_setup.learn(tracked)

    def learn_request(self, cells: RequestCells) -> None:
        """Take in what a request took that has ended. Never raises."""
        with self._guard.watching("learning from a request"):
            learned = cells.deliver()
            if learned is None:
                return
            if cells.is_usual:
                self._lessons.estimates.request_ended(learned.length_s)
            if cells.key is not None:
                self._lessons.grids.learn(cells.key, learned)

    def _learn_durations(self, tracked: HostJob) -> None:
        """Keep how long a job took, unless it was stopped or broke off."""
        is_whole = tracked.job.is_whole
        was_ended = tracked.job.was_cut or self._host.was_ended
        tracked.job.end_parts()
        has_ended_well = is_whole and not (tracked.is_broken or was_ended)
        if not (has_ended_well and is_usual(tracked.job)):
            tracked.cells.is_usual = False
        if has_ended_well and not tracked.job.is_made_of_cells:
            if tracked.is_asked:
                self._lessons.estimates.job_ended(tracked.job)
            self._lessons.durations.learn(tracked.job)


def _wanted_rung(settings: Settings, report: SelfTestReport | None, warn: Warn) -> str | None:
    """Return the rung that the user wants tried first, None if that is left to us or it lies."""
    if settings.rung is RungChoice.AUTO:
        return None
    name: str = settings.rung.value
    verdict = report.verdict(name) if report is not None else None
    if verdict is not None and verdict.is_truthful is False:
        why = verdict.reason or "did not tell the truth in the self-test"
        warn(f"{name} is not used, though it is set: it {why}. Set it to auto, or to another.")
        return None
    return name


def find_leave_signal() -> type[Interrupted]:
    """Return the class of the error by which models are left: silent where the host has such, else plain.

    The host catches an ``AssertionError`` first wherever it tells errors apart; this is one either way.
    """
    module, name = _SILENT
    silent = getattr(sys.modules.get(module), name, None)
    if not (isinstance(silent, type) and issubclass(silent, Exception)):
        return Interrupted
    if name not in _JOINED:
        _JOINED[name] = type("Interrupted", (Interrupted, silent), {"__module__": __name__})
    return _JOINED[name]
