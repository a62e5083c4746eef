"""Waits on other threads: bounded, told of errors, and never held up by a driver that does not come back."""

import threading

import pytest

from zluda_sync.device.steps.waits import BlockingWaits

LONG_S = 20.0


@pytest.fixture
def waits():
    made = BlockingWaits()
    yield made
    made.stop()


@pytest.fixture
def threads_made():
    """Return a function that gives the threads for waits that have begun since, and live."""
    before = set(threading.enumerate())
    return lambda: [
        one for one in threading.enumerate() if one.name == "zluda_sync-waits" and one not in before
    ]


@pytest.fixture
def hang():
    """A driver's call that does not come back before the test is over."""
    over = threading.Event()
    yield lambda: over.wait(LONG_S)
    over.set()


def test_a_call_runs_on_another_thread(waits):
    """The host's thread must stay free to look at limits and at Stop."""
    threads = []
    assert waits.begin(lambda: threads.append(threading.get_ident())).wait(LONG_S)
    assert threads and threading.get_ident() not in threads


def test_calls_that_end_share_a_thread(waits):
    """A thread for each step would be a cost for each step."""
    threads = []
    for _ in range(5):
        call = waits.begin(lambda: threads.append(threading.get_ident()))
        assert call.wait(LONG_S)
        while waits._worker.is_busy:
            assert not threading.Event().wait(0.001)
    assert 1 == len(set(threads))


def test_whoever_waits_is_told_of_the_error(waits):
    """A missing driver function is an answer, and the thread lives on for the next call."""
    with pytest.raises(ZeroDivisionError):
        waits.begin(lambda: 1 / 0).wait(LONG_S)
    assert waits.begin(lambda: None).wait(LONG_S)


def test_a_call_that_hangs_is_waited_for_until_the_limit(waits, hang):
    """Some drivers never return; the host must."""
    assert not waits.begin(hang).wait(0.01)


def test_a_wait_can_be_given_up_long_before_its_limit(waits, hang):
    """Stop must not wait for the driver."""
    waiting = threading.Thread(target=waits.begin(hang).wait, args=(LONG_S, lambda: True))
    waiting.start()
    waiting.join(LONG_S / 2)
    assert not waiting.is_alive()


def test_a_call_that_hangs_does_not_hold_up_the_next(waits, hang):
    """The next rung must be tried while the first one is still inside the driver."""
    waits.begin(hang)
    assert waits.begin(lambda: None).wait(LONG_S / 2)


def test_a_thread_left_behind_ends_with_its_call(waits, threads_made):
    """A driver that comes back late must not leave threads behind for ever."""
    over = threading.Event()
    waits.begin(lambda: over.wait(LONG_S))
    waits.begin(lambda: None).wait(LONG_S)
    left, _ = threads_made()
    assert 2 == len(threads_made())
    over.set()
    left.join(LONG_S / 2)
    assert 1 == len(threads_made())


def test_stopped_waits_have_no_thread_and_can_begin_again(waits, threads_made):
    """The host restarts in process."""
    waits.begin(lambda: None).wait(LONG_S)
    waits.stop(LONG_S)
    assert 0 == len(threads_made())
    assert waits.begin(lambda: None).wait(LONG_S)


def test_a_call_that_has_ended_holds_nothing(waits):
    """What it read back, latents among it, would else stay in the GPU's memory."""
    call = waits.begin(lambda: None)
    call.wait(LONG_S)
    assert call._action is None


def test_everybody_who_waits_for_a_call_is_told_that_it_has_ended(waits):
    """At once, whether it ends before they wait or meanwhile, and each as often as they ask."""
    over = threading.Event()
    call = waits.begin(lambda: over.wait(LONG_S))
    assert not call.wait(0.0)
    told = []
    waiting = [threading.Thread(target=lambda: told.append(call.wait(LONG_S))) for _ in range(3)]
    for thread in waiting:
        thread.start()
    over.set()
    for thread in waiting:
        thread.join(LONG_S)
    assert [True] * 3 == told
    assert call.wait(0.0)
    assert call.wait(LONG_S)
