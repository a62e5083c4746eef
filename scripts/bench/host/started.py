"""The embedded host, started for a measurement: on the emulated device, at a speed, with data of its own."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any

from bench.host.job import WantedJob, hold_self_test, run_job, wait_saved
from bench.host.process import start


@dataclass(frozen=True)
class Speed:
    """How long the emulated device takes for one denoise step, for text encoding and for one decode."""

    step_ms: float
    encode_ms: float
    decode_ms: float

    def build_host_arguments(self) -> tuple[str, ...]:
        """Return the host's command line for this speed."""
        return (
            "--device", "emulated",
            "--step-ms", str(self.step_ms),
            "--encode-ms", str(self.encode_ms),
            "--decode-ms", str(self.decode_ms),
        )  # fmt: skip


@contextmanager
def started_host(
    speed: Speed,
    *,
    makes_pictures: bool = False,
    warm_up: Iterable[WantedJob] = (),
    idle_costs: bool = False,
) -> Iterator[Any]:
    """A context with the host's app, on the emulated device at this speed; it does not test itself.

    Its data folder is its own: what the user switched in the page must not change what is measured, and
    what is learned here must not pass for the user's.

    Args:
        speed: of the emulated device.
        makes_pictures: whether they are looked at; else the model is one that computes next to nothing.
        warm_up: jobs to run first. The first one in a process also pays for torch's own warm-up.
        idle_costs: whether a step takes longer by what the device had to wait for the host within it.
    """
    from bench.host.tiny_model import make_tiny_model  # torch and diffusers

    with tempfile.TemporaryDirectory(prefix="zluda_sync_measure_") as folder:
        model = () if makes_pictures else ("--model", make_tiny_model(folder))
        of_host = replace(speed, step_ms=0) if idle_costs else speed
        host = start((*of_host.build_host_arguments(), "--data-dir", folder, *model))
        hold_self_test()
        with ExitStack() as around:
            around.callback(wait_saved)  # nothing comes into a folder that is gone
            if idle_costs:
                around.enter_context(_steps_lengthened_by_waits(speed.step_ms))
            for wanted in warm_up:
                run_job(wanted, app=host.app)
            yield host.app


@contextmanager
def _steps_lengthened_by_waits(step_ms: float) -> Iterator[None]:
    """A context in which the UNet is as slow as the host would make it, and idle time comes on top."""
    from modules import shared
    from modules.emulated_device import slow_down
    from modules.emulated_kernels import LATENT_PIXELS

    def seconds_for(args: tuple[Any, ...], _kwargs: dict[str, Any]) -> float:
        latents = args[0].shape
        pixels = int(latents[0]) * int(latents[-2]) * int(latents[-1])
        return step_ms / 2000 * pixels / float(LATENT_PIXELS)

    slowed = slow_down(shared.sd_model.unet, seconds_for, "unet", idle_costs=True)
    try:
        yield
    finally:
        slowed.remove()
