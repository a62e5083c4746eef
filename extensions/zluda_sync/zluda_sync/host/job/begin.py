"""Puts together what follows one job: ladder, barrier, marks, previews, bar."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from zluda_sync.core.clock import PausableClock
from zluda_sync.core.errors import RungLiedError, RungSilentError
from zluda_sync.core.notices import Notices
from zluda_sync.core.progress.job import Job
from zluda_sync.core.records.self_test_report import SelfTestReport
from zluda_sync.core.settings.profiles import ChosenProfile
from zluda_sync.core.settings.settings import RungChoice, Settings
from zluda_sync.core.steps.other_work import OtherWork
from zluda_sync.device.steps.accelerator import Accelerator
from zluda_sync.device.steps.barrier import StepBarrier
from zluda_sync.device.steps.ladder import Ladder, Rung, marking_rung, rungs_for
from zluda_sync.device.steps.marks import StepMarks
from zluda_sync.device.steps.waits import BlockingWaits
from zluda_sync.device.steps.watcher import CompletionWatcher
from zluda_sync.host.job.current import Jobs
from zluda_sync.host.job.followed import TrackedJob
from zluda_sync.host.job.kernel_cache import KernelCache, cache_files
from zluda_sync.host.job.learned import Learning
from zluda_sync.host.job.requests import Requests
from zluda_sync.host.job.source import JobSource
from zluda_sync.host.preview.setup import PreviewSetup
from zluda_sync.host.sdnext import SdNext
from zluda_sync.host.self_testing import SelfTesting
from zluda_sync.pipeline.decode_blocks import DecodeHooks


class Follower:
    """Makes a followed job by the settings of the moment.

    Args:
        host: the host.
        jobs: keeps errors of ours from whoever presses a button.
        requests: knows the control of the request that a job belongs to.
        preview_setup: begins previews.
        learning: knows what earlier jobs took.
        self_testing: knows which rungs are to be trusted.
        watcher: looks at marks.
        waits: threads for waits that block.
        warn: told in one sentence of what does not work.
        other_work: knows of work on the device that is not of the steps.
    """

    def __init__(
        self,
        host: SdNext,
        jobs: Jobs,
        requests: Requests,
        preview_setup: PreviewSetup,
        learning: Learning,
        self_testing: SelfTesting,
        watcher: CompletionWatcher,
        waits: BlockingWaits,
        warn: Callable[[str], None],
        other_work: OtherWork,
    ) -> None:
        self._host = host
        self._jobs = jobs
        self._requests = requests
        self._preview_setup = preview_setup
        self._learning = learning
        self._self_testing = self_testing
        self._watcher = watcher
        self._waits = waits
        self._warn = warn
        self._other_work = other_work
        self._kernel_cache = KernelCache(cache_files())

    def follow(
        self, accelerator: Accelerator, chosen: ChosenProfile, processing: Any, began_at_s: float | None
    ) -> TrackedJob:
        """Return what follows a job from now on.

        Args:
            accelerator: what the host computes on.
            chosen: the profile that it goes by, with the settings that follow.
            processing: the host's processing object, None for a job outside of its processing.
            began_at_s: when the job was asked for, now if None.
        """
        settings, report = chosen.settings, self._self_testing.find(accelerator)
        wanted = self._wanted_rung(settings, report)
        policy = settings.policy(report)
        source = JobSource(processing)
        control = self._requests.own_or_implied()
        clock = PausableClock()
        shape = source.shape(accelerator.name, self._host.model_name, policy.mode.value)
        job = Job(
            policy.mode,
            shape,
            self._learning.memory_for(shape),
            clock=clock,
            compile_sign=self._kernel_cache.was_written_within,
            began_at_s=began_at_s,
        )
        notices = Notices()
        marks = StepMarks(marking_rung(accelerator, report), self._watcher)
        ladder = Ladder(
            rungs_for(policy.mode, accelerator, report, wanted),
            partial(self._demoted, accelerator, marks),
            partial(self._settled, notices),
        )
        barrier = StepBarrier(
            policy,
            ladder,
            accelerator,
            self._watcher,
            self._waits,
            is_leaving=control.wants_out,
            proven=self._self_testing.proven(accelerator),
            other_work=self._other_work,
        )
        barrier.prepare()
        return TrackedJob(
            lambda: self._host.state,
            job,
            barrier,
            source,
            DecodeHooks(lambda: self._host.vae, marks),
            control,
            clock,
            self._jobs.guarded,
            lambda: self._host.components,
            self._preview_setup.begin(settings, marks),
            notices,
            marks,
            is_asked=processing is not None,
            are_latents_wanted=self._preview_setup.are_latents_wanted,
        )

    def _wanted_rung(self, settings: Settings, report: SelfTestReport | None) -> str | None:
        """Return the rung that the user wants tried first, None if that is left to us or it lies."""
        if settings.rung is RungChoice.AUTO:
            return None
        name: str = settings.rung.value
        verdict = report.verdict(name) if report is not None else None
        if verdict is not None and verdict.is_truthful is False:
            why = verdict.reason or "did not tell the truth in the self-test"
            self._warn(f"{name} is not used, though it is set: it {why}. Set it to auto, or to another.")
            return None
        return name

    def _demoted(self, accelerator: Accelerator, marks: StepMarks, rung: Rung, error: Exception) -> None:
        """A rung has failed: if it has lied, it is believed no more; if it may have, it is checked again."""
        if isinstance(error, (RungLiedError, RungSilentError)):
            marks.distrust(rung.name, error)
            keep = self._self_testing.distrust if error.is_certain else self._self_testing.suspect
            self._jobs.guard("keeping what a rung did", keep, rung.name, f"in use: {error}", accelerator)

    def _settled(
        self, notices: Notices, failed: Sequence[tuple[Rung, Exception]], successor: Rung | None
    ) -> None:
        """Another rung has taken over: say so on the page and in the log."""
        fallback = f"using {successor.name} instead" if successor else "no way is left to follow this job"
        notices.tell(f"{failed[0][0].name} failed, {fallback}")
        reasons = ", ".join(f"{rung.name} failed ({type(error).__name__}: {error})" for rung, error in failed)
        self._warn(f"{reasons}; {fallback}")
