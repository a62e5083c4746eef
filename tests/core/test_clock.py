"""A paused clock stands still, and takes none of the pause with it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.interleaving import run_at_each_instruction, run_interrupted
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


def test_who_reads_while_it_pauses_or_resumes_sees_it_stand():
    """Between any two instructions of both, the pause is counted neither half nor twice."""
    outer = VirtualClock()
    clock = PausableClock(outer)
    outer.pass_time(1.0)
    seen: list[float] = []
    run_interrupted(clock.pause, lambda: seen.append(clock()))
    outer.pass_time(7.0)
    run_interrupted(clock.resume, lambda: seen.append(clock()))
    assert {1.0} == {*seen, clock()}


def test_a_pause_within_a_reading_does_not_show():
    """The reader is held up between any two instructions, and the job pauses and goes on meanwhile."""

    def prepare():
        outer = VirtualClock()
        clock = PausableClock(outer)
        outer.pass_time(1.0)

        def pause_and_resume():
            clock.pause()
            outer.pass_time(5.0)
            clock.resume()

        return clock, pause_and_resume

    assert {1.0} == set(run_at_each_instruction(prepare))


@given(
    st.lists(st.sampled_from(["pause", "resume", "pass"]), max_size=6),
    st.lists(st.sampled_from(["pause", "resume", "pass"]), max_size=4),
    st.integers(0, 60),
)
def test_no_interleaving_of_pauses_and_readings_goes_back(before, within, position):
    """Whatever happens within a reading, it is no less than the one before it, nor more than the next."""
    outer = VirtualClock()
    clock = PausableClock(outer)
    acts = {"pause": clock.pause, "resume": clock.resume, "pass": lambda: outer.pass_time(1.0)}
    for name in before:
        acts[name]()
    first_s = clock()
    second_s, _ = run_interrupted(clock, lambda: [acts[name]() for name in within], position)
    assert first_s <= second_s <= clock()
