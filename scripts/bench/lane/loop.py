"""One loop of the GPU lane, followed by `track`: what was reported against what was true."""

from __future__ import annotations

import functools
import itertools
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from bench.lane.machine import lend_book
from bench.lane.report import Report
from bench.truth.recorder import build_marks
from zluda_sync import track
from zluda_sync.core.steps.policy import SyncMode
from zluda_sync.device.preview.pace import PreviewPace
from zluda_sync.pipeline.track_session import session_in

#: The first steps of a loop begin threads and load kernels.
FIRST_STEPS = 3
SAMPLE_S = 0.004
#: The device's clock is tied to the host's no better than this, in seconds.
CLOCK_ERROR_S = 0.001


@dataclass
class Loop:
    """What one loop was like; times in seconds."""

    wall_s: float = 0.0
    hook_s: list[float] = field(default_factory=list)
    run_ahead: int = 0
    step_error: int = 0
    leads: int = 0
    stop_s: float | None = None
    previews: int = 0
    failures: list[str] = field(default_factory=list)
    bar_error: float | None = None
    rung: str | None = None
    true_s: list[float] = field(default_factory=list)

    @property
    def hook_us(self) -> float | None:
        """Microseconds of the hook in a step, waits excluded, median over all but the first."""
        times_s = self.hook_s[FIRST_STEPS:]
        return 1e6 * statistics.median(times_s) if times_s else None

    @property
    def step_ms(self) -> float | None:
        """Milliseconds between two steps by the device's own events, median over all but the first."""
        times_s = [after - before for before, after in itertools.pairwise(self.true_s[FIRST_STEPS:])]
        return 1e3 * statistics.median(times_s) if times_s else None


class LoopRunner:
    """Runs loops on one device.

    Args:
        device: where latents are.
        synchronize: waits for the whole device.
        report: of the part that asks; what the self-test has found is taken from beside it.
    """

    def __init__(self, device: torch.device, synchronize: Callable[[], None], report: Report) -> None:
        self._device, self._synchronize = device, synchronize
        self._folder = tempfile.TemporaryDirectory()
        lend_book(report, Path(self._folder.name))

    def run_plain(self, latents: torch.Tensor, step: Any, steps: int, syncs: bool) -> float:
        """Return the wall time of the bare loop, or with a full synchronize behind each step."""
        self._synchronize()
        began_s = time.perf_counter()
        for _ in range(steps):
            latents = step(latents)
            if syncs:
                self._synchronize()
        self._synchronize()
        return time.perf_counter() - began_s

    def measure_launch_s(self, latents: torch.Tensor, step: Any, steps: int) -> float:
        """Return what a launch behind a step that was just queued costs this thread: seconds, the median.

        What a hook queues cannot cost less.
        """
        counter, times_s = torch.zeros(1, device=self._device), list[float]()
        for _ in range(steps):
            latents = step(latents)
            began_s = time.perf_counter()
            counter.add_(1)
            times_s.append(time.perf_counter() - began_s)
        self._synchronize()
        return statistics.median(times_s[FIRST_STEPS:])

    def run(
        self,
        latents: torch.Tensor,
        step: Any,
        steps: int,
        mode: SyncMode,
        stop_at: int | None = None,
        has_previews: bool = False,
        is_watched: bool = True,
        around: Callable[[Callable[[], Any]], Any] = lambda hook: hook(),
    ) -> Loop:
        """Run a loop that is tracked.

        Args:
            latents: the first.
            step: queues one step.
            steps: how many.
            mode: when to wait.
            stop_at: leave the loop behind this step.
            has_previews: whether each step gets a preview.
            is_watched: whether a client looks all the time; it takes the interpreter from a loop that needs
                it, so that times are of loops without one.
            around: calls the hook, for who wants to watch it.
        """
        loop = Loop()
        bare = _BareLoop(self._device, latents, step, steps, stop_at, around, self._synchronize)
        bare.has_previews = has_previews
        samples: list[_Look] = []
        is_over = threading.Event()

        def look() -> None:
            while not is_over.wait(SAMPLE_S):
                before_s, progress = time.perf_counter(), bare.job.progress
                if progress is not None:
                    seen = progress.launched, progress.completed, progress.fraction
                    samples.append(_Look(before_s, *seen, time.perf_counter()))

        looking = threading.Thread(target=look, daemon=True)
        self._synchronize()
        with track(bare, mode=mode, folder=self._folder.name) as bare.job:
            if is_watched:
                looking.start()
            bare(loop)
            for _ in bare.job:  # until the device has finished, and that is told
                pass
        is_over.set()
        if is_watched:
            looking.join()
        bare.truth.wait_drained()
        session_in(self._folder.name)._saver.flush()  # nothing comes into a folder that is gone
        progress = bare.job.progress
        if progress is not None:
            loop.rung = progress.rung
            loop.failures += [progress.notice] if progress.notice else []
        loop.true_s = bare.true_s
        loop.hook_s = bare.hooks_without_waits_s(loop.hook_s)
        self._judge(loop, samples, bare)
        return loop

    @staticmethod
    def _judge(loop: Loop, samples: list[_Look], bare: _BareLoop) -> None:
        true_s = bare.true_s
        errors: list[float] = []
        for seen in samples:
            least = sum(time_s <= seen.before_s - CLOCK_ERROR_S for time_s in true_s)
            most = sum(time_s <= seen.after_s + CLOCK_ERROR_S for time_s in true_s)
            loop.leads += seen.reported > most
            loop.step_error = max(loop.step_error, seen.reported - most, least - seen.reported)
            loop.run_ahead = max(loop.run_ahead, seen.launched - most)
            if bare.began_s <= seen.after_s <= bare.began_s + loop.wall_s:
                errors.append(abs(seen.fraction - (seen.after_s - bare.began_s) / loop.wall_s))
        loop.bar_error = statistics.fmean(errors) if errors else None


@dataclass(frozen=True)
class _Look:
    """What was told at one moment: steps, and the bar; asked for and answered at these times."""

    before_s: float
    launched: int
    reported: int
    fraction: float
    after_s: float


class _BareLoop:
    """A loop that is called, and calls back, as a pipeline of diffusers does; it needs no diffusers."""

    _callback_tensor_inputs = ["latents"]
    job: Any
    has_previews = False
    began_s = 0.0

    def __init__(
        self,
        device: torch.device,
        latents: torch.Tensor,
        step: Any,
        steps: int,
        stop_at: int | None,
        around: Callable[[Callable[[], Any]], Any],
        synchronize: Callable[[], None],
    ) -> None:
        self.device, self.num_timesteps = device, steps
        self._latents, self._step, self._stop_at = latents, step, stop_at
        self._around, self._synchronize = around, synchronize
        self.truth, self.true_s = build_marks(device.type), list[float]()

    def __call__(
        self,
        loop: Loop,
        callback_on_step_end: Any = None,
        callback_on_step_end_tensor_inputs: Sequence[str] = ("latents",),
    ) -> None:
        """Run it, and note what it was like."""
        del callback_on_step_end_tensor_inputs
        previews = self._open_previews() if self.has_previews else None
        asked_s: float | None = None
        began_s = self.began_s = time.perf_counter()
        try:
            for index in range(self.num_timesteps):
                latents = self._latents = self._step(self._latents)
                self.truth.put(self.true_s.append)
                if index == self._stop_at:
                    asked_s = time.perf_counter()
                    self.job.stop()
                told = functools.partial(callback_on_step_end, self, index, index, {"latents": latents})
                hook_began_s = time.perf_counter()
                self._around(told)
                loop.hook_s.append(time.perf_counter() - hook_began_s)
        finally:
            self._synchronize()
            loop.wall_s = time.perf_counter() - began_s
            if asked_s is not None:
                loop.stop_s = time.perf_counter() - asked_s
            if previews is not None:
                loop.previews = previews.made

    def hooks_without_waits_s(self, hooks_s: list[float]) -> list[float]:
        """Return the times of the hook less what was waited for the device in it, step by step."""
        run = self.job._call._newest.run
        ledger = run.newest_ledger if run is not None else None
        waited = dict.fromkeys(range(len(hooks_s)), 0.0)
        for step, _, wait_s in ledger.waits if ledger is not None else ():
            waited[step] = waited.get(step, 0.0) + wait_s
        return [max(0.0, hook_s - waited[step]) for step, hook_s in enumerate(hooks_s)]

    def _open_previews(self) -> Any:
        """Have a preview made of each step: their pace would thin them out, and what one costs is asked."""
        self.job.preview()
        previews = self.job._call._newest.previews
        previews.pace = PreviewPace(budget_share=1e9)
        previews.prepare(self.device)
        return previews
