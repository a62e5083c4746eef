"""The step barrier over a fake device: marks, waits, and what happens when a rung fails."""

import threading

import pytest
import torch

from tests.fake_device import FakeDevice
from zluda_sync.core.errors import NoRungLeftError
from zluda_sync.core.guard import Notices
from zluda_sync.core.steps.ledger import Ledger
from zluda_sync.core.steps.policy import BarrierPolicy, SyncMode
from zluda_sync.device.steps.accelerator import Accelerator
from zluda_sync.device.steps.barrier import Patience, StepBarrier
from zluda_sync.device.steps.ladder import Ladder, rungs_for, telling
from zluda_sync.device.steps.waits import BlockingWaits
from zluda_sync.device.steps.watcher import CompletionWatcher, DeviceThreads

LATENTS = torch.zeros(1, 4, 2, 2)
LONG_S = 20.0


class Bench:
    """A barrier over a fake device, with what it warned of."""

    def __init__(self, mode: SyncMode, depth: int = 1, patience_s: float = LONG_S) -> None:
        self.device = FakeDevice()
        self.demotions: list[str] = []
        self.watcher = CompletionWatcher()
        self.waits = BlockingWaits()
        accelerator = Accelerator(self.device)
        self.ladder = Ladder(rungs_for(mode, accelerator), self._note)
        self.barrier = StepBarrier(
            BarrierPolicy(mode, depth),
            self.ladder,
            accelerator,
            DeviceThreads(self.watcher, self.waits),
            patience=Patience(silence_s=patience_s),
        )
        self.ledger = Ledger()

    def _note(self, rung, error) -> None:
        self.demotions.append(rung.name)

    def step(self) -> int:
        return self.barrier.pass_step(self.ledger, LATENTS)


@pytest.fixture
def make_bench():
    benches: list[Bench] = []
    before = set(threading.enumerate())

    def make(*args, **kwargs) -> Bench:
        benches.append(Bench(*args, **kwargs))
        return benches[-1]

    yield make
    for bench in benches:
        bench.device.finish()
        bench.watcher.stop()
        bench.waits.stop()
        assert not bench.watcher.is_running
    assert [] == [one.name for one in set(threading.enumerate()) - before if one.name == "zluda_sync-waits"]


def test_every_step_synchronizes_the_device_after_each_step(make_bench):
    """What the user asked for: torch.cuda.synchronize, once a step, and nothing else."""
    bench = make_bench(SyncMode.EVERY_STEP)
    for _ in range(3):
        bench.step()
    assert ["synchronize"] * 3 == bench.device.calls
    assert 3 == bench.ledger.completed


def test_every_step_needs_no_thread(make_bench):
    """The wait itself is the proof of completion."""
    bench = make_bench(SyncMode.EVERY_STEP)
    bench.step()
    assert not bench.watcher.is_running


def test_observe_never_waits_and_still_learns(make_bench):
    """Twenty steps are queued at once; their completions arrive as the device goes on."""
    bench = make_bench(SyncMode.OBSERVE)
    for _ in range(20):
        bench.step()
    assert (20, 0) == (bench.ledger.launched, bench.ledger.completed)
    bench.device.finish(7)
    assert bench.ledger.wait_completed(6, LONG_S)
    assert 7 == bench.ledger.completed
    bench.device.finish()
    assert bench.ledger.wait_completed(19, LONG_S)


def test_an_event_is_planted_by_the_queuing_thread_and_then_watched_by_one_other(make_bench):
    """HIP locks an event during each call, and its first query marks the end of the queue."""
    bench = make_bench(SyncMode.OBSERVE)
    bench.step()
    assert ["Event", "record", "query"] == bench.device.calls[:3]
    bench.device.finish()
    assert bench.ledger.wait_completed(0, LONG_S)
    (event,) = bench.device.events
    assert threading.get_ident() in event.threads
    assert len(event.threads) == 2


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_run_ahead_waits_for_the_step_depth_before(make_bench, depth):
    """Before step n + 1 is queued, step n - D must be finished, and not more."""
    bench = make_bench(SyncMode.RUN_AHEAD, depth)
    for _ in range(depth):
        bench.step()
    assert 0 == bench.ledger.completed
    queuing = threading.Thread(target=bench.step)
    queuing.start()
    queuing.join(0.05)
    assert queuing.is_alive()
    bench.device.finish(1)
    queuing.join(LONG_S)
    assert not queuing.is_alive()
    assert (depth + 1, 1) == (bench.ledger.launched, bench.ledger.completed)


def test_a_record_that_fails_falls_to_waiting(make_bench):
    """ZLUDA builds without event record give error 801: every step is then synchronized."""
    bench = make_bench(SyncMode.RUN_AHEAD)
    bench.device.failing = {"record"}
    bench.step()
    bench.step()
    assert ["planted-event", "lagged-wait"] == bench.demotions
    assert 2 == bench.ledger.completed


def test_a_query_that_fails_falls_to_a_wait_on_the_event(make_bench):
    """Without query, the watcher blocks on each event instead."""
    bench = make_bench(SyncMode.RUN_AHEAD)
    bench.device.failing = {"query"}
    for _ in range(4):
        bench.step()
    assert ["planted-event"] == bench.demotions
    assert bench.ledger.wait_completed(3, LONG_S)


def test_a_query_that_starts_to_fail_in_the_watcher_does_not_stall_the_host(make_bench):
    """The waiting host is woken, and goes on with the next rung."""
    bench = make_bench(SyncMode.RUN_AHEAD)
    bench.step()
    bench.device.failing = {"query"}
    bench.step()
    bench.step()
    assert ["planted-event"] == bench.demotions


def test_an_event_that_never_comes_true_is_given_up(make_bench):
    """A query that stays False for ever costs one bounded wait."""
    bench = make_bench(SyncMode.RUN_AHEAD, patience_s=0.02)
    bench.device.query_says = False
    for _ in range(4):
        bench.step()
    assert ["planted-event"] == bench.demotions
    assert bench.ledger.wait_completed(3, LONG_S)


def test_a_slow_step_is_no_lie(make_bench):
    """A step beyond the limit is waited for in full; the event is then reported, and its rung stays."""
    bench = make_bench(SyncMode.RUN_AHEAD, patience_s=0.02)
    for _ in range(4):
        bench.step()
    assert [] == bench.demotions
    assert bench.device.calls.count("synchronize") >= 1


def test_the_last_rung_reads_the_latents_back(make_bench):
    """With every synchronize missing, one element of the latents is read."""
    bench = make_bench(SyncMode.EVERY_STEP)
    bench.device.failing = {"synchronize", "current_stream"}
    bench.step()
    assert "read-back" == bench.barrier.rung_name
    assert 1 == bench.ledger.completed


def test_no_rung_left_is_said_and_the_launch_is_counted(make_bench):
    """Nothing to wait with and nothing to read: the caller is told, and no completion is invented."""
    bench = make_bench(SyncMode.EVERY_STEP)
    bench.device.failing = {"synchronize", "current_stream"}
    with pytest.raises(NoRungLeftError):
        bench.barrier.pass_step(bench.ledger, None)
    assert (1, 0) == (bench.ledger.launched, bench.ledger.completed)
    assert "read-back" == bench.demotions[-1]


def test_a_demoted_rung_is_not_tried_again_in_the_job(make_bench):
    """Each failure is met once."""
    bench = make_bench(SyncMode.OBSERVE)
    bench.device.failing = {"record"}
    for _ in range(5):
        bench.step()
    assert 2 == bench.device.calls.count("record")


def test_events_of_a_job_that_is_over_do_not_hold_up_the_next(make_bench):
    """A device that lost an event of the last job still tells of this one."""
    bench = make_bench(SyncMode.OBSERVE)
    bench.step()
    lost, bench.ledger = bench.ledger, Ledger()
    bench.device.query_says = False
    bench.barrier.forget(lost)
    bench.device.query_says = None
    bench.step()
    bench.device.finish()
    assert bench.ledger.wait_completed(0, LONG_S)
    assert 0 == lost.completed


def test_a_stopped_watcher_can_watch_again(make_bench):
    """The host restarts in process: the same watcher serves again."""
    bench = make_bench(SyncMode.OBSERVE)
    bench.step()
    bench.watcher.stop()
    assert not bench.watcher.is_running
    bench.device.finish()
    bench.step()
    bench.device.finish()
    assert bench.ledger.wait_completed(1, LONG_S)


class OnlySynchronize:
    """A device module that has no events and no streams, as that of a Vulkan backend has none."""

    __name__ = "torch.vulkan"

    def __init__(self) -> None:
        self.waits = 0

    def synchronize(self, device: object = None) -> None:
        """Wait for all that is queued."""
        self.waits += 1


@pytest.mark.parametrize("mode", [SyncMode.EVERY_STEP, SyncMode.RUN_AHEAD, SyncMode.OBSERVE])
def test_a_device_without_events_is_waited_for_after_each_step(mode):
    """In every mode; where another way was tried before, that is told once."""
    device, warned, notices = OnlySynchronize(), list[str](), Notices()
    accelerator = Accelerator(device, torch.device("privateuseone", 0))
    ladder = Ladder(rungs_for(mode, accelerator), on_settled=telling(notices, warned.append))
    watcher, waits, ledger = CompletionWatcher(), BlockingWaits(), Ledger()
    barrier = StepBarrier(BarrierPolicy(mode), ladder, accelerator, DeviceThreads(watcher, waits))
    try:
        for step in range(3):
            assert step == barrier.pass_step(ledger, None)
            assert step + 1 == ledger.completed
    finally:
        watcher.stop()
        waits.stop()
    assert ("device-synchronize", 3) == (barrier.rung_name, device.waits)
    assert len(warned) == (0 if mode is SyncMode.EVERY_STEP else 1)
    for warning in warned:
        assert "planted-event failed (AttributeError" in warning
        assert warning.endswith("using device-synchronize instead")
