"""The step barrier on the emulated device: lies are found before they are counted, hangs are left soon."""

from __future__ import annotations

import threading
import time

import pytest
import torch

from bench.host import faults
from modules import emulated_device
from modules.emulated_device import QUEUE, Marks
from zluda_sync.core.steps.ledger import Ledger
from zluda_sync.core.steps.other_work import OtherWork
from zluda_sync.core.steps.policy import BarrierPolicy, SyncMode
from zluda_sync.device.steps.accelerator import Accelerator, device_module
from zluda_sync.device.steps.barrier import Patience, StepBarrier
from zluda_sync.device.steps.judge import Judge
from zluda_sync.device.steps.ladder import RUNG_CLASSES, Ladder, rungs_for
from zluda_sync.device.steps.sentinel import Sentinel
from zluda_sync.device.steps.watcher import CompletionWatcher, DeviceThreads

STEP_S = 0.1
LONG_S = 20.0


@pytest.fixture(scope="module")
def device() -> torch.device:
    installed = emulated_device.install()
    torch.zeros(1, device=installed).item()
    return installed


class Job:
    """A barrier with steps of a known length, and how many of them the device has truly finished."""

    def __init__(self, device, threads, mode, proven=(), other_work=None, silence_s=2.0) -> None:
        accelerator = Accelerator(device_module(device), device)
        self.device, self.failed, self.errors = device, [], []
        self.ladder = Ladder(rungs_for(mode, accelerator), self._note)
        judge = Judge(accelerator, proven, other_work)
        self.barrier = StepBarrier(
            BarrierPolicy(mode), self.ladder, accelerator, threads, judge, Patience(silence_s=silence_s)
        )
        self.ledger, self.finished = Ledger(), Marks()
        self.latents = torch.zeros(1, 4, 2, 2, device=device)

    def _note(self, rung, error) -> None:
        self.failed.append(rung.name)
        self.errors.append(error)

    def step(self) -> int:
        """Queue one step; return by how many completions too many are counted afterwards."""
        QUEUE.enqueue_delay(STEP_S, "a slow step")
        self.finished.put()
        self.barrier.pass_step(self.ledger, self.latents)
        counted = self.ledger.completed  # read first: the device goes on meanwhile
        return counted - len(self.finished)


@pytest.fixture
def make_job(device):
    threads, jobs = DeviceThreads(), []

    def make(mode=SyncMode.RUN_AHEAD, **kwargs) -> Job:
        jobs.append(Job(device, threads, mode, **kwargs))
        return jobs[-1]

    yield make
    for job in jobs:
        job.barrier.forget(job.ledger)
    threads.stop()
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
        job = make_job(SyncMode.EVERY_STEP, silence_s=0.3)
        began_s = time.monotonic()
        assert job.step() <= 0
        assert time.monotonic() - began_s < 5.0
    assert ("read-back", 1) == (job.barrier.rung_name, job.ledger.completed)


def test_before_a_decode_a_lie_is_found(make_job):
    """A rung that was proved truthful may lie later; the decode shows it, and the next pass knows."""
    job = make_job(SyncMode.OBSERVE, proven=RUNG_CLASSES)
    for _ in range(6):
        job.step()
    job.ledger.record_completion(5)  # all is reported as done
    job.barrier.check_drained(job.ledger, job.latents)
    assert ["planted-event"] == job.failed
    assert 6 == len(job.finished)


def test_before_a_decode_the_truth_costs_no_rung(make_job):
    """And steps that are said to be under way are not held against anything."""
    job = make_job(SyncMode.OBSERVE, proven=RUNG_CLASSES)
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
    job = make_job(SyncMode.OBSERVE, proven=RUNG_CLASSES, silence_s=0.3)
    job.ladder.demote(job.ladder.current, RuntimeError("801"))  # lagged-wait is next
    runtime = emulated_device.runtime
    with faults.replaced(runtime.Event, synchronize=lambda event: (entered.set(), over.wait(LONG_S))):
        job.barrier.policy = BarrierPolicy(SyncMode.RUN_AHEAD)
        for _ in range(3):
            job.step()
    assert entered.is_set() and "lagged-wait" in job.failed
    following = make_job(SyncMode.OBSERVE, proven=RUNG_CLASSES)
    following.step()
    assert following.ledger.wait_completed(0, LONG_S / 2)
    over.set()


def followed_by_preview(event_class):
    """Behind each event somebody queues work of half a step, as a preview of the host's may come there."""

    class Event(event_class):
        def record(self, stream=None) -> None:
            super().record(stream)
            QUEUE.enqueue_delay(0.5 * STEP_S, "a preview")

    return Event


@pytest.mark.parametrize("mode", [SyncMode.OBSERVE, SyncMode.EVERY_STEP])
def test_a_preview_behind_a_step_convicts_no_honest_rung(make_job, mode):
    """What the audit reads waits for the preview, and says nothing of the step before it."""
    with faults.with_event(followed_by_preview)():
        job = make_job(mode)
        first = job.barrier.rung_name
        for _ in range(5):
            if mode is SyncMode.EVERY_STEP:
                threading.Timer(0.5 * STEP_S, QUEUE.enqueue_delay, (0.5 * STEP_S, "a preview")).start()
            job.step()
    assert ([], first) == (job.failed, job.barrier.rung_name)


def test_where_nothing_is_written_unasked_an_announced_preview_gives_no_verdict(make_job, monkeypatch):
    """Without pinned memory only time tells, and it tells nothing while a preview is under way."""
    allocate = Sentinel._allocate
    monkeypatch.setattr(
        Sentinel, "_allocate", lambda self, device: (allocate(self, device), setattr(self, "_memory", None))
    )
    other_work = OtherWork()
    with faults.with_event(followed_by_preview)(), other_work.under_way():
        job = make_job(SyncMode.OBSERVE, other_work=other_work)
        for _ in range(5):
            job.step()
    assert [] == job.failed


def test_an_item_that_is_no_stronger_than_its_stream_does_not_clear_a_liar(make_job, monkeypatch):
    """CUDA builds of newer torch read an item over pinned memory and wait for the stream: then both lie."""

    def returns_at_once(call, args, kwargs):
        return torch.zeros((), dtype=torch.float32) if call.operation.name.count("item") else None

    monkeypatch.setattr(emulated_device.tensor, "_ask", returns_at_once)
    monkeypatch.setattr(torch.Tensor, "item", lambda tensor: 0.0)
    with faults.synchronize_returns_at_once():
        job = make_job(SyncMode.EVERY_STEP)
        assert [] == [lead for lead in (job.step() for _ in range(4)) if lead > 0]
    assert "read-back" == job.barrier.rung_name


def test_a_blocking_copy_that_does_not_block_is_read_until_the_value_is_there(make_job, monkeypatch):
    """A value that cannot have changed proves nothing: the last rung waits for the one of its step."""
    copy = emulated_device.tensor._copy_to_host
    monkeypatch.setattr(
        emulated_device.tensor,
        "_copy_to_host",
        lambda command, definition, target, _: copy(command, definition, target, True),
    )
    job = make_job(SyncMode.EVERY_STEP)
    while "read-back" != job.barrier.rung_name:
        job.ladder.demote(job.ladder.current, RuntimeError("801"))
    assert [0, 0, 0] == [job.step() for _ in range(3)]


def test_a_proven_rung_is_neither_audited_nor_followed_by_anything(make_job):
    """What a self-test has proved costs a job one event a step, and no wait."""
    job = make_job(SyncMode.OBSERVE, proven={"planted-event"})
    QUEUE.wait(QUEUE.queued)
    queued = QUEUE.queued
    for _ in range(4):
        job.step()
    assert 4 * 3 == QUEUE.queued - queued  # the step, the truth of it, the event
    assert 0 == job.ledger.completed


def test_a_proven_rung_whose_event_has_passed_at_once_is_believed(make_job):
    """A step may be over before its event is looked at, in each job."""
    job = make_job(SyncMode.OBSERVE, proven={"planted-event"})
    queued = QUEUE.queued
    job.barrier.pass_step(job.ledger, job.latents)
    assert 1 == QUEUE.queued - queued
    assert job.ledger.wait_completed(0, LONG_S)


def test_out_of_memory_in_an_audit_costs_no_rung(make_job, monkeypatch):
    """The judge could not judge: the rung has done nothing."""

    def fail(self, latents):
        raise torch.cuda.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(Sentinel, "plant", fail)
    job = make_job(SyncMode.OBSERVE)
    for _ in range(3):
        job.step()
    assert ([], "planted-event") == (job.failed, job.barrier.rung_name)


def test_a_second_decode_is_not_held_against_the_pass_before_the_first(make_job):
    """What is queued by then, an upscaler's work for one, is not of the pass."""
    job = make_job(SyncMode.OBSERVE, proven={"planted-event"})
    for _ in range(3):
        job.step()
    assert job.ledger.wait_completed(2, LONG_S)
    job.barrier.check_drained(job.ledger, job.latents)
    QUEUE.enqueue_delay(4 * STEP_S, "an upscaler")
    job.barrier.check_drained(job.ledger, job.latents)
    assert [] == job.failed


def test_work_of_the_host_before_a_decode_is_no_lie_of_a_rung_that_is_audited(make_job):
    """What stands behind its last step was written by the device long ago."""
    job = make_job(SyncMode.OBSERVE)
    for _ in range(3):
        job.step()
    assert job.ledger.wait_completed(2, LONG_S)
    QUEUE.enqueue_delay(6 * STEP_S, "what another extension does")
    job.barrier.check_drained(job.ledger, job.latents)
    assert [] == job.failed


def test_what_may_be_the_hosts_work_before_a_decode_is_no_certain_lie(make_job):
    """Nothing stands behind the last step of a proven rung: it is left for the job, and looked into."""
    job = make_job(SyncMode.OBSERVE, proven={"planted-event"})
    for _ in range(3):
        job.step()
    assert job.ledger.wait_completed(2, LONG_S)
    QUEUE.enqueue_delay(6 * STEP_S, "what another extension does")
    job.barrier.check_drained(job.ledger, job.latents)
    assert [False] == [error.is_certain for error in job.errors]


def test_a_rung_nobody_has_looked_at_is_not_certainly_silent(make_job, monkeypatch):
    """On a busy machine the watcher may not have had its turn."""
    monkeypatch.setattr("zluda_sync.device.steps.barrier.PROOF_S", 0.01)
    job = make_job(SyncMode.RUN_AHEAD, proven=RUNG_CLASSES, silence_s=0.05)
    monkeypatch.setattr(CompletionWatcher, "watch", lambda self, *args: None)
    for _ in range(2):
        job.step()
    assert "planted-event" == job.failed[0]
    assert {False} == {error.is_certain for error in job.errors}


def test_a_rung_that_was_looked_at_and_is_silent_is_certain(make_job):
    """The value is there, somebody has looked, and the event does not say so."""
    with faults.with_event(faults.query_says(False))():
        job = make_job(SyncMode.RUN_AHEAD, proven=RUNG_CLASSES, silence_s=0.05)
        for _ in range(2):
            job.step()
    assert (["planted-event"], [True]) == (job.failed, [error.is_certain for error in job.errors])
