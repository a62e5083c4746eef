"""Which request an impatient press is meant for."""

from __future__ import annotations

import pytest

from tests.virtual_clock import VirtualClock
from zluda_sync.core.wishes.stop_echo import StopEcho


@pytest.fixture
def clock():
    return VirtualClock()


def test_a_first_press_is_no_echo(clock):
    """Nothing was stopped before."""
    assert not StopEcho(clock).record_press("first", 0.0)


@pytest.mark.parametrize(("after_s", "is_echo"), [(0.0, True), (0.2, True), (0.3, False), (60.0, False)])
def test_a_press_right_after_a_stopped_request_was_meant_for_it(clock, after_s, is_echo):
    """Nobody can have seen that the next one runs; a third of a second later, they can."""
    echo = StopEcho(clock)
    echo.record_ended("first", was_stopped=True)
    clock.pass_time(after_s)
    assert is_echo == echo.record_press("second", 0.0)


def test_a_burst_of_presses_is_one(clock):
    """Each follows the one before it within a moment."""
    echo = StopEcho(clock)
    echo.record_press("first", 0.0)
    echo.record_ended("first", was_stopped=True)
    echoes = []
    for _ in range(4):
        clock.pass_time(0.2)
        echoes.append(echo.record_press("second", 0.0))
    assert [True] * 4 == echoes


def test_no_burst_is_endless(clock):
    """Who goes on pressing for seconds means what runs."""
    echo = StopEcho(clock)
    echo.record_ended("first", was_stopped=True)
    echoes = []
    for _ in range(10):
        clock.pass_time(0.2)
        echoes.append(echo.record_press("second", 0.0))
    assert not echoes[-1]


def test_a_request_goes_on_after_a_stop_of_its_own_and_is_stopped_again(clock):
    """A script has answered the first Stop by going on with its next picture."""
    echo = StopEcho(clock)
    echo.record_press("first", 0.0)
    echo.record_ended("first", was_stopped=True)
    assert not echo.record_press("first", 0.0)


def test_a_request_that_went_well_in_between_makes_a_press_a_new_one(clock):
    """A program stops one request, runs a second, and stops a third, all within a moment."""
    echo = StopEcho(clock)
    echo.record_press("first", 0.0)
    echo.record_ended("first", was_stopped=True)
    echo.record_ended("second", was_stopped=False)
    assert not echo.record_press("third", 0.0)


def test_a_request_that_was_asked_for_after_the_stop_is_no_next_in_line(clock):
    """A program stops one request, has its answer, sends another, and stops that one too."""
    echo = StopEcho(clock)
    echo.record_press("first", 0.0)
    echo.record_ended("first", was_stopped=True)
    clock.pass_time(0.15)
    begun_at_s = clock()
    clock.pass_time(0.05)
    assert not echo.record_press("second", begun_at_s)


def test_a_press_on_an_idle_host_is_an_echo_of_the_one_that_made_it_idle(clock):
    """The second half of a double click comes when the request has ended."""
    echo = StopEcho(clock)
    echo.record_press("first", 0.0)
    echo.record_ended("first", was_stopped=True)
    clock.pass_time(0.1)
    assert echo.record_press(None, None)


def test_who_still_presses_when_the_next_one_begins_means_the_one_before(clock):
    """The stopped request fails, which nobody tells: it has gone on for a while after its last job."""
    echo = StopEcho(clock)
    echo.record_press("first", 0.0)
    echo.record_ended("first", was_stopped=True)
    clock.pass_time(0.2)
    assert not echo.record_press("first", 0.0)
    clock.pass_time(0.02)
    begun_at_s = clock()
    clock.pass_time(0.02)
    assert echo.record_press("second", begun_at_s)


@pytest.mark.parametrize(("after_s", "is_echo"), [(1.9, True), (2.1, False)])
def test_the_host_is_busy_reporting_a_stopped_request_that_has_failed(clock, after_s, is_echo):
    """The answer to the first press, and with it the second press, comes when the error is written."""
    echo = StopEcho(clock)
    echo.record_press("first", 0.0)
    echo.record_ended("first", was_stopped=True)
    echo.record_failed("first")
    clock.pass_time(after_s)
    assert is_echo == echo.record_press("second", 0.0)


def test_a_failure_of_another_request_changes_nothing(clock):
    """It was not the stopped one that failed."""
    echo = StopEcho(clock)
    echo.record_failed("other")
    echo.record_ended("first", was_stopped=True)
    clock.pass_time(0.9)
    assert not echo.record_press("second", 0.0)
