"""The host ring over the embedded host's State and callbacks, and a device that the test moves by hand."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from diffusers import DiffusionPipeline

from modules import devices, paths, processing_args, processing_callbacks, shared
from modules.options_handler import Options
from modules.shared_state import State
from tests.fake_device import FakeDevice
from tests.options import DEPTH, ENABLED, MODE
from zluda_sync.device.steps.accelerator import Accelerator
from zluda_sync.host import acting as acting_module
from zluda_sync.host.sdnext import SdNext
from zluda_sync.host.session import Session


def names_of_the_host() -> dict[str, Any]:
    """Return what stands at every name that the extension may replace."""
    return {
        "step end": processing_args.diffusers_callback,
        "legacy": processing_args.diffusers_callback_legacy,
        "devices": processing_callbacks.devices,
        "progress_bar": DiffusionPipeline.progress_bar,
        "save_atomic": vars(Options)["save_atomic"],
        **{f"State.{name}": value for name, value in vars(State).items()},
    }


@pytest.fixture(autouse=True)
def host_is_left_as_it_came() -> Iterator[None]:
    """Before and after each test, every name is the host's own object."""
    # A host that was started by a test before this one logs more than these tests are told of else.
    logging.getLogger("sd").setLevel(logging.NOTSET)
    before = names_of_the_host()
    yield
    after = names_of_the_host()
    assert before.keys() == after.keys()
    assert [] == [name for name in before if before[name] is not after[name]]


class HostBench:
    """A session over the embedded host, with a job that the test drives step by step."""

    def __init__(self, device: FakeDevice) -> None:
        self.device = device
        self.state = shared.state
        self.session = Session(SdNext())
        self.pipe = SimpleNamespace(num_timesteps=4)

    def switch_on(self) -> None:
        """Make the extension act before there is a job, as it does when the host starts."""
        shared.opts.data.update({ENABLED: True, MODE: "observe"})
        self.session.reconcile()

    def begin(self, mode: str, depth: int = 1, processing: Any = None) -> None:
        """Begin a job as process_images does, up to the pipeline call."""
        shared.opts.data.update({ENABLED: True, MODE: mode, DEPTH: depth})
        self.state.begin("Process")
        self.session.begin_job(processing or SimpleNamespace())
        self.begin_loop()

    def begin_loop(self) -> None:
        self.state.begin("Inference")

    def step(self, index: int, **kwargs: Any) -> Any:
        """Queue one step and run the step-end callback as a pipeline does."""
        kwargs = {"latents": torch.full((1, 4, 2, 2), float(index)), **kwargs}
        return processing_args.diffusers_callback(self.pipe, index, 0, kwargs)

    def legacy_step(self, index: int) -> Any:
        return processing_args.diffusers_callback_legacy(index, 0, torch.full((1, 4, 2, 2), float(index)))

    def polled(self, *names: str) -> Any:
        """Return progress fields as another thread reads them, one after the other."""
        return self.in_thread(lambda: [getattr(self.state, name) for name in names])

    def in_thread(self, action: Callable[[], Any]) -> Any:
        results: list[Any] = []
        thread = threading.Thread(target=lambda: results.append(action()))
        thread.start()
        thread.join(20.0)
        return results[0]

    def wait_in_second_step(self, outcome: list[str] | None = None) -> threading.Thread:
        """Begin a job on a thread of its own, and return that thread as it waits for the first step.

        Args:
            outcome: gets the text of what the second step raises.
        """
        self.device.finishes_on_wait = False

        def run() -> None:
            self.begin("run-ahead")
            self.step(0)
            try:
                self.step(1)
            except AssertionError as error:
                if outcome is not None:
                    outcome.append(str(error))

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        self.wait_until(lambda: self.launched >= 2)
        return thread

    def wait_until(self, is_so: Callable[[], Any], limit_s: float = 20.0) -> None:
        """Look again and again until something is so; fails after the limit."""
        deadline_s = time.monotonic() + limit_s
        while not is_so():
            assert time.monotonic() < deadline_s, f"not within {limit_s} s"
            time.sleep(0.001)

    @property
    def launched(self) -> int:
        """Steps that the job that is followed has queued."""
        job = self.session._jobs.current
        return job.run.newest_launched if job is not None else 0

    def finish(self, count: int | None = None) -> None:
        """Let the device finish, and wait until that was noticed."""
        self.device.finish(count)
        ledger = self.session._jobs.current.job.passes[-1].ledger  # type: ignore[union-attr]
        assert ledger.wait_completed((count or ledger.launched) - 1, 20.0)


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[HostBench]:
    """A host on ZLUDA whose device stands still, with an empty data folder."""
    device = FakeDevice()
    monkeypatch.setattr(paths, "data_path", str(tmp_path))
    monkeypatch.setattr(devices, "backend", "zluda")
    monkeypatch.setattr(devices, "device", torch.device("cpu"))  # where the tests' latents are
    monkeypatch.setattr(processing_callbacks, "p", SimpleNamespace())
    monkeypatch.setattr(acting_module, "accelerator_of", lambda host: Accelerator(device))
    shared.opts.data.clear()
    made = HostBench(device)
    yield made
    device.finish()
    made.session.close()
    shared.opts.data.clear()
    shared.state.begin("Test")
    shared.state.end()
