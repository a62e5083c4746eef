"""A thousand previews at random moments, on a device whose values really arrive late."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest
import torch

from modules import emulated_device
from modules.emulated_device import QUEUE, Marks
from modules.emulated_device.marks import Gate
from zluda_sync.core.steps.ledger import Ledger
from zluda_sync.core.steps.policy import BarrierPolicy, SyncMode
from zluda_sync.device.preview.copy import CopyWay, EventCopier, ThreadCopier, find_copy_way, make_copier
from zluda_sync.device.preview.projection import DeviceProjection, Projection
from zluda_sync.device.preview.queue import JobPreviews
from zluda_sync.device.preview.ring import StepFrame
from zluda_sync.device.steps.accelerator import Accelerator, device_module
from zluda_sync.device.steps.barrier import StepBarrier
from zluda_sync.device.steps.ladder import Ladder, rungs_for
from zluda_sync.device.steps.rungs import PlantedEvent
from zluda_sync.device.steps.waits import BlockingWaits
from zluda_sync.device.steps.watcher import CompletionWatcher, DeviceThreads, WorkMarks

STEPS, STEP_S = 250, 0.02  # a byte holds the step
GATED_STEPS = 12
LONGEST_PAUSE_S = 0.003
MODES = [SyncMode.EVERY_STEP, SyncMode.RUN_AHEAD, SyncMode.OBSERVE]


@pytest.fixture(scope="module")
def device() -> torch.device:
    """The emulated device, warmed up: what is used first in a process takes its time once."""
    installed = emulated_device.install()
    projection = Projection(torch.ones(4, 3), torch.zeros(3))
    for _ in range(3):
        latents = torch.full((1, 4, 24, 24), 1.0, device=installed)
        DeviceProjection(projection, installed).project(latents).unsqueeze(1).to("cpu", non_blocking=True)
    torch.get_device_module(installed).synchronize()
    return installed


@pytest.fixture
def watcher():
    made = CompletionWatcher()
    yield made
    made.stop()


@pytest.fixture(autouse=True)
def patient_trials(monkeypatch):
    """A busy machine is no busy device."""
    monkeypatch.setattr("zluda_sync.device.preview.copy.CHECK_LIMIT_S", 20.0)


@dataclass
class Seen:
    """What the pollers were shown.

    Attributes:
        torn: previews of which not every pixel says the same step, or another than they are said to show.
        early: previews of steps that the device had not finished.
        lags: by how many finished steps each was behind.
    """

    torn: int = 0
    early: int = 0
    lags: list[int] = field(default_factory=list)


def run_pass(
    device, watcher, mode: SyncMode, make: Callable[[WorkMarks], object], gates: Sequence[Gate] = ()
) -> Seen:
    """Run a pass whose latents say their step, and look at its previews at random moments.

    With gates there is a step for each, which begins when the preview of the one before was seen.
    """
    steps = len(gates) or STEPS
    accelerator, waits = Accelerator(device_module(device), device), BlockingWaits()
    ladder = Ladder(rungs_for(mode, accelerator))
    barrier = StepBarrier(BarrierPolicy(mode), ladder, accelerator, DeviceThreads(watcher, waits))
    marks = WorkMarks(PlantedEvent(accelerator), watcher)
    # A white pixel of brightness n is step n.
    projection = Projection(torch.cat([torch.ones(1, 3), torch.zeros(3, 3)]), torch.zeros(3))
    previews = JobPreviews(lambda _device: make(marks), lambda _channels: projection)
    ledger, finished, seen = Ledger(steps), Marks(), Seen()
    over = threading.Event()

    def look() -> None:
        chance = random.Random(7)
        while not over.wait(chance.uniform(0, LONGEST_PAUSE_S)):
            completed = len(finished)
            ready = previews.newest_ready()
            if ready is None:
                continue
            shown = set(ready.pixels.flatten().tolist())
            seen.torn += shown != {ready.step}
            seen.early += len(finished) <= ready.step
            seen.lags.append(completed - 1 - ready.step)
            for gate in gates[ready.step + 1 : ready.step + 2]:
                gate.set()

    looking = threading.Thread(target=look)
    looking.start()
    for step in range(steps):
        if gates[step:]:
            gates[step].put()
        QUEUE.enqueue_delay(STEP_S, "a slow step")
        latents = torch.full((1, 4, 24, 24), float(step), device=device)
        finished.put()
        barrier.pass_step(ledger, latents)
        previews.queue_preview(ledger, StepFrame(step, latents), None, step_s=STEP_S * 1000)
    is_over = ledger.wait_completed(steps - 1, 60.0)
    over.set()
    looking.join(20.0)
    for gate in gates:
        gate.set()
    assert is_over
    barrier.forget(ledger)
    torch.get_device_module(device).synchronize()
    previews.close()
    waits.stop()
    return seen


@pytest.mark.parametrize("mode", MODES)
def test_no_preview_is_torn_or_early_or_late(device, watcher, mode):
    """Over a thousand looks in all modes together: whole, of a finished step, and one step behind at most."""
    seen = run_pass(device, watcher, mode, lambda marks: EventCopier(marks, is_pinned=False))
    assert 340 < len(seen.lags)
    assert (0, 0) == (seen.torn, seen.early)
    # A busy machine may hold the threads that look; not often: copies that wait are late in a third of looks.
    assert sum(lag > 1 for lag in seen.lags) <= 0.05 * len(seen.lags)


@pytest.mark.parametrize("mode", MODES)
def test_a_preview_is_ready_before_the_device_does_anything_more(device, watcher, mode):
    """The device stands still until the preview of its last step is seen, and goes on each time."""
    gates = [Gate() for _ in range(GATED_STEPS)]
    gates[0].set()
    seen = run_pass(device, watcher, mode, lambda marks: EventCopier(marks, is_pinned=False), gates)
    assert (0, 0, set()) == (seen.torn, seen.early, set(seen.lags) - {0, 1})


def test_without_the_wait_for_its_event_previews_are_torn(device, watcher, monkeypatch):
    """The test above can fail: read without waiting for the copy, memory is still poisoned."""
    monkeypatch.setattr(Ledger, "completed", property(lambda ledger: ledger.launched))
    seen = run_pass(device, watcher, SyncMode.OBSERVE, lambda marks: EventCopier(marks, is_pinned=False))
    assert 0 < seen.torn


def test_copies_that_wait_are_whole_too(device, watcher):
    """For devices whose asynchronous copies are not to be trusted: later, but never torn."""
    seen = run_pass(device, watcher, SyncMode.RUN_AHEAD, lambda marks: ThreadCopier())
    assert 20 < len(seen.lags)
    assert (0, 0) == (seen.torn, seen.early)


def test_the_way_is_chosen_by_trying(device, watcher, monkeypatch):
    """Pinned memory does not exist here; asynchronous copies tell the truth; without events nothing does."""
    accelerator = Accelerator(device_module(device), device)
    assert CopyWay.ASYNCHRONOUS is find_copy_way(device, WorkMarks(PlantedEvent(accelerator), watcher))
    assert CopyWay.ASYNCHRONOUS is find_copy_way(
        torch.device("cpu"), WorkMarks(PlantedEvent(accelerator), watcher)
    )
    monkeypatch.setattr(Accelerator, "make_event", lambda self: 1 / 0)
    assert CopyWay.THREAD is find_copy_way(device, WorkMarks(PlantedEvent(accelerator), watcher))


def test_a_way_that_lies_is_not_chosen(device, watcher, monkeypatch):
    """Its event says that the copy is there, and it is not."""
    accelerator = Accelerator(device_module(device), device)
    monkeypatch.setattr(EventCopier, "wait_all", lambda self, limit_s: True)
    with_work = QUEUE.enqueue_delay(0.3, "work")
    assert CopyWay.THREAD is find_copy_way(device, WorkMarks(PlantedEvent(accelerator), watcher))
    QUEUE.wait(with_work)


def test_a_busy_device_is_asked_again(device, watcher, monkeypatch):
    """Work that somebody has queued before says nothing against a way."""
    monkeypatch.setattr("zluda_sync.device.preview.copy.CHECK_LIMIT_S", 0.05)
    monkeypatch.setattr(torch, "empty", lambda *args, **kwargs: torch.zeros(*args))  # as if it were pinned
    accelerator = Accelerator(device_module(device), device)
    with_work = QUEUE.enqueue_delay(0.5, "work")
    assert find_copy_way(device, WorkMarks(PlantedEvent(accelerator), watcher)) is None
    QUEUE.wait(with_work)


def test_events_that_fail_later_leave_the_thread(device, watcher):
    """In the middle of a job: its previews go on coming."""
    marks = WorkMarks(PlantedEvent(Accelerator(device_module(device), device)), watcher)
    copier = EventCopier(marks, is_pinned=False)
    marks._ladder.demote(marks._rung, RuntimeError("error 801"))
    pending = copier.begin(torch.ones(3, device=device))
    deadline_s = time.monotonic() + 20.0
    while not pending.is_done and time.monotonic() < deadline_s:
        time.sleep(0.001)
    assert [1.0, 1.0, 1.0] == pending.tensor.tolist()
    copier.close()


@pytest.mark.parametrize("way", list(CopyWay))
def test_pollers_launch_nothing_and_wait_for_nothing(device, watcher, way):
    """Looking at previews adds nothing to the queue."""
    accelerator = Accelerator(device_module(device), device)
    marks = WorkMarks(PlantedEvent(accelerator), watcher)
    copier = EventCopier(marks, is_pinned=False) if way is CopyWay.PINNED else make_copier(way, marks)
    previews = JobPreviews(lambda _device: copier, lambda _channels: None)
    ledger = Ledger()
    ledger.record_launch()
    previews.queue_preview(ledger, StepFrame(0, torch.zeros(1, 4, 8, 8, device=device)), None)
    torch.get_device_module(device).synchronize()
    ledger.record_completion(0)
    deadline_s = time.monotonic() + 20.0
    while previews.newest_ready() is None and time.monotonic() < deadline_s:
        time.sleep(0.001)
    queued = QUEUE.queued
    assert all(previews.newest_ready() is not None for _ in range(100))
    assert queued == QUEUE.queued
    previews.close()


def test_a_clip_shows_every_frame(device, watcher):
    """Asked for, a video comes with all its frames; otherwise with the middle one."""
    accelerator = Accelerator(device_module(device), device)
    previews = JobPreviews(
        lambda _device: EventCopier(WorkMarks(PlantedEvent(accelerator), watcher), is_pinned=False),
        lambda _channels: None,
    )
    latents = torch.zeros(1, 16, 5, 6, 8, device=device)
    shapes = []
    for wants_clip in (False, True):
        ledger = Ledger()
        ledger.record_launch()
        ledger.record_completion(0)
        previews.queue_preview(ledger, StepFrame(0, latents), None, wants_clip=wants_clip)
        deadline_s = time.monotonic() + 20.0
        while previews.newest_ready() is None or not previews._pending[-1].is_ready:
            assert time.monotonic() < deadline_s
        shapes.append(tuple(previews.newest_ready().pixels.shape))
    assert [(1, 1, 6, 8, 3), (1, 5, 6, 8, 3)] == shapes
    previews.close()


def marks_on(device, watcher) -> WorkMarks:
    return WorkMarks(PlantedEvent(Accelerator(device_module(device), device)), watcher)


def test_a_way_that_lies_is_found_on_a_fast_device_too(device, watcher, monkeypatch):
    """A trial copy that is over before anybody looks would prove nothing."""
    sides: list[int] = []
    begin, multiply = EventCopier.begin, torch.Tensor.__matmul__

    def begin_on_fast_device(copier, tensor):
        products, sides[:] = sum(side**3 for side in sides), []
        pending = begin(copier, tensor)
        if products <= 32 * 128**3:  # done in no time
            torch.get_device_module(device).synchronize()
        return pending

    def counted(one, other):
        sides.append(one.shape[0])
        return multiply(one, other)

    monkeypatch.setattr(torch.Tensor, "__matmul__", counted)
    monkeypatch.setattr(EventCopier, "begin", begin_on_fast_device)
    monkeypatch.setattr(EventCopier, "wait_all", lambda copier, limit_s: True)
    assert find_copy_way(device, marks_on(device, watcher)) is not CopyWay.ASYNCHRONOUS


def test_a_copy_that_keeps_the_queuing_thread_waiting_is_not_taken(device, watcher, monkeypatch):
    """It tells the truth, and each preview would cost the host a step."""
    begin = EventCopier.begin

    def begin_and_wait(self, tensor):
        pending = begin(self, tensor)
        torch.get_device_module(device).synchronize()
        return pending

    monkeypatch.setattr(EventCopier, "begin", begin_and_wait)
    assert find_copy_way(device, marks_on(device, watcher)) is None


def test_a_trial_never_finds_the_value_of_the_one_before(device, watcher, monkeypatch):
    """Memory comes from a cache, and still holds what the last copy has left there."""
    values = []
    begin = EventCopier.begin
    monkeypatch.setattr(
        EventCopier, "begin", lambda self, tensor: (values.append(tensor[0, 0]), begin(self, tensor))[1]
    )
    for _ in range(3):
        find_copy_way(device, marks_on(device, watcher))
    assert len(values) == len({int(value) for value in values})


def test_out_of_memory_in_the_trial_says_nothing_of_the_way(device, watcher, monkeypatch):
    """The next job may find room."""

    def fail(*args, **kwargs):
        raise torch.cuda.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(torch, "full", fail)
    with pytest.raises(MemoryError):
        find_copy_way(device, marks_on(device, watcher))
