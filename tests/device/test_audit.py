"""Checks of a rung in use: what counts as a lie, on a clock that the read-backs move."""

import pytest

from zluda_sync.core.errors import RungLiedError
from zluda_sync.core.steps.ledger import Ledger
from zluda_sync.device.steps.judge import (
    CHECKS,
    LIES,
    MORE_CHECKS,
    MOST_UNDECIDED,
    SHORTEST_BACKLOG_S,
    SHORTEST_LIE_S,
    Audit,
)


class Clock:
    """Stands still until a read-back moves it."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s

    def taking(self, seconds):
        def read_back():
            self.now_s += seconds

        return read_back


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def audit(clock):
    return Audit(clock)


def ledger_with_steps_of(seconds, clock, steps=4):
    ledger = Ledger(clock=clock)
    for step in range(steps):
        ledger.record_launch()
        clock.now_s += seconds
        ledger.record_completion(step)
    return ledger


def test_a_truthful_rung_is_left_alone_after_its_first_reports(audit, clock):
    """Each check costs a read-back: the device would run dry after each step."""
    for _ in range(CHECKS):
        assert audit.is_due("event")
        audit.check("event", clock.taking(SHORTEST_LIE_S / 2), Ledger())
    assert not audit.is_due("event")
    assert audit.is_due("another")


def test_a_second_late_read_back_is_a_lie(audit, clock):
    """One alone may be a busy machine."""
    audit.check("event", clock.taking(1.0), Ledger())
    with pytest.raises(RungLiedError, match=r"event.*1\.00 s more"):
        audit.check("event", clock.taking(1.0), Ledger())


def test_a_suspicion_is_looked_into(audit, clock):
    """What looked like a lie once is checked more often than what did not."""
    audit.check("event", clock.taking(1.0), Ledger())
    for _ in range(CHECKS + MORE_CHECKS - 1):
        assert audit.is_due("event")
        audit.check("event", clock.taking(0.0), Ledger())
    assert not audit.is_due("event")


def test_suspicions_of_one_rung_are_not_held_against_another(audit, clock):
    """A busy machine in the first step must not cost the next rung its place."""
    audit.check("event", clock.taking(1.0), Ledger())
    audit.check("another", clock.taking(1.0), Ledger())


def test_with_long_steps_a_small_delay_is_no_lie(audit, clock):
    """0.2 s are nothing beside steps of a second, and everything beside steps of 0.1 s."""
    for _ in range(3):
        audit.check("slow", clock.taking(0.2), ledger_with_steps_of(1.0, clock))
    audit.check("fast", clock.taking(0.2), ledger_with_steps_of(0.1, clock))
    with pytest.raises(RungLiedError):
        audit.check("fast", clock.taking(0.2), ledger_with_steps_of(0.1, clock))


def test_before_a_decode_one_late_read_back_is_enough(audit, clock):
    """There is no second look: the pass is over."""
    with pytest.raises(RungLiedError):
        audit.check_drained("event", clock.taking(2.0), ledger_with_steps_of(0.1, clock))


def test_before_a_decode_a_short_delay_is_no_lie(audit, clock):
    """The host has queued other small work behind the last step."""
    audit.check_drained("event", clock.taking(SHORTEST_BACKLOG_S * 0.9), ledger_with_steps_of(0.01, clock))
    audit.check_drained("event", clock.taking(1.4), ledger_with_steps_of(1.0, clock))


def test_what_the_device_has_written_clears_a_rung_at_once(audit, clock):
    """However long a reading would wait for a preview, or for another program."""
    for _ in range(CHECKS):
        audit.check("event", pytest.fail, Ledger(), look=lambda: True)
    assert not audit.is_due("event")


def test_what_was_unwritten_and_is_written_later_is_a_lie_whatever_else_goes_on(audit, clock):
    """A preview behind a step explains a late reading, and not that the step itself was still under way."""
    written = iter([False, True, False, True])
    check = lambda: audit.check(  # noqa: E731
        "event", clock.taking(1.0), Ledger(), look=lambda: next(written), is_disturbed=lambda: True
    )
    check()
    with pytest.raises(RungLiedError) as caught:
        check()
    assert caught.value.is_certain


@pytest.mark.parametrize("look", [None, False])
def test_with_something_else_in_flight_there_is_no_verdict(audit, clock, look):
    """The reading has waited for that; it is tried again, but not for ever."""
    for _ in range(MOST_UNDECIDED):
        assert audit.is_due("event")
        audit.check("event", clock.taking(1.0), Ledger(), lambda: look, lambda: True)
    assert not audit.is_due("event")


def test_on_a_slow_machine_there_is_no_verdict(audit, clock):
    """Where a reading of an idle device takes as long, the first one says nothing of the rung."""
    for _ in range(LIES + 1):
        slow = clock.taking(1.0)
        audit.check("event", slow, Ledger(), read_again=slow)
    audit.check("event", clock.taking(1.0), Ledger(), read_again=clock.taking(0.001))
    with pytest.raises(RungLiedError):
        audit.check("event", clock.taking(1.0), Ledger(), read_again=clock.taking(0.001))


def test_a_judge_that_fails_convicts_nobody(audit):
    """Out of memory while it reads: no fault of the rung."""

    def fail():
        raise RuntimeError("CUDA out of memory")

    for _ in range(LIES + 1):
        audit.check("event", fail, Ledger())


def test_before_a_decode_a_preview_is_no_backlog(audit, clock):
    """Nor is a machine that reads slowly; only what the steps themselves had left is certain."""
    late = clock.taking(2.0)
    audit.check_drained("event", late, ledger_with_steps_of(0.1, clock), is_disturbed=lambda: True)
    audit.check_drained("event", late, ledger_with_steps_of(0.1, clock), read_again=late)
    for is_written in (False, True):
        ledger = ledger_with_steps_of(0.1, clock)
        with pytest.raises(RungLiedError) as caught:
            audit.check_drained("event", late, ledger, was_unwritten=not is_written)
        assert is_written is not caught.value.is_certain
