"""A paused clock stands still, and takes none of the pause with it."""

from __future__ import annotations

from tests.virtual_clock import VirtualClock
from zluda_sync.core.clock import PausableClock


def test_a_pause_takes_no_time():
    """Before, within and after a pause."""
    outer = VirtualClock()
    clock = PausableClock(outer)
    readings = []
    for action in (lambda: None, clock.pause, lambda: None, clock.resume, lambda: None):
        action()
        outer.pass_time(1.0)
        readings.append(clock())
    assert [1.0, 1.0, 1.0, 2.0, 3.0] == readings


def test_going_on_without_a_pause_changes_nothing():
    """A job that is stopped goes on twice."""
    outer = VirtualClock()
    clock = PausableClock(outer)
    clock.resume()
    outer.pass_time(2.0)
    assert 2.0 == clock()
