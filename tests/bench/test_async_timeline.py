"""The timeline of the asynchronous test device, on a clock of the test's."""

from __future__ import annotations

import pytest

from bench.real_host.extensions.async_device import async_timeline


@pytest.fixture
def clock(monkeypatch):
    """Return the seconds that the timeline sees, as a list of one; sleeping moves them on."""
    now = [100.0]
    monkeypatch.setattr(async_timeline.time, "time", lambda: now[0])
    monkeypatch.setattr(async_timeline.time, "sleep", lambda seconds: now.__setitem__(0, now[0] + seconds))
    return now


def test_work_is_finished_in_order(clock):
    """Each piece begins when the one before it ends."""
    timeline = async_timeline.Timeline()
    assert [102.0, 105.0] == [timeline.queue(2.0), timeline.queue(3.0)]
    clock[0] = 110.0
    assert 111.0 == timeline.queue(1.0)


def test_a_device_that_stands_still_finishes_nothing(clock):
    """However long it lasts, its clock stops at the moment that was asked for, and goes on from there."""
    timeline = async_timeline.Timeline()
    timeline.queue(2.0)
    timeline.freeze_at(101.0)
    assert not timeline.is_frozen()
    clock[0] = 150.0
    assert timeline.is_frozen()
    assert 101.0 == timeline.now_s()
    timeline.release()
    assert 101.0 == timeline.now_s()
    clock[0] = 150.5
    assert 101.5 == timeline.now_s()


def test_waiting_lasts_as_long_as_the_device_needs(clock):
    """The time for which it stood still is added."""
    timeline = async_timeline.Timeline()
    timeline.freeze_at(100.0)
    clock[0] = 130.0
    timeline.release()
    timeline.wait_until(timeline.queue(2.0))
    assert 132.0 == pytest.approx(clock[0])


def test_a_launch_is_told_with_its_loop_and_step(clock):
    """Both are counted from zero."""
    timeline, told = async_timeline.Timeline(), []
    timeline.on_launch = lambda *launch: told.append(launch)
    for _loop in range(2):
        timeline.begin_loop()
        timeline.launch_step(1.0)
        timeline.launch_step(1.0)
    assert [(0, 0, 101.0), (0, 1, 102.0), (1, 0, 103.0), (1, 1, 104.0)] == told
    timeline.forget()
    assert [] == timeline.step_ends_s
