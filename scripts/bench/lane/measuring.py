"""The rows of one step function: the bare loop, full synchronize, every mode, against the device's events."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import torch

from bench.lane.loop import Loop, LoopRunner
from bench.lane.machine import build_accelerator, find_device
from bench.lane.report import OpenTable, Report
from zluda_sync.core.steps.policy import SyncMode
from zluda_sync.device.steps.accelerator import device_module

_Result = TypeVar("_Result")
MODES = (SyncMode.EVERY_STEP, SyncMode.RUN_AHEAD, SyncMode.OBSERVE)
STEPS, QUICK_STEPS = 25, 8
ROUNDS = 4
BARE = "bare loop"
COLUMNS = (
    ("case", "case", ""),
    ("mode", "mode", ""),
    ("wall_s", "wall s", ".3f"),
    ("ratio", "/ bare", ".3f"),
    ("run_ahead", "run-ahead", "d"),
    ("step_error", "step error", "d"),
    ("leads", "lead", "d"),
    ("hook_us", "hook us", ".0f"),
    ("launch_us", "launch us", ".0f"),
    ("stop_s", "Stop s", ".3f"),
    ("preview_ms", "preview ms", ".2f"),
    ("step_ms", "step ms", ".2f"),
    ("bar_error", "bar error", ".3f"),
    ("spread", "spread", ".3f"),
    ("rung", "by", ""),
    ("notice", "notice", ""),
)


class Bench:
    """The device at hand, ready for loops.

    Attributes:
        device: where latents are.
        module: torch's module of the device.
        accelerator: the extension's view of it.
        runner: runs loops on it.
    """

    def __init__(self, report: Report) -> None:
        self.device: torch.device = find_device()
        self.module: Any = device_module(self.device)
        self.accelerator = build_accelerator(self.device)
        self.runner = LoopRunner(self.device, self.module.synchronize, report)
        self._report = report

    @property
    def is_cuda(self) -> bool:
        """Whether this is a real card."""
        return self.device.type == "cuda"

    @property
    def steps(self) -> int:
        """Steps of a loop."""
        return QUICK_STEPS if self._report.is_quick or not self.is_cuda else STEPS

    def measure(
        self, title: str, case: str, latents: torch.Tensor, step: Callable[[Any], Any], limit_s: float
    ) -> None:
        """Keep the table of one step function; slow cards run fewer rounds within ``limit_s``.

        A row is kept as soon as anything of it is known; a kind of loop that fails costs its own row.
        """
        with self._report.rows(title, COLUMNS) as rows:
            _Measurement(self, self._report, rows, case, latents, step).run(limit_s)

    @staticmethod
    def row_of(case: str, mode: SyncMode, runs: list[Loop]) -> dict[str, Any]:
        """Return what several loops of one mode were like."""
        return {
            "case": case,
            "mode": mode.value,
            "wall_s": statistics.median(run.wall_s for run in runs),
            "run_ahead": max(run.run_ahead for run in runs),
            "step_error": max(run.step_error for run in runs),
            "leads": sum(run.leads for run in runs),
            "hook_us": _median([run.hook_us for run in runs]),
            "step_ms": _median([run.step_ms for run in runs]),
            "bar_error": _median([run.bar_error for run in runs]),
            "rung": next((run.rung for run in runs if run.rung), None),
            "notice": "; ".join(sorted({failure for run in runs for failure in run.failures})) or None,
        }


class _Measurement:
    """Loops of every kind with one step function, and what is known of each kind so far.

    A kind that has failed is told of and not tried again.

    Args:
        bench: of the device.
        report: of the part.
        rows: where each kind has its row.
        case: the rows' case.
        latents: the first.
        step: queues one step.
    """

    def __init__(
        self,
        bench: Bench,
        report: Report,
        rows: OpenTable,
        case: str,
        latents: torch.Tensor,
        step: Callable[[Any], Any],
    ) -> None:
        self._report, self._rows, self._case = report, rows, case
        self._plain = partial(bench.runner.run_plain, latents, step, bench.steps)
        self._load_kernels = partial(bench.runner.run_plain, latents, step, 3, syncs=True)
        self._launch_s = partial(bench.runner.measure_launch_s, latents, step, bench.steps)
        self._loop = partial(bench.runner.run, latents, step, bench.steps)
        self._row_of = partial(bench.row_of, case)
        self._rounds = 1 if report.is_quick or not bench.is_cuda else ROUNDS
        self._steps = bench.steps
        self._known: dict[str, dict[str, Any]] = {}
        self._failed: set[str] = set()
        self._walls_s: dict[str, list[tuple[float, float]]] = {}
        self._hooks_us: dict[str, list[float | None]] = {mode.value: [] for mode in MODES}
        self._previews_s: list[float] = []

    def run(self, limit_s: float) -> None:
        """Run all of them; no round is begun that would not end within ``limit_s``."""
        began_s = time.monotonic()
        self._load_kernels()
        bare_s = self._plain(syncs=False)
        self._note(BARE, wall_s=bare_s, ratio=1.0, step_ms=1000 * bare_s / self._steps)
        launch_s = self._try("a launch", self._launch_s)
        if launch_s is not None:
            self._note(BARE, launch_us=1e6 * launch_s)
        stopped = self._try(  # begins threads too
            "Stop", lambda: self._loop(SyncMode.RUN_AHEAD, stop_at=self._steps // 2)
        )
        for mode in MODES:
            figures: dict[str, Any] = {}
            if watched := self._try(mode.value, partial(self._loop, mode)):
                figures |= self._row_of(mode, [watched])
            if stopped and mode is SyncMode.RUN_AHEAD:
                figures["stop_s"] = stopped.stop_s
            if figures:
                self._note(mode.value, **figures)
        for _ in range(self._rounds):
            round_s = time.monotonic()
            if not self._run_round():
                return
            now_s = time.monotonic()
            if now_s - began_s + now_s - round_s > limit_s:
                return

    def _run_round(self) -> bool:
        """Run each kind once and refine its row; False where the bare loop fails: all are held against it."""
        bare_s = self._try(BARE, lambda: self._plain(syncs=False))
        if bare_s is None:
            return False
        self._pair(BARE, bare_s, bare_s)
        synced_s = self._try("full synchronize", lambda: self._plain(syncs=True))
        if synced_s is not None:
            self._pair("full synchronize", synced_s, bare_s)
        observed: Loop | None = None
        for mode in MODES:
            observed = self._try(mode.value, partial(self._loop, mode, is_watched=False))
            if observed:
                self._hooks_us[mode.value].append(observed.hook_us)
                hook_us = _median(self._hooks_us[mode.value])
                self._pair(mode.value, observed.wall_s, bare_s, hook_us=hook_us)
        shown = self._try(
            "previews", lambda: self._loop(SyncMode.OBSERVE, has_previews=True, is_watched=False)
        )
        if shown and observed:  # the last of the modes
            self._previews_s.append((shown.wall_s - observed.wall_s) / max(shown.previews, 1))
            self._note(SyncMode.OBSERVE.value, preview_ms=1000 * statistics.median(self._previews_s))
        return True

    def _try(self, kind: str, run: Callable[[], _Result]) -> _Result | None:
        """Return what a loop gives, None if loops of this kind fail."""
        if kind in self._failed:
            return None
        result: _Result | None = None
        with self._report.case(f"{self._case}, {kind}", keeps_memory=True):
            result = run()
        if result is None:
            self._failed.add(kind)
        return result

    def _pair(self, kind: str, wall_s: float, bare_s: float, **figures: Any) -> None:
        """Note a loop's wall time and that of the bare loop of the same round."""
        pairs = self._walls_s.setdefault(kind, [])
        pairs.append((wall_s, bare_s))
        ratios = [wall_s / bare_s for wall_s, bare_s in pairs]
        figures |= {"wall_s": statistics.median(wall_s for wall_s, _ in pairs)}
        if kind != BARE:
            figures |= {"ratio": statistics.median(ratios), "spread": max(ratios) - min(ratios)}
        self._note(kind, **figures)

    def _note(self, kind: str, **figures: Any) -> None:
        known = self._known.setdefault(kind, {"case": self._case, "mode": kind})
        known |= figures
        self._rows.put(known)


def _median(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None
