"""The ledger: launches, completions, and what can never be."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zluda_sync.core.errors import LedgerError
from zluda_sync.core.steps.ledger import Ledger


class ManualClock:
    """A clock that stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_run_ahead_is_launched_minus_completed():
    """Twenty steps queued in 40 ms are launched, not done."""
    clock = ManualClock()
    ledger = Ledger(total=20, clock=clock)
    for _ in range(20):
        clock.now_s += 0.002
        ledger.record_launch()
    assert (20, 0, 20) == (ledger.launched, ledger.completed, ledger.snapshot().run_ahead)


def test_completion_of_a_step_completes_all_before_it():
    """On one in-order stream, a step cannot finish before its predecessors."""
    ledger = Ledger()
    for _ in range(3):
        ledger.record_launch()
    ledger.record_completion(1)
    assert 2 == ledger.completed


def test_completion_is_counted_once():
    """A step reported twice, or late, changes nothing."""
    ledger = Ledger()
    for _ in range(3):
        ledger.record_launch()
    ledger.record_completion(2)
    ledger.record_completion(0)
    assert 3 == ledger.completed
    assert ledger.is_drained


@pytest.mark.parametrize("step", [-1, 1, 7])
def test_a_step_that_was_not_launched_cannot_finish(step):
    """Completing an unknown step is an error of the caller, not a count."""
    ledger = Ledger()
    ledger.record_launch()
    with pytest.raises(LedgerError):
        ledger.record_completion(step)


def test_launches_beyond_the_total_raise_it():
    """A second-order sampler with more callbacks than announced steps never shows more than all."""
    ledger = Ledger(total=2)
    for _ in range(3):
        ledger.record_launch()
    assert 3 == ledger.total


def test_a_total_below_what_was_launched_is_raised():
    """The host's word comes late; what is already queued counts."""
    ledger = Ledger()
    for _ in range(3):
        ledger.record_launch()
    ledger.expect_total(1)
    assert 3 == ledger.total


def test_times_are_those_of_the_clock():
    """Launches and completions carry the moment at which they were recorded."""
    clock = ManualClock()
    ledger = Ledger(clock=clock)
    ledger.record_launch()
    clock.now_s = 1.5
    ledger.record_completion(0)
    reading = ledger.snapshot()
    assert ((0.0,), (1.5,)) == (reading.launched_at_s, reading.completed_at_s)


def test_waiting_for_a_finished_step_returns_at_once():
    """No wait for what is done."""
    ledger = Ledger()
    ledger.record_launch()
    ledger.record_completion(0)
    assert ledger.wait_completed(0, limit_s=0.0)


def test_a_wait_ends_at_its_limit():
    """A step that never finishes does not hold the host for ever."""
    ledger = Ledger()
    ledger.record_launch()
    assert not ledger.wait_completed(0, limit_s=0.001)


def test_a_completion_wakes_the_waiter():
    """A waiter in another thread is released by the completion, not by its limit."""
    ledger = Ledger()
    ledger.record_launch()
    results: list[bool] = []
    waiter = threading.Thread(target=lambda: results.append(ledger.wait_completed(0, limit_s=30.0)))
    waiter.start()
    ledger.record_completion(0)
    waiter.join(10.0)
    assert [True] == results


def test_a_waiter_can_give_up():
    """A wait whose reason is gone ends when the ledger is woken."""
    ledger = Ledger()
    ledger.record_launch()
    has_failed = threading.Event()
    results: list[bool] = []
    waiter = threading.Thread(
        target=lambda: results.append(ledger.wait_completed(0, 30.0, has_failed.is_set))
    )
    waiter.start()
    has_failed.set()
    ledger.wake()
    waiter.join(10.0)
    assert [False] == results


@given(
    st.lists(st.one_of(st.just("launch"), st.integers(0, 40)), max_size=80), st.none() | st.integers(0, 30)
)
def test_counts_keep_their_order_whatever_happens(events, total):
    """For any order of launches and reports: 0 <= completed <= launched <= total, and nothing falls."""
    ledger = Ledger(total)
    before = ledger.snapshot()
    for event in events:
        if event == "launch":
            ledger.record_launch()
        elif event < ledger.launched:
            ledger.record_completion(event)
        now = ledger.snapshot()
        assert 0 <= now.completed <= now.launched
        assert now.total is None or now.launched <= now.total
        assert now.completed >= before.completed and now.launched >= before.launched
        assert len(now.completed_at_s) == now.completed and len(now.launched_at_s) == now.launched
        before = now


def test_silence_is_unusual_only_after_long():
    """A first step may compile kernels, and a device without work rests."""
    clock = ManualClock()
    ledger = Ledger(clock=clock)
    assert ledger.unusual_silence_s is None
    ledger.record_launch()
    clock.now_s = 120.0
    assert ledger.unusual_silence_s is None
    clock.now_s = 121.0
    assert 121.0 == ledger.unusual_silence_s
    ledger.record_completion(0)
    clock.now_s = 1000.0
    assert ledger.unusual_silence_s is None


@pytest.mark.parametrize(("step_s", "usual_s"), [(1.0, 30.0), (10.0, 50.0)])
def test_a_slow_device_is_given_more_time(step_s, usual_s):
    """Five steps, and half a minute at least, from its last sign of life and not from the launch."""
    clock = ManualClock()
    ledger = Ledger(clock=clock)
    for _ in range(4):
        ledger.record_launch()
    for step in range(3):
        clock.now_s += step_s
        ledger.record_completion(step)
    clock.now_s += usual_s
    assert ledger.unusual_silence_s is None
    clock.now_s += 1.0
    assert usual_s + 1.0 == ledger.unusual_silence_s
