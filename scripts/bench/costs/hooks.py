"""What the hook costs in each step, waits excluded, in the embedded host; and the watcher on its thread."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from statistics import median
from types import SimpleNamespace
from typing import Any

import torch

from bench.costs.cost import Pair, Round, plain_python
from bench.costs.still_device import StillDevice
from bench.host.faults import replaced

STEPS = 30
MODES = ("observe", "run-ahead", "every-step", "off")
#: A round of the watcher: steps of a fast card.
WATCHED_STEPS, WATCHED_STEP_S = 8, 0.1
OPTIONS = "zluda_sync_enabled", "zluda_sync_mode", "zluda_sync_gate"


class FollowedHost:
    """The embedded host with the extension, and a loop whose steps are called back.

    Args:
        device: that computes them.
    """

    def __init__(self, device: StillDevice) -> None:
        from modules import shared
        from zluda_sync.device.steps.accelerator import Accelerator
        from zluda_sync.host.sdnext import SdNext
        from zluda_sync.host.session import Session

        self.state = shared.state
        self.session = Session(SdNext())
        self.pipe = SimpleNamespace(num_timesteps=STEPS)
        self.latents = torch.zeros(1, 4, 64, 64)
        self._trust(Accelerator(device))

    def begin(self, mode: str) -> None:
        """Begin a job, as the host does up to its loop."""
        from modules import shared

        shared.opts.data.update(dict(zip(OPTIONS, (mode != "off", mode, "always"), strict=True)))
        self.state.begin("Process")
        asked = SimpleNamespace(width=512, height=512, steps=STEPS, n_iter=1, batch_size=1, iteration=0)
        self.session.begin_job(asked)
        self.state.begin("Inference")

    def call_back(self, step: int) -> float:
        """Tell of a step as a pipeline does; return the time of that without the host's waits."""
        from modules import processing_args

        waits = self._waits()
        began_s, known = time.perf_counter(), len(waits)
        processing_args.diffusers_callback(self.pipe, step, 0, {"latents": self.latents})
        took_s = time.perf_counter() - began_s
        return took_s - sum(waited_s for _step, _began_s, waited_s in self._waits()[known:])

    def end(self) -> None:
        """End the job."""
        self.state.end()
        self.session.end_job()
        self.state.end()

    def close(self) -> None:
        """Leave the host as it came."""
        self.session.close()

    def _waits(self) -> list[tuple[int, float, float]]:
        job = self.session._jobs.current
        ledger = job.run.newest_ledger if job is not None else None
        return ledger.waits if ledger is not None else []

    def _trust(self, accelerator: Any) -> None:
        """Have a self-test be known that has found the device truthful: then nothing has to be proved."""
        from zluda_sync.core.records.self_test_report import RungVerdict, SelfTestReport

        book = self.session._book
        rungs = (
            RungVerdict("planted-event", True, cost_s=0.0),
            RungVerdict("device-synchronize", True, cost_s=0.0),
        )
        report = SelfTestReport(
            device=accelerator.name,
            versions=book.versions_of(accelerator),
            taken_at_s=0.0,
            duration_s=0.0,
            rungs=rungs,
        )
        book.take(accelerator, report)


@contextmanager
def followed_host(device: StillDevice) -> Iterator[FollowedHost]:
    """A context with the host on a device, and a data folder of its own."""
    from modules import devices, paths, processing_callbacks, shared
    from zluda_sync.device.steps.accelerator import Accelerator
    from zluda_sync.host import acting

    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="zluda_sync_costs_"))
        stack.enter_context(replaced(paths, data_path=folder))
        stack.enter_context(replaced(devices, backend="zluda", device=torch.device("cpu")))
        stack.enter_context(replaced(acting, accelerator_of=lambda _host: Accelerator(device)))
        before_p, before = processing_callbacks.p, dict(shared.opts.data)
        processing_callbacks.p = SimpleNamespace()
        shared.opts.data["torch_sync"] = False
        host = FollowedHost(device)
        try:
            yield host
        finally:
            host.close()
            processing_callbacks.p = before_p
            shared.opts.data.clear()
            shared.opts.data.update(before)
            host.state.begin("Done")
            host.state.end()


def _build_loop(host: FollowedHost, mode: str, alone_s: float) -> Round:
    """Return a round: a job of some steps, of which the usual one counts, less what the host's own takes."""

    def do_round() -> float:
        host.begin(mode)
        took_s = [host.call_back(step) for step in range(STEPS)]
        host.end()
        return median(took_s[1:]) - alone_s

    return do_round


@contextmanager
def open_hook(mode: str) -> Iterator[Pair]:
    """A context with the hook of a mode: all that a step's callback takes beyond the host's own."""
    with followed_host(StillDevice()) as host:
        if mode == "off":
            host.begin(mode)
            assert host.session.patches.is_empty, "with the checkbox off nothing may be replaced"
            host.end()
        alone = _build_loop(host, "off", 0.0)
        alone_s = min(alone() for _ in range(20))
        yield Pair(_build_loop(host, mode, 0.0 if mode == "off" else alone_s), plain_python)


@contextmanager
def open_watcher() -> Iterator[Pair]:
    """A context with the watcher: its time on a processor, held against the time of the steps it watches."""
    device = StillDevice(WATCHED_STEP_S)
    with followed_host(device) as host:

        def watch() -> float:
            host.begin("run-ahead")
            began_s, used_s = time.perf_counter(), _watcher_cpu_s()
            for step in range(WATCHED_STEPS):
                host.call_back(step)
            share = (_watcher_cpu_s() - used_s) / (time.perf_counter() - began_s)
            host.end()
            return share

        host.begin("run-ahead")
        host.call_back(0)  # the thread begins
        host.end()
        yield Pair(watch, lambda: 1.0)


def _watcher_cpu_s() -> float:
    idents = [one.ident for one in threading.enumerate() if one.name == "zluda_sync-watcher"]
    return sum(time.clock_gettime(time.pthread_getcpuclockid(ident)) for ident in idents if ident is not None)
