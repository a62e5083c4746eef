"""Previews come with each step while that costs next to nothing, and more rarely where it does not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.virtual_clock import VirtualClock
from zluda_sync.device.preview.pace import PreviewPace


def run(pace, steps, step_s, cost_s):
    made = []
    for step in range(steps):
        if pace.is_due(step, step_s):
            made.append(step)
            pace.record_made(step, cost_s)
    return made


def run_with_costs(pace, costs_s, step_s=0.1):
    """Run a pass whose previews cost what is listed by step; a step's time is known from the second on."""
    made = []
    for step, cost_s in enumerate(costs_s):
        if pace.is_due(step, step_s if step > 1 else None):
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
    assert 0.001 == pace.cost_s


def test_the_first_step_of_each_pass_is_due():
    """A new pass counts from zero."""
    pace = PreviewPace()
    pace.record_made(19, 0.1)
    assert pace.is_due(0, 0.1)


def test_without_known_times_every_step_is_due():
    """Nothing says that it would be too dear."""
    pace = PreviewPace()
    pace.record_made(0, 0.5)
    assert all(pace.is_due(step, None) for step in range(1, 9))


@pytest.mark.parametrize("first_s", [0.1, 0.5, 30.0])
def test_a_first_preview_that_loads_kernels_does_not_count(first_s):
    """Told as such, whatever it took: each of twenty steps gets one."""
    pace, made = PreviewPace(), []
    for step in range(20):
        if pace.is_due(step, 0.1 if step > 1 else None):
            made.append(step)
            pace.record_made(step, first_s if step == 0 else 0.001, has_loaded=step == 0)
    assert list(range(20)) == made


@pytest.mark.parametrize("first_s", [0.1, 0.5, 30.0])
def test_a_dear_first_preview_is_tried_again_soon(first_s):
    """Not told as loading: it costs a few steps their previews, and not the rest of the job."""
    made = run_with_costs(PreviewPace(), [first_s] + [0.001] * 19)
    assert 14 <= len(made)
    assert list(range(6, 20)) == made[-14:]


@given(st.integers(0, 39), st.floats(0.05, 1000.0))
def test_one_slow_preview_does_not_silence_the_rest(slow_step, slow_s):
    """Another program had the device just then: within five steps previews come as before."""
    costs_s = [0.001] * 40
    costs_s[slow_step] = slow_s
    made = run_with_costs(PreviewPace(), costs_s)
    assert list(range(slow_step + 1)) == made[: slow_step + 1]
    assert set(range(slow_step + 6, 40)) <= set(made)


@given(st.integers(0, 20), st.integers(1, 60))
def test_a_busy_time_silences_previews_for_no_longer_than_itself(first_slow, slow_steps):
    """Another program has the device for a while: after it, one is tried again within a job's length."""
    last_slow = first_slow + slow_steps
    costs_s = [0.3 if first_slow <= step < last_slow else 0.001 for step in range(last_slow + 600)]
    made = run_with_costs(PreviewPace(), costs_s)
    again = next(step for step in made if step >= last_slow)
    assert set(range(again + 2, len(costs_s))) <= set(made)


def test_costs_that_change_all_the_time_are_paid_for():
    """Every other preview costs twenty times as much: no outlier, and not taken for one for ever."""
    costs_s = [0.001, 0.02] * 1000
    made = run_with_costs(PreviewPace(), costs_s)
    assert sum(costs_s[step] for step in made) <= 4 * 0.02 * 2000 * 0.1


def test_a_budget_that_is_raised_in_the_middle_of_a_job_counts_at_once():
    """And one that is lowered, too."""
    pace = PreviewPace()
    assert [0, 5] == run(pace, 10, 0.1, 0.010)
    pace.set_limits(0.1, 0.0)
    made = [step for step in range(10, 15) if pace.is_due(step, 0.1) and not pace.record_made(step, 0.010)]
    assert [10, 11, 12, 13, 14] == made
    pace.set_limits(0.001, 0.0)
    assert not any(pace.is_due(step, 0.1) for step in range(15, 20))


def test_a_pass_of_larger_pictures_begins_its_own_account():
    """What the pass before still owes is not taken from the next one."""
    pace = PreviewPace()
    run(pace, 3, 0.1, 0.010)
    assert [0, 1, 2] == run(pace, 3, 0.5, 0.010)
