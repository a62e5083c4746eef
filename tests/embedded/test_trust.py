"""The step barrier on the emulated device: lies are found before they are counted, hangs are left soon."""

from __future__ import annotations

import threading
import time

import pytest
import torch

from bench import faults
from modules import emulated_device
from modules.emulated_device import QUEUE
from zluda_sync.core.barrier import BarrierPolicy, SyncMode
from zluda_sync.core.ledger import Ledger
from zluda_sync.device.accelerator import Accelerator, device_module
from zluda_sync.device.ladder import Ladder, rungs_for
from zluda_sync.device.step_barrier import StepBarrier
from zluda_sync.device.waits import BlockingWaits
from zluda_sync.device.watcher import CompletionWatcher

STEP_S = 0.1
LONG_S = 20.0


@pytest.fixture(scope="module")
def device() -> torch.device:
    installed = emulated_device.install()
    torch.zeros(1, device=installed).item()
    return installed


class Job:
    """A barrier with steps of a known length, and how many of them the device has truly finished."""

    def __init__(self, device, watcher, waits, mode, **kwargs) -> None:
        accelerator = Accelerator(device_module(device), device)
        self.device, self.failed = device, []
        self.ladder = Ladder(rungs_for(mode, accelerator), lambda rung, error: self.failed.append(rung.name))
        self.barrier = StepBarrier(BarrierPolicy(mode), self.ladder, accelerator, watcher, waits, **kwargs)
        self.ledger, self.finished = Ledger(), []
        self.latents = torch.zeros(1, 4, 2, 2, device=device)

    def step(self) -> int:
        """Queue one step; return by how many completions too many are counted afterwards."""
        QUEUE.enqueue(lambda: time.sleep(STEP_S), "a slow step")
        QUEUE.enqueue(lambda: self.finished.append(None), "truth")
        self.barrier.pass_step(self.ledger, self.latents)
        counted = self.ledger.completed  # read first: the device goes on meanwhile
        return counted - len(self.finished)


@pytest.fixture
def make_job(device):
    watcher, waits, jobs = CompletionWatcher(), BlockingWaits(), []

    def make(mode=SyncMode.RUN_AHEAD, **kwargs) -> Job:
        jobs.append(Job(device, watcher, waits, mode, **kwargs))
        return jobs[-1]

    yield make
    for job in jobs:
        job.barrier.forget(job.ledger)
    watcher.stop()
    waits.stop()
    torch.get_device_module(device).synchronize()


@pytest.mark.parametrize(
    "build", [faults.query_says(True), faults.record_does_nothing], ids=["always true", "never recorded"]
)
def test_an_unproven_event_that_lies_is_left_before_a_completion_too_many(make_job, build):
    """The bar must not run ahead of the device even before a self-test has warned of it."""
    with faults.with_event(build)():
        job = make_job(SyncMode.OBSERVE)
        assert [] == [lead for lead in (job.step() for _ in range(5)) if lead > 0]
    assert "planted-event" in job.failed
    assert "device-synchronize" == job.barrier.rung_name


def test_an_unproven_event_that_tells_the_truth_stays(make_job):
    """A check costs two steps at most, and no rung."""
    job = make_job(SyncMode.OBSERVE)
    for _ in range(4):
        assert job.step() <= 0
    assert ([], "planted-event") == (job.failed, job.barrier.rung_name)
    assert 2 <= len(job.finished) < 4


def test_a_synchronize_that_hangs_is_left_within_a_bounded_wait(make_job):
    """The picture comes, by way of reading values back."""
    with faults.synchronize_hangs():
        job = make_job(SyncMode.EVERY_STEP, patience_s=0.3)
        began_s = time.monotonic()
        assert job.step() <= 0
        assert time.monotonic() - began_s < 5.0
    assert ("read-back", 1) == (job.barrier.rung_name, job.ledger.completed)


def test_before_a_decode_a_lie_is_found(make_job):
    """A rung that was proved truthful may lie later; the decode shows it, and the next pass knows."""
    job = make_job(SyncMode.OBSERVE, is_proven=True)
    for _ in range(6):
        job.step()
    job.ledger.record_completion(5)  # all is reported as done
    job.barrier.check_drained(job.ledger, job.latents)
    assert ["planted-event"] == job.failed
    assert 6 == len(job.finished)


def test_before_a_decode_the_truth_costs_no_rung(make_job):
    """And steps that are said to be under way are not held against anything."""
    job = make_job(SyncMode.OBSERVE, is_proven=True)
    for _ in range(3):
        job.step()
    job.barrier.check_drained(job.ledger, job.latents)
    assert len(job.finished) < 3
    assert job.ledger.wait_completed(2, LONG_S)
    job.barrier.check_drained(job.ledger, job.latents)
    assert [] == job.failed


def test_a_watcher_inside_a_driver_does_not_hold_up_the_next_job(make_job):
    """A wait for an event that never comes back keeps its own thread, and none but that."""
    over, entered = threading.Event(), threading.Event()
    job = make_job(SyncMode.OBSERVE, is_proven=True, patience_s=0.3)
    job.ladder.demote(job.ladder.current, RuntimeError("801"))  # lagged-wait is next
    runtime = emulated_device.runtime
    with faults.replaced(runtime.Event, synchronize=lambda event: (entered.set(), over.wait(LONG_S))):
        job.barrier.policy = BarrierPolicy(SyncMode.RUN_AHEAD)
        for _ in range(3):
            job.step()
    assert entered.is_set() and "lagged-wait" in job.failed
    following = make_job(SyncMode.OBSERVE, is_proven=True)
    following.step()
    assert following.ledger.wait_completed(0, LONG_S / 2)
    over.set()
