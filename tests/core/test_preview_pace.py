"""Previews come with each step while that costs next to nothing, and more rarely where it does not."""

from __future__ import annotations

from tests.virtual_clock import VirtualClock
from zluda_sync.core.preview_pace import PreviewPace


def run(pace, steps, step_s, cost_s):
    made = []
    for step in range(steps):
        if pace.is_due(step, step_s):
            made.append(step)
            pace.record_made(step, cost_s)
    return made


def test_cheap_previews_come_with_each_step():
    """One millisecond of a step of a hundred is within the budget."""
    assert list(range(10)) == run(PreviewPace(), 10, 0.1, 0.001)


def test_previews_keep_the_interval_that_the_user_wants():
    """However cheap they are: who asks for one in two seconds does not get ten."""
    clock = VirtualClock()
    pace, made = PreviewPace(interval_s=2.0, clock=clock), []
    for step in range(10):
        if pace.is_due(step, 0.5):
            made.append(step)
            pace.record_made(step, 0.0001)
        clock.pass_time(0.5)
    assert [0, 4, 8] == made


def test_dear_previews_come_more_rarely():
    """Ten milliseconds of a step of a hundred: every fifth step is two percent."""
    assert [0, 5, 10, 15] == run(PreviewPace(), 20, 0.1, 0.010)


def test_the_cost_stays_within_the_budget():
    """However dear one is, over many steps they cost two percent at most."""
    for cost_s in (0.0003, 0.002, 0.007, 0.05, 0.3):
        made = run(PreviewPace(), 2000, 0.1, cost_s)
        assert len(made) * cost_s <= 0.02 * 2000 * 0.1 + cost_s


def test_one_dear_first_preview_does_not_spoil_the_rest():
    """It loads kernels; the others do not."""
    pace = PreviewPace()
    pace.record_made(0, 0.5)
    for step in (1, 2, 3):
        pace.record_made(step, 0.001)
    assert 1 == pace.interval_steps(0.1)


def test_the_first_step_of_each_pass_is_due():
    """A new pass counts from zero."""
    pace = PreviewPace()
    pace.record_made(19, 0.1)
    assert pace.is_due(0, 0.1)


def test_without_known_times_every_step_is_due():
    """Nothing says that it would be too dear."""
    assert 1 == PreviewPace().interval_steps(None)
