"""A device that nobody here wrote: which ways to wait work on it, and whether what is told of steps is true.

It is named by the environment, as ``SECOND_DEVICE=torchvulkan:vulkan``: a module that makes the device known
to torch when it is imported, and the device.
"""

from __future__ import annotations

import importlib
import os
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from bench.terminal.self_test_table import build_self_test_table
from bench.terminal.table import Row, build_table
from zluda_sync import track
from zluda_sync.core.records.self_test_report import SelfTestReport
from zluda_sync.core.steps.policy import SyncMode
from zluda_sync.device.steps.accelerator import Accelerator, accelerator_on
from zluda_sync.device.steps.self_test import SelfTest
from zluda_sync.device.steps.trust_book import TrustBook
from zluda_sync.device.steps.waits import BlockingWaits
from zluda_sync.pipeline.track_session import session_in

VARIABLE = "SECOND_DEVICE"
MODES = (SyncMode.EVERY_STEP, SyncMode.RUN_AHEAD, SyncMode.OBSERVE)
STEPS = 8
STEP_S = 0.25
WIDTH = 512
#: More of a step's time than this is not left when it is told of.
MOST_LEFT_SHARE = 0.3
COLUMNS = (
    ("tested", "self-test", ""),
    ("mode", "mode", ""),
    ("rung", "by", ""),
    ("wall_s", "wall s", ".2f"),
    ("queued_s", "queued in s", ".2f"),
    ("told", "steps told", "d"),
    ("left_share", "left of a step", ".3f"),
    ("has_preview", "preview", ""),
    ("notice", "told of it", ""),
)


@dataclass(frozen=True)
class Opinion:
    """What was found.

    Attributes:
        report: of the self-test.
        rows: one for each mode, before the self-test and after it.
        text: all of it, to print.
    """

    report: SelfTestReport
    rows: Sequence[Row]
    text: str


def run_second_opinion(name: str) -> Opinion:
    """Try a device with the self-test, and with bare loops in every mode.

    Args:
        name: a module and a device, with a colon between them.
    """
    module_name, _, device_name = name.partition(":")
    module: Any = importlib.import_module(module_name)
    device = torch.device(device_name)
    device = device if device.index is not None else torch.device(device.type, 0)
    accelerator = accelerator_on(device)
    if accelerator is None:
        raise ValueError(f"torch has no means to tell when {device} has finished something")
    waits = BlockingWaits()
    report = SelfTest(accelerator, waits).run()
    waits.stop()
    work = _Work(device)
    rows: list[Row] = [work.measure_bare(module)]
    for known in (None, report):
        with tempfile.TemporaryDirectory() as folder:
            if known is not None:
                _keep(Path(folder), accelerator, known)
            rows += [
                {"tested": "before" if known is None else "after", **work.run(mode, folder)} for mode in MODES
            ]
            session_in(folder)._saver.flush()  # nothing comes into a folder that is gone
    heading = (
        f"{accelerator.name} by {module_name} {_version_of(module)}, torch {torch.__version__}: "
        f"{report.mode.value}: {report.explanation}"
    )
    tables = f"{build_self_test_table(report)}\n\n{build_table(rows, COLUMNS)}"
    return Opinion(report, rows, f"{heading}\n\n{tables}")


def find_second_device() -> str:
    """Return the device that the environment names, empty if it names none."""
    return os.environ.get(VARIABLE, "")


def _version_of(module: Any) -> str:
    return str(getattr(module, "__version__", "of no version"))


class _Work:
    """A loop whose steps take the device some time, whatever it is."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._matrix = torch.full((WIDTH, WIDTH), 1.0 / WIDTH).to(device)
        self._latents = torch.zeros(1, 4, 16, 16).to(device)
        self._products = 1
        self._time(self._step)  # compiles kernels
        took_s = min(self._time(self._step) for _ in range(3))
        self._products = max(1, round(STEP_S / took_s))

    def measure_bare(self, module: Any) -> Row:
        """Return how long a loop takes without us, and how much of that it is queued in."""
        latents = self._latents
        began_s = time.perf_counter()
        for _ in range(STEPS):
            latents = self._step(latents)
        queued_s = time.perf_counter() - began_s
        module.synchronize()
        return {
            "tested": "",
            "mode": "bare loop",
            "wall_s": time.perf_counter() - began_s,
            "queued_s": queued_s,
        }

    def run(self, mode: SyncMode, folder: str) -> dict[str, Any]:
        """Follow a loop, and return its row; ``left_share`` is how much of a step was left when it was told.

        There are no events to ask when a step was truly finished: the moment that it is told of it is read
        back, which takes as long as is left of it. Where steps are told of later, nothing is read.
        """
        loop = _Loop(self._device, self._latents, self._step)
        with track(loop, mode=mode, folder=folder) as job:
            job.preview()  # from here on somebody looks

            def look(index: int, step_s: float) -> None:
                if job.progress is not None and job.progress.completed > index:
                    began_s = time.perf_counter()
                    self._read(loop.latents)
                    loop.left_shares.append((time.perf_counter() - began_s) / step_s)

            loop.on_told = look
            began_s = time.perf_counter()
            loop()
            queued_s = time.perf_counter() - began_s
            self._read(loop.latents)
            wall_s = time.perf_counter() - began_s
            for _ in job:  # until all is told
                pass
            progress, has_preview = job.progress, job.preview() is not None
        return {
            "mode": mode.value,
            "rung": progress.rung if progress is not None else None,
            "wall_s": wall_s,
            "queued_s": queued_s,
            "told": progress.completed if progress is not None else 0,
            "left_share": max(loop.left_shares, default=None),
            "has_preview": "yes" if has_preview else "no",
            "notice": progress.notice if progress is not None else "",
        }

    def _step(self, latents: torch.Tensor) -> torch.Tensor:
        work = self._matrix
        for _ in range(self._products):
            work = work @ self._matrix
        return latents + work[0, 0]

    def _time(self, step: Callable[[torch.Tensor], torch.Tensor]) -> float:
        began_s = time.perf_counter()
        self._read(step(self._latents))
        return time.perf_counter() - began_s

    @staticmethod
    def _read(latents: torch.Tensor) -> float:
        return float(latents.cpu()[0, 0, 0, 0])


class _Loop:
    """Is called, and calls back, as a pipeline of diffusers does."""

    _callback_tensor_inputs = ["latents"]

    def __init__(self, device: torch.device, latents: torch.Tensor, step: Callable[[Any], Any]) -> None:
        self.device, self.num_timesteps = device, STEPS
        self.latents, self._step = latents, step
        self.left_shares: list[float] = []
        self.on_told: Callable[[int, float], None] = lambda index, step_s: None

    def __call__(
        self,
        callback_on_step_end: Any = None,
        callback_on_step_end_tensor_inputs: Sequence[str] = ("latents",),
    ) -> torch.Tensor:
        """Run it."""
        del callback_on_step_end_tensor_inputs
        for index in range(self.num_timesteps):
            began_s = time.perf_counter()
            self.latents = self._step(self.latents)
            callback_on_step_end(self, index, index, {"latents": self.latents})
            self.on_told(index, time.perf_counter() - began_s)
        return self.latents


def _keep(folder: Path, accelerator: Accelerator, report: SelfTestReport) -> None:
    book = TrustBook(folder / "zluda_sync" / "selftest.json", warnings.warn)
    book.take(accelerator, replace(report, versions=book.versions_of(accelerator)))
