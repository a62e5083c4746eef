"""One loop of the GPU lane: steps, a barrier behind each, and what was reported against what was true."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch

from bench.truth.recorder import build_marks
from zluda_sync.core.records.self_test_report import SelfTestReport
from zluda_sync.core.steps.ledger import Ledger
from zluda_sync.core.steps.policy import BarrierPolicy, SyncMode
from zluda_sync.device.preview.copy import CopyWay, find_copy_way, make_copier
from zluda_sync.device.preview.pace import PreviewPace
from zluda_sync.device.preview.projection import plain_projection
from zluda_sync.device.preview.queue import JobPreviews
from zluda_sync.device.preview.ring import StepFrame
from zluda_sync.device.steps.accelerator import Accelerator
from zluda_sync.device.steps.tracker import StepTracker, Trust
from zluda_sync.device.steps.watcher import Marks

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

    @property
    def hook_us(self) -> float | None:
        """Microseconds of the hook in a step, median over all but the first."""
        times_s = self.hook_s[FIRST_STEPS:]
        return 1e6 * statistics.median(times_s) if times_s else None


class Lane:
    """Runs loops on one device.

    Args:
        accelerator: of the device.
        device: where latents are.
        report: of the self-test.
        synchronize: waits for the whole device.
    """

    def __init__(
        self,
        accelerator: Accelerator,
        device: torch.device,
        report: SelfTestReport,
        synchronize: Callable[[], None],
    ) -> None:
        self._accelerator, self._device, self._report = accelerator, device, report
        self._synchronize = synchronize

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

    def run(
        self,
        latents: torch.Tensor,
        step: Any,
        steps: int,
        mode: SyncMode,
        stop_at: int | None = None,
        has_previews: bool = False,
        around: Callable[[Callable[[], Any]], Any] = lambda hook: hook(),
    ) -> Loop:
        """Run a loop through the step barrier.

        Args:
            latents: the first.
            step: queues one step.
            steps: how many.
            mode: when to wait.
            stop_at: leave the loop behind this step.
            has_previews: whether each step gets a preview.
            around: calls the hook, for who wants to watch it.
        """
        tracker, ledger, loop = StepTracker(), Ledger(steps), Loop()
        is_leaving = threading.Event()
        trust = Trust(
            self._report,
            self._report.proven,
            on_failed=lambda failed, _: loop.failures.extend(
                f"{rung.name}: {error}" for rung, error in failed
            ),
        )
        tracking = tracker.begin(BarrierPolicy(mode), self._accelerator, trust, is_leaving.is_set)
        barrier, marks = tracking.barrier, tracking.marks
        previews = self._build_previews(marks) if has_previews else None
        self._synchronize()
        truth, true_s = build_marks(self._device.type), list[float]()
        samples: list[tuple[float, int, int, float]] = []
        is_over = threading.Event()

        def look() -> None:
            while not is_over.wait(SAMPLE_S):
                before_s = time.perf_counter()
                launched, completed = ledger.launched, ledger.completed
                samples.append((before_s, launched, completed, time.perf_counter()))

        looking = threading.Thread(target=look, daemon=True)
        looking.start()
        asked_s: float | None = None
        began_s = time.perf_counter()
        for index in range(steps):
            latents = step(latents)
            truth.put(true_s.append)
            if index == stop_at:
                asked_s = time.perf_counter()
                is_leaving.set()
                ledger.wake()
            hook_began_s = time.perf_counter()
            around(lambda: barrier.pass_step(ledger, latents))  # noqa: B023  called at once
            loop.hook_s.append(time.perf_counter() - hook_began_s)
            if previews is not None:
                loop.previews += previews.queue_preview(ledger, StepFrame(index, latents), None)
            if asked_s is not None:
                break
        self._synchronize()
        loop.wall_s = time.perf_counter() - began_s
        if asked_s is not None:
            loop.stop_s = time.perf_counter() - asked_s
        ledger.wait_completed(ledger.launched - 1, 5.0)
        is_over.set()
        looking.join()
        truth.wait_drained()
        self._judge(loop, samples, true_s)
        barrier.forget(ledger)
        if previews is not None:
            previews.close()
        tracker.stop()
        return loop

    @staticmethod
    def _judge(loop: Loop, samples: list[tuple[float, int, int, float]], true_s: list[float]) -> None:
        for before_s, launched, reported, after_s in samples:
            least = sum(time_s <= before_s - CLOCK_ERROR_S for time_s in true_s)
            most = sum(time_s <= after_s + CLOCK_ERROR_S for time_s in true_s)
            loop.leads += reported > most
            loop.step_error = max(loop.step_error, reported - most, least - reported)
            loop.run_ahead = max(loop.run_ahead, launched - most)

    def _build_previews(self, marks: Marks) -> JobPreviews:
        way = find_copy_way(self._device, marks) or CopyWay.THREAD
        # All of them: the pace would thin them out, and what one costs is asked.
        pace = PreviewPace(budget_share=1e9)
        previews = JobPreviews(lambda _device: make_copier(way, marks), plain_projection, lambda: 4, pace)
        previews.prepare(self._device)
        return previews
