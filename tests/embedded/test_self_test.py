"""The self-test on the emulated asynchronous device, truthful and with a driver's faults in it."""

from __future__ import annotations

import random
import time
import weakref
from types import SimpleNamespace

import pytest
import torch

from bench.host import faults
from modules import emulated_device
from modules.emulated_device import QUEUE
from modules.emulated_device.faults import launches_limited
from zluda_sync.core.records.self_test_report import EVENT_RUNGS, SYNCHRONIZE_RUNGS
from zluda_sync.core.steps.policy import SyncMode
from zluda_sync.device.steps.accelerator import Accelerator, device_module
from zluda_sync.device.steps.self_test import SelfTest
from zluda_sync.device.steps.waits import BlockingWaits
from zluda_sync.device.steps.workload import Workload

WORK_S = 0.1


class SleepingWork(Workload):
    """Work whose time does not depend on what else the machine computes."""

    def calibrate(self, target_s: float) -> None:
        self._target_s = target_s

    def queue(self, parts: int = 1) -> None:
        QUEUE.enqueue_delay(self._target_s / parts, "work")
        self._counter.add_(1.0)
        self._expected += 1.0


@pytest.fixture(scope="module")
def device() -> torch.device:
    return emulated_device.install()


@pytest.fixture
def run(device, monkeypatch):
    """Runs one test, and waits for what it left queued."""
    monkeypatch.setattr("zluda_sync.device.steps.self_test.Workload", SleepingWork)
    waits = BlockingWaits()

    def run(**kwargs):
        accelerator = Accelerator(device_module(device), device)
        return SelfTest(accelerator, waits, **{"work_s": WORK_S, **kwargs}).run()

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


def test_a_driver_with_a_full_queue_holds_the_host_back(run):
    """It is said at which operation; on a machine that is busy it may seem to be an earlier one."""
    with launches_limited(400):
        report = run()
    assert ("", False) == (report.unfinished, report.runs_ahead)
    assert report.blocking_launch <= 600


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
    report = SelfTest(Accelerator(torch.cpu, torch.device("cpu")), waits).run()
    waits.stop()
    assert (True, False, "") == (report.is_blocking, report.runs_ahead, report.unfinished)
    assert "nothing needs to be done" in report.explanation


def out_of_memory(*args, **kwargs):
    raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 16.00 MiB.")


def test_out_of_memory_is_no_lie_of_the_rung_that_met_it(run, monkeypatch):
    """Two seconds after a model has filled the card: the test is called off, and made up for later."""
    monkeypatch.setattr("zluda_sync.device.steps.rungs.PassiveCounter._buffers", out_of_memory)
    report = run()
    assert (True, "the GPU is out of memory") == (report.was_called_off, report.unfinished)
    assert [] == [rung for rung in report.rungs if rung.is_truthful is False]


@pytest.mark.parametrize(
    ("owner", "name"), [(torch, "zeros"), (SleepingWork, "queue")], ids=["zeros", "work"]
)
def test_out_of_memory_before_the_first_rung_calls_the_test_off(run, monkeypatch, owner, name):
    """No memory for the work itself."""
    monkeypatch.setattr(owner, name, out_of_memory)
    assert run().was_called_off


def test_out_of_memory_of_the_judge_calls_the_test_off(run, monkeypatch):
    """Not the rung's, and no reason to judge by time alone."""
    monkeypatch.setattr("zluda_sync.device.steps.sentinel.Sentinel.plant", out_of_memory)
    report = run()
    assert (True, ()) == (report.was_called_off, report.rungs)


@pytest.mark.parametrize(
    "words",
    ["CUDA error: unspecified launch failure", "CUDA error 999: unknown error"],
    ids=["named", "unnamed"],
)
def test_a_device_that_is_lost_meanwhile_convicts_no_rung(run, monkeypatch, words):
    """Every call would fail then: what fails is held against the rung only if plain work still runs."""
    is_lost = []

    def lose(self):
        is_lost.append(None)
        raise RuntimeError(words)

    def read_back(self):
        if is_lost:
            raise RuntimeError(words)
        return Workload.read_back(self)

    monkeypatch.setattr("zluda_sync.device.steps.rungs.PlantedEvent.plant", lose)
    monkeypatch.setattr(SleepingWork, "read_back", read_back, raising=False)
    report = run()
    assert report.was_called_off
    assert [] == [rung for rung in report.rungs if rung.is_truthful is False]


def test_another_program_that_holds_readings_up_convicts_no_rung(run, monkeypatch):
    """What was written when the report came was done, however late the reading is."""

    def read_back(self):
        is_right = Workload.read_back(self)
        time.sleep(0.3 * WORK_S)
        return is_right

    monkeypatch.setattr(SleepingWork, "read_back", read_back, raising=False)
    report = run()
    assert ("", set()) == (report.unfinished, lying(report))


def test_a_device_that_is_slow_for_a_while_makes_no_rung_silent(run, monkeypatch):
    """Another program has it: the work is not done, so that nothing is to be reported."""
    monkeypatch.setattr("zluda_sync.device.steps.rung_trial.HARD_LIMIT", -9.0)  # at once
    report = run()
    assert [] == [rung for rung in report.rungs if rung.is_truthful is False]


def test_the_work_takes_a_part_of_the_memory_that_is_free():
    """The next job will want it; and where there is next to none, nothing is begun."""

    def sides(free_mb):
        module = SimpleNamespace(mem_get_info=lambda device=None: (free_mb * 2**20, 4096 * 2**20))
        read = lambda action: action()  # noqa: E731
        return tuple(Workload(Accelerator(module), torch.device("cpu"), read, time.perf_counter)._sizes)

    assert (256, 512, 1024, 2048) == sides(4000)
    assert (256, 512) == sides(80)
    with pytest.raises(MemoryError, match="only 20 MB"):
        sides(20)


@pytest.mark.parametrize("is_called_off", [False, True])
def test_the_memory_is_given_back_when_nothing_holds_it_any_more(run, monkeypatch, is_called_off):
    """Whatever way the test ends: a model may need it next."""
    runtime, works, alive = emulated_device.runtime, [], []

    class Work(SleepingWork):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            works.append(weakref.ref(self))

    monkeypatch.setattr("zluda_sync.device.steps.self_test.Workload", Work)
    monkeypatch.setattr(runtime, "memory_reserved", lambda device=None: len(works))
    monkeypatch.setattr(runtime, "empty_cache", lambda: alive.append(works[0]() is not None))
    run(is_called_off=lambda: bool(works) and is_called_off)
    assert [False] == alive
