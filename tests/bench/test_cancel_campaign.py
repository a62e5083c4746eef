"""Cancels that are measured: what counts as right, as late, and as a Stop that reached another request."""

from __future__ import annotations

import pytest

from bench.campaigns.cancels import PICTURES, Cancel, Ended, count, describe


def cancel(name: str, was: str = "running", status: int = 200, at_s: float = 1.0) -> Cancel:
    return Cancel(name, status, was, at_s, at_s + 0.5)


@pytest.mark.parametrize("was", ["running", "queued"])
def test_a_request_that_was_stopped_and_is_not_whole_is_right(was):
    """From the first Stop that was answered as in time."""
    tally = count([cancel("a", was), cancel("a", was, at_s=2.0)], [Ended("a", 0, 4.0)])
    assert ({was: 1}, 1, 0) == (tally.right, tally.again, tally.touched)
    assert ([3.0] if was == "running" else []) == tally.latencies_s


def test_a_request_that_is_whole_all_the_same_was_stopped_too_late():
    """Its last picture was made already; no other has lost one."""
    tally = count([cancel("a")], [Ended("a", PICTURES, 2.0)])
    assert (1, {}, 0, 0) == (tally.late, tally.right, tally.touched, tally.whole)


@pytest.mark.parametrize("pictures", range(PICTURES))
def test_a_request_that_nobody_stopped_and_is_not_whole_was_touched(pictures):
    """A refused Stop is none."""
    refused = cancel("a", was="", status=409)
    tally = count([refused, cancel("b")], [Ended("a", pictures, 2.0), Ended("b", 0, 2.0)])
    assert (1, {409: 1}) == (tally.touched, tally.refused)
    assert "1 requests that nobody stopped did not" in describe(tally)
    assert 0 == count([refused], [Ended("a", PICTURES, 2.0)]).touched


def test_nothing_that_was_measured_is_told_as_nothing():
    """Without a latency there is no line of it."""
    assert "median" not in describe(count([], []))
