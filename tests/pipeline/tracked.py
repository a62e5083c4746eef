"""What tests of `track` share: tiny pipelines, and a bare one that is no pipeline of diffusers at all."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch

from bench.tiny_pipelines import build
from modules import emulated_device
from modules.emulated_device import Gate
from zluda_sync.core.records.self_test_report import RungVerdict, SelfTestReport
from zluda_sync.device.steps.accelerator import accelerator_on
from zluda_sync.device.steps.trust_book import TrustBook

LIMIT_S = 30.0
#: diffusers and transformers warn of what they themselves still use.
QUIET = [
    pytest.mark.filterwarnings(f"ignore::{kind}")
    for kind in ("DeprecationWarning", "FutureWarning", "UserWarning")
]


class BareLoop:
    """Called like a pipeline, calls back like one, and is none."""

    _callback_tensor_inputs = ["latents"]

    def __init__(self, device: torch.device, then: Callable[[int], Any] = lambda step: None) -> None:
        self.device = device
        self.then = then

    def __call__(
        self,
        num_inference_steps: int = 4,
        callback_on_step_end: Any = None,
        callback_on_step_end_tensor_inputs: Any = ("latents",),
    ) -> str:
        """Run the loop; ``then`` is done in each step before it is told of."""
        self.num_timesteps = num_inference_steps
        latents = torch.zeros(1, 4, 8, 8, device=self.device)
        for step in range(num_inference_steps):
            latents = latents + 1
            self.then(step)
            if callback_on_step_end is not None:
                given = dict.fromkeys(callback_on_step_end_tensor_inputs, latents)
                latents = callback_on_step_end(self, step, step, given).pop("latents", latents)
        return "done"


def install_emulated() -> torch.device:
    """Return the emulated device; the test is skipped where this torch can have none."""
    if obstacle := emulated_device.find_obstacle():
        pytest.skip(obstacle)
    return emulated_device.install()


def build_emulated(name: str) -> Any:
    """Return a tiny pipeline on the emulated device, and the arguments of a call."""
    device = install_emulated()
    tiny = build(name)
    tiny.pipe.to(device)
    tiny.pipe.set_progress_bar_config(disable=True)
    return tiny


def keep_report(device: torch.device, folder: Path) -> None:
    """Have a self-test be kept that has found a device's events truthful: then nothing has to be proved."""
    accelerator = accelerator_on(device)
    assert accelerator is not None
    rungs = (
        RungVerdict("planted-event", True, cost_s=0.0),
        RungVerdict("device-synchronize", True, cost_s=0.0),
    )
    book = TrustBook(folder / "zluda_sync" / "selftest.json", pytest.fail)
    versions = book.versions_of(accelerator)
    book.take(accelerator, SelfTestReport(accelerator.name, versions, work_s=0.2, queued_s=0.0, rungs=rungs))


@contextmanager
def held_device() -> Iterator[Gate]:
    """Hold the emulated device still until the block ends or the yielded gate is set."""
    gate = Gate()
    gate.put(LIMIT_S)
    try:
        yield gate
    finally:
        gate.set()


def wait_until(condition: Callable[[], Any]) -> None:
    """Wait for what another thread does; fails the test if it never comes."""
    until_s = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < until_s, "it never came"
        time.sleep(0.002)
