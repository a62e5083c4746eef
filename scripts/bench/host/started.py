"""The embedded host, started for a measurement: on the emulated device, at a speed, with data of its own."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
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
    speed: Speed, *, makes_pictures: bool = False, warm_up: Iterable[WantedJob] = ()
) -> Iterator[Any]:
    """A context with the host's app, on the emulated device at this speed; it does not test itself.

    Its data folder is its own: what the user switched in the page must not change what is measured, and
    what is learned here must not pass for the user's.

    Args:
        speed: of the emulated device.
        makes_pictures: whether they are looked at; else the model is one that computes next to nothing.
        warm_up: jobs to run first. The first one in a process also pays for torch's own warm-up.
    """
    from bench.host.tiny_model import make_tiny_model  # torch and diffusers

    with tempfile.TemporaryDirectory(prefix="zluda_sync_measure_") as folder:
        model = () if makes_pictures else ("--model", make_tiny_model(folder))
        host = start((*speed.build_host_arguments(), "--data-dir", folder, *model))
        hold_self_test()
        for wanted in warm_up:
            run_job(wanted, app=host.app)
        try:
            yield host.app
        finally:
            wait_saved()  # nothing comes into a folder that is gone
