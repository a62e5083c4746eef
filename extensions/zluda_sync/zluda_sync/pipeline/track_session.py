"""What all tracked pipelines of a process share: threads, trust in devices, what was learned."""

from __future__ import annotations

import atexit
import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from zluda_sync.core.clock import PausableClock
from zluda_sync.core.errors import RungLiedError, RungSilentError, Stopped
from zluda_sync.core.guard import Guard, Notices
from zluda_sync.core.progress.durations import Learning
from zluda_sync.core.progress.job import Job
from zluda_sync.core.settings.settings import Settings
from zluda_sync.core.steps.policy import BarrierPolicy, SyncMode
from zluda_sync.core.wishes.control import Control
from zluda_sync.core.wishes.job_wishes import JobWishes
from zluda_sync.device.preview.copy import CopyWay, make_copier
from zluda_sync.device.preview.queue import JobPreviews
from zluda_sync.device.steps.accelerator import Accelerator, accelerator_on
from zluda_sync.device.steps.self_testing import SelfTesting, TestSubject
from zluda_sync.device.steps.tracker import StepTracker, Tracking, Trust
from zluda_sync.device.steps.trust_book import TrustBook
from zluda_sync.pipeline.call_shape import build_shape, name_of
from zluda_sync.pipeline.console.console import Console
from zluda_sync.pipeline.passes import Place
from zluda_sync.pipeline.projections import Projections
from zluda_sync.pipeline.run import Models, PipelineRun
from zluda_sync.pipeline.step_previews import PreviewDemand, StepPreviews

log = logging.getLogger("zluda_sync")
BLOCKS_BY_ITSELF = "{} blocks by itself: what is queued there is finished, and no barrier is needed"


class TrackSession:
    """Begins to follow calls. One for each folder in a process.

    Args:
        folder: where what is learned is kept, in a folder ``zluda_sync`` of its own.
    """

    def __init__(self, folder: Path) -> None:
        self.guard = Guard(_tell_failure)
        self.console = Console(log.warning)
        self.learning = Learning(folder, log.warning)
        self.projections = Projections(folder, log.warning)
        self._tracker = StepTracker()
        self._book = TrustBook(folder / "zluda_sync" / "selftest.json", log.warning)
        self._testing: dict[torch.device, SelfTesting] = {}
        self._calls = 0
        self._lock = threading.Lock()

    def ask_device(self, device: torch.device) -> None:
        """Have the self-test run while no call does, unless a report on the device is kept."""
        accelerator = accelerator_on(device)
        if accelerator is None:
            return
        with self._lock:
            if device not in self._testing:
                subject = TestSubject("the script", lambda: accelerator, lambda: "")
                self._testing[device] = SelfTesting(
                    subject,
                    self._book,
                    self._tracker.threads.waits,
                    lambda: self._calls == 0,
                    lambda report: log.info("self-test: %s", report.explanation),
                )
        self._testing[device].schedule()

    def explain(self, device: torch.device) -> str:
        """Return in one sentence what is known of a device, or why nothing has to be."""
        testing = self._testing.get(device)
        if testing is None:
            return BLOCKS_BY_ITSELF.format(f'a device of the kind "{device.type}"')
        return testing.explain(accelerator_on(device))

    def begin_run(
        self,
        pipe: Any,
        arguments: dict[str, Any],
        mode: SyncMode | None,
        place: Place,
        models: Models,
        demand: PreviewDemand,
    ) -> PipelineRun:
        """Return what follows a call that begins.

        Args:
            pipe: that is called.
            arguments: of the call, defaults included.
            mode: when to wait, None to go by the self-test.
            place: where the call is.
            models: that it uses.
            demand: who looks at previews.
        """
        device = device_of(pipe)
        accelerator = accelerator_on(device)
        with self._lock:
            self._calls += 1
        for testing in self._testing.values():
            testing.job_begins()
        report = self._book.find(accelerator)
        policy = Settings().policy(report) if mode is None else BarrierPolicy(mode)
        control, clock, notices = Control(), PausableClock(), Notices()
        control.leave_signal = Stopped
        device_name = accelerator.name if accelerator is not None else device.type
        shape = build_shape(pipe, arguments, device_name, policy.mode.value)
        job = Job(policy.mode, shape, self.learning.memory_for(shape), clock=clock)
        tracking = Tracking.of_blocking_device()
        if accelerator is not None:
            tracking = self._begin_tracking(policy, accelerator, control, notices)
        way = CopyWay.ASYNCHRONOUS if device.type == "cpu" else CopyWay.THREAD
        queue = JobPreviews(
            lambda _device: make_copier(way, tracking.marks),
            lambda channels: self.projections.find(name_of(pipe), channels),
            lambda: channels_of(models.vae),
        )
        return PipelineRun(
            JobWishes(job, control, clock, lambda: place.image),
            tracking,
            notices,
            models,
            place,
            StepPreviews(queue, demand, log.warning),
            self.guard,
        )

    def end_run(self, run: PipelineRun, when_done: Callable[[], None]) -> None:
        """A call has returned: end its run once the device has finished what it queued.

        Args:
            run: of the call.
            when_done: called then, on any thread.
        """
        with self._lock:
            self._calls -= 1
        for testing in self._testing.values():
            testing.job_ended()
        run.leave_pass()
        ledger = run.newest_ledger
        if ledger is None or ledger.is_drained:
            when_done()
            return

        def wait_and_end() -> None:
            ledger.wait_completed(ledger.launched - 1, LONGEST_DRAIN_S)
            when_done()

        self._tracker.threads.waits.begin(wait_and_end)

    def close(self) -> None:
        """End all threads."""
        for testing in self._testing.values():
            testing.close()
        self.console.stop()
        self._tracker.stop()

    def _begin_tracking(
        self, policy: BarrierPolicy, accelerator: Accelerator, control: Control, notices: Notices
    ) -> Tracking:
        def keep_caught(rung_name: str, error: RungLiedError | RungSilentError) -> None:
            keep = self._book.distrust if error.is_certain else self._book.suspect
            keep(rung_name, f"in use: {error}", accelerator)

        def tell_failed(failed: Any, successor: Any) -> None:
            fallback = f"using {successor.name} instead" if successor else "no way is left to follow it"
            notices.tell(f"{failed[0][0].name} failed, {fallback}")
            for rung, error in failed:
                log.warning("%s failed (%s: %s); %s", rung.name, type(error).__name__, error, fallback)

        proven = self._book.proven(accelerator)
        report = self._book.find(accelerator)
        trust = Trust(report, proven, on_caught=keep_caught, on_failed=tell_failed)
        return self._tracker.begin(policy, accelerator, trust, control.wants_out)


#: What a device is waited for after a call that has left it busy, in seconds.
LONGEST_DRAIN_S = 600.0
_sessions: dict[Path, TrackSession] = {}
_sessions_lock = threading.Lock()


def session_in(folder: str | os.PathLike[str] | None) -> TrackSession:
    """Return the session of a folder, the user's cache folder if None."""
    root = Path(folder) if folder is not None else _cache_folder()
    with _sessions_lock:
        if root not in _sessions:
            _sessions[root] = session = TrackSession(root)
            atexit.register(session.close)  # a thread that is inside torch then would abort the process
        return _sessions[root]


def device_of(pipe: Any) -> torch.device:
    """Return where a pipeline computes; the CPU if it does not tell."""
    for name in ("_execution_device", "device"):
        device = getattr(pipe, name, None)
        if isinstance(device, torch.device):
            return device
    return torch.device("cpu")


def channels_of(vae: Any) -> int | None:
    """Return C of the latents of a VAE, None if it does not tell."""
    config = getattr(vae, "config", None)
    for name in ("latent_channels", "z_dim"):
        channels = getattr(config, name, None)
        if isinstance(channels, int):
            return channels
    return None


def _cache_folder() -> Path:
    root = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA")
    return Path(root) if root else Path.home() / ".cache"


def _tell_failure(what: str, error: Exception) -> None:
    log.error("%s failed, the pipeline runs as without it: %s: %s", what, type(error).__name__, error)
