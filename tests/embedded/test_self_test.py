"""The self-test on the emulated asynchronous device, truthful and with a driver's faults in it."""

from __future__ import annotations

import random
import time

import pytest
import torch

from bench import faults
from modules import emulated_device
from modules.emulated_device import QUEUE
from zluda_sync.core.barrier import SyncMode
from zluda_sync.core.self_test_report import EVENT_RUNGS, SYNCHRONIZE_RUNGS
from zluda_sync.device.accelerator import Accelerator, device_module
from zluda_sync.device.self_test import SelfTest
from zluda_sync.device.waits import BlockingWaits
from zluda_sync.device.workload import Workload

WORK_S = 0.1


class SleepingWork(Workload):
    """Work whose time does not depend on what else the machine computes."""

    def calibrate(self, target_s: float) -> None:
        self._target_s = target_s

    def queue(self, parts: int = 1) -> None:
        QUEUE.enqueue(lambda: time.sleep(self._target_s / parts), "work")
        self._counter.add_(1.0)
        self._expected += 1.0


@pytest.fixture(scope="module")
def device() -> torch.device:
    return emulated_device.install()


@pytest.fixture
def run(device, monkeypatch):
    """Runs one test, and waits for what it left queued."""
    monkeypatch.setattr("zluda_sync.device.self_test.Workload", SleepingWork)
    waits = BlockingWaits()

    def run(**kwargs):
        accelerator = Accelerator(device_module(device), device)
        return SelfTest(accelerator, device, waits, **{"work_s": WORK_S, **kwargs}).run()

    yield run
    waits.stop()
    torch.get_device_module(device).synchronize()


def lying(report) -> set[str]:
    return {rung.name for rung in report.rungs if not rung.is_truthful}


@pytest.mark.parametrize(
    ("held", "runs_ahead"),
    [([True, False], True), ([True, True], False), ([False], True), ([None, True, False], True)],
    ids=["busy once", "held", "free", "too short, then busy"],
)
def test_a_machine_that_is_busy_once_is_no_device_that_holds_back(run, monkeypatch, held, runs_ahead):
    """Launches that took long are tried once more before anybody is told that they were held."""
    left = list(held)

    def queue_behind(self, work, chains):
        was_held = left.pop(0)
        share = {None: 1.0, True: 1.0, False: 0.1}[was_held]
        self._note(probe_queued_s=share, probe_total_s=1.0, blocking_launch=1 if was_held else None)

    monkeypatch.setattr(SelfTest, "_queue_behind", queue_behind)
    for later in ("_try_rungs", "_measure_event_times", "_measure_costs"):
        monkeypatch.setattr(SelfTest, later, lambda self, work: None)
    assert (runs_ahead, []) == (run().runs_ahead, left)


def test_a_truthful_device_may_run_ahead(run):
    """Every rung told the truth, at a cost that is known; the host's random numbers are as they were."""
    random.seed(1), torch.manual_seed(1)
    before = random.getstate(), torch.get_rng_state().tolist()
    shares = []
    report = run(on_progress=lambda share, what: shares.append(share))
    assert ("", set()) == (report.unfinished, lying(report))
    assert [*EVENT_RUNGS, *SYNCHRONIZE_RUNGS] == sorted(
        (rung.name for rung in report.rungs), key=[*EVENT_RUNGS, *SYNCHRONIZE_RUNGS].index
    )
    assert (SyncMode.RUN_AHEAD, True, False) == (report.mode, report.runs_ahead, report.is_blocking)
    assert all(rung.cost_s is not None for rung in report.rungs)
    assert sorted(shares) == shares and 1.0 == shares[-1]
    assert before == (random.getstate(), torch.get_rng_state().tolist())


@pytest.mark.parametrize(
    ("inject", "liars", "reason"),
    [
        (faults.with_event(faults.query_says(True)), {"planted-event"}, "too early"),
        (faults.with_event(faults.query_says(False)), {"planted-event"}, "never says"),
        (
            faults.synchronize_returns_at_once,
            {"lagged-wait", "device-synchronize", "stream-synchronize"},
            "too early",
        ),
        (faults.with_event(faults.record_fails), set(EVENT_RUNGS), "801"),
    ],
    ids=["always true", "never true", "at once", "record fails"],
)
def test_just_the_rungs_that_lie_are_found(run, inject, liars, reason):
    """What lies is named with what it did; what does not keeps its place."""
    with inject():
        report = run()
    assert ("", liars) == (report.unfinished, lying(report))
    assert all(reason in report.verdict(name).reason for name in liars)
    has_events = liars < set(EVENT_RUNGS) or not set(EVENT_RUNGS) <= liars
    assert (SyncMode.RUN_AHEAD if has_events else SyncMode.EVERY_STEP) is report.mode


def test_a_test_that_is_called_off_gets_out_of_the_way(run):
    """A job that begins waits for the work that is queued, and not for the test."""
    called_off_at_s: list[float] = []

    def on_progress(share, what):
        if what == "lagged-wait":
            called_off_at_s.append(time.monotonic())

    report = run(on_progress=on_progress, is_called_off=lambda: bool(called_off_at_s))
    assert report.was_called_off and report.unfinished
    assert SyncMode.EVERY_STEP is report.mode
    assert time.monotonic() - called_off_at_s[0] < 1.0


def test_a_cpu_blocks_by_itself():
    """Queuing takes as long as the work: there is nothing to hold back."""
    waits = BlockingWaits()
    report = SelfTest(Accelerator(torch.cpu, torch.device("cpu")), torch.device("cpu"), waits).run()
    waits.stop()
    assert (True, False, "") == (report.is_blocking, report.runs_ahead, report.unfinished)
    assert "no barrier needed" in report.explanation
