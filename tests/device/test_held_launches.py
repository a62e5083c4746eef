"""From which launch on a driver holds the host back, told from what each launch took."""

from __future__ import annotations

from zluda_sync.device.steps.self_test import find_first_held

IDLE_S, LEAST_S = 20e-6, 0.02


def test_a_queue_that_is_full_holds_back_by_many_short_waits():
    """As an NVIDIA card's does: room for one more comes with each product of 0.6 ms that is finished."""
    times_s = [IDLE_S] * 700 + [0.6e-3] * 300 + [IDLE_S] * 3200
    assert 701 == find_first_held(times_s, IDLE_S, LEAST_S)


def test_a_queue_that_is_full_from_the_first_launch_on_holds_back():
    """The chains before them have filled it, and no launch is quick."""
    assert 1 == find_first_held([0.6e-3] * 4200, IDLE_S, LEAST_S)


def test_room_that_comes_in_lots_is_held_back_all_the_same():
    """Ten quick launches behind each slow one."""
    times_s = [IDLE_S] * 500 + ([4e-3] + [IDLE_S] * 10) * 40 + [IDLE_S] * 3000
    assert 501 == find_first_held(times_s, IDLE_S, LEAST_S)


def test_one_long_wait_holds_back():
    """Until the whole work is done."""
    times_s = [IDLE_S] * 1023 + [0.15] + [IDLE_S] * 3000
    assert 1024 == find_first_held(times_s, IDLE_S, LEAST_S)


def test_hiccups_far_apart_are_none():
    """A machine that does something else now and then."""
    times_s = ([IDLE_S] * 200 + [5e-3]) * 20
    assert find_first_held(times_s, IDLE_S, LEAST_S) is None


def test_launches_that_are_slow_altogether_are_none():
    """A busy machine needs longer for each; that is no queue that is full."""
    assert find_first_held([4 * IDLE_S] * 4200, IDLE_S, LEAST_S) is None
