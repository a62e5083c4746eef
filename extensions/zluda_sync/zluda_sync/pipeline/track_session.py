"""What all tracked pipelines of a process share: threads, trust in devices, what was learned."""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import tempfile
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from weakref import WeakSet

import torch

from zluda_sync.core.clock import PausableClock
from zluda_sync.core.errors import LatentShapeError, Stopped
from zluda_sync.core.guard import Guard, Notices
from zluda_sync.core.learning.durations import Learning
from zluda_sync.core.learning.late_saver import LateSaver
from zluda_sync.core.progress.job import Job
from zluda_sync.core.settings.settings import Settings
from zluda_sync.core.steps.ledger import Ledger
from zluda_sync.core.steps.policy import BarrierPolicy, SyncMode
from zluda_sync.core.wishes.control import Control
from zluda_sync.core.wishes.job_wishes import JobWishes
from zluda_sync.device.preview.copy import CopyWay, make_copier
from zluda_sync.device.preview.queue import JobPreviews
from zluda_sync.device.steps.accelerator import Accelerator, accelerator_on
from zluda_sync.device.steps.device_kinds import PINNED_TYPES
from zluda_sync.device.steps.ladder import telling
from zluda_sync.device.steps.self_testing import SelfTesting, TestSubject
from zluda_sync.device.steps.tracker import StepTracker, Tracking
from zluda_sync.device.steps.trust_book import TrustBook
from zluda_sync.pipeline.call_shape import build_shape, name_of
from zluda_sync.pipeline.component_phases import CallModels, channels_of
from zluda_sync.pipeline.console.console import Console
from zluda_sync.pipeline.passes import Place
from zluda_sync.pipeline.pictures import build_pair, find_pictures
from zluda_sync.pipeline.projections import Projections
from zluda_sync.pipeline.run import PipelineRun
from zluda_sync.pipeline.step_previews import PreviewDemand, StepPreviews

log = logging.getLogger("zluda_sync")
BLOCKS_BY_ITSELF = "the {} blocks by itself: what is queued there is finished, and no waiting is needed"
CANNOT_TELL = 'torch cannot tell when a device of the kind "{}" has finished something: what is queued counts'


class TrackSession:
    """Begins to follow calls. One for each folder in a process.

    Args:
        folder: where what is learned is kept, in a folder ``zluda_sync`` of its own.
    """

    def __init__(self, folder: Path) -> None:
        self.guard = Guard(_tell_failure)
        self._saver = LateSaver(log.warning)
        self._learning = Learning(folder, log.warning, self._saver)
        self._projections = Projections(folder, log.warning, self._saver)
        self._consoles: WeakSet[Console] = WeakSet()
        self._tracker = StepTracker()
        self._book = TrustBook(folder / "zluda_sync" / "selftest.json", log.warning)
        self._testing: dict[torch.device, SelfTesting] = {}
        self._calls = 0
        self._lock = threading.Lock()
        self._learning_now = threading.Lock()

    def make_console(self) -> Console:
        """Return what draws the bars of one pipeline."""
        console = Console(log.warning)
        self._consoles.add(console)
        return console

    def ask_device(self, device: torch.device) -> None:
        """Have the self-test run while no call does, unless a report on the device is kept."""
        accelerator = accelerator_on(device)
        if accelerator is None:
            return
        self._find_testing(device, accelerator).schedule()

    def explain(self, device: torch.device) -> str:
        """Return in one sentence what is known of a device, or why nothing has to be."""
        accelerator = accelerator_on(device)
        if accelerator is None:
            return (BLOCKS_BY_ITSELF if device.type == "cpu" else CANNOT_TELL).format(device.type)
        return self._find_testing(device, accelerator).explain(accelerator)

    def begin_run(
        self,
        pipe: Any,
        arguments: Mapping[str, Any] | None,
        mode: SyncMode | None,
        place: Place,
        models: CallModels,
        demand: PreviewDemand,
    ) -> PipelineRun:
        """Return what follows a call that begins.

        Args:
            pipe: that is called.
            arguments: of the call, defaults included; None if they say nothing of how long it will take.
            mode: when to wait, None to go by the self-test.
            place: where the call is.
            models: that it uses.
            demand: who looks at previews.
        """
        if mode is None:
            self.ask_device(device_of(pipe))  # the pipeline may have been moved
        with self._lock:
            self._calls += 1
        try:
            for testing in tuple(self._testing.values()):
                testing.job_begins()
            return self._build_run(pipe, arguments, mode, place, models, demand)
        except Exception:
            self._forget_call()
            raise

    def end_run(
        self, run: PipelineRun, last_mark: Ledger | None, when_done: Callable[[], None], waits: bool
    ) -> None:
        """A call has returned: end its run once the device has finished what it queued.

        Args:
            run: of the call.
            last_mark: left behind its result, None where that is at hand.
            when_done: called then, on any thread.
            waits: whether the device can be waited for.
        """
        awaited = [run.newest_ledger, last_mark] if waits else []
        busy = [ledger for ledger in awaited if ledger is not None and not ledger.is_drained]

        def end() -> None:
            for ledger in busy:
                ledger.wait_completed(ledger.launched - 1, LONGEST_DRAIN_S)
            try:
                when_done()
            finally:
                self._forget_call()

        with self.guard.watching("leaving a loop"):
            run.leave_pass()
        if busy:
            self._tracker.threads.waits.begin(end)
        else:
            end()

    def learn(self, pipe: Any, job: Job, latents: torch.Tensor | None, result: Any) -> None:
        """Keep how long a call took, and how its latents look as a picture.

        Args:
            pipe: that was called.
            job: that the call was; the device has finished it.
            latents: that its last step has left, None if unknown.
            result: of the call.
        """
        job.end_parts()
        with self._learning_now:
            self._learning.learn(job)
        pictures = find_pictures(result)
        channels = channels_of(CallModels(pipe).vae)
        if latents is None or channels is None or not pictures:
            return
        size = getattr(pictures[0], "size", None)  # of an array it is a number
        pair = build_pair(latents, pictures, channels, size if isinstance(size, tuple) else None)
        if pair is not None:
            with contextlib.suppress(LatentShapeError):  # a black picture teaches nothing
                self._projections.learn(name_of(pipe), [pair])

    def close(self) -> None:
        """End all threads; what was learned is written."""
        for testing in tuple(self._testing.values()):
            testing.close()
        for console in tuple(self._consoles):
            console.stop()
        self._tracker.stop()
        self._saver.flush()

    def _forget_call(self) -> None:
        """A call is over."""
        with self._lock:
            self._calls -= 1
        for testing in tuple(self._testing.values()):
            testing.job_ended()

    def _find_testing(self, device: torch.device, accelerator: Accelerator) -> SelfTesting:
        with self._lock:
            if device not in self._testing:
                self._testing[device] = SelfTesting(
                    TestSubject("the script", lambda: accelerator, lambda: ""),
                    self._book,
                    self._tracker.threads.waits,
                    lambda: self._calls == 0,
                    lambda report: log.info("self-test: %s", report.explanation),
                )
            return self._testing[device]

    def _build_run(
        self,
        pipe: Any,
        arguments: Mapping[str, Any] | None,
        mode: SyncMode | None,
        place: Place,
        models: CallModels,
        demand: PreviewDemand,
    ) -> PipelineRun:
        device = device_of(pipe)
        accelerator = accelerator_on(device)
        report = self._book.find(accelerator)
        policy = Settings().policy(report) if mode is None else BarrierPolicy(mode)
        control, clock, notices = Control(), PausableClock(), Notices()
        control.leave_signal = Stopped
        device_name = accelerator.name if accelerator is not None else device.type
        shape = memory = None
        if arguments is not None:
            shape = build_shape(pipe, arguments, device_name, policy.mode.value, models.phases)
            with self._learning_now:
                memory = self._learning.memory_for(shape)
        job = Job(policy.mode, shape, memory, clock=clock)
        tracking = Tracking.of_blocking_device()
        if accelerator is not None:
            tracking = self._begin_tracking(policy, accelerator, control, notices)
        way = CopyWay.ASYNCHRONOUS if device.type == "cpu" else CopyWay.THREAD
        if accelerator is not None and not accelerator.kind.may_wait_beside and device.type in PINNED_TYPES:
            way = CopyWay.PINNED  # a copy that waits would hold up the script's own thread
        queue = JobPreviews(
            lambda _device: make_copier(way, tracking.marks),
            lambda channels: self._projections.find(name_of(pipe), channels),
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

    def _begin_tracking(
        self, policy: BarrierPolicy, accelerator: Accelerator, control: Control, notices: Notices
    ) -> Tracking:
        trust = self._book.trust_in(accelerator, self.guard, telling(notices, log.warning))
        return self._tracker.begin(policy, accelerator, trust, control.wants_out)


#: What a device is waited for after a call that has left it busy, in seconds.
LONGEST_DRAIN_S = 600.0
_sessions: dict[Path, TrackSession] = {}
_sessions_lock = threading.Lock()


def session_in(folder: str | os.PathLike[str] | None) -> TrackSession:
    """Return the session of a folder, the user's cache folder if None."""
    root = Path(folder).expanduser().absolute() if folder is not None else _cache_folder()
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


def _cache_folder() -> Path:
    root = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA")
    try:
        return Path(root) if root else Path.home() / ".cache"
    except RuntimeError:  # nobody's home
        return Path(tempfile.gettempdir())


def _tell_failure(what: str, error: Exception) -> None:
    log.error("%s failed, the pipeline runs as without it: %s", what, error, exc_info=error)
