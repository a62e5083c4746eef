"""Ten kinds of job in any order: what each teaches, and what it must not teach, on a simulated card."""

from __future__ import annotations

from itertools import permutations

import pytest

from bench.campaigns.learning import (
    NOISE,
    SPEEDS,
    measure_disturbance,
    measure_drift,
    measure_drift_of_all,
    measure_poison,
    shuffle,
)
from bench.truth.figures import eta_error, falls
from bench.truth.simulated import DISTURBANCES, Card, Workshop, build_kinds
from zluda_sync.core.phase import Phase

KINDS = build_kinds()


def each_kind(test):
    """Run a test for every kind of job."""
    return pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)(test)


@pytest.mark.parametrize("noise", [0.0, NOISE], ids=["no noise", "noise of 3 %"])
@pytest.mark.parametrize("seed", range(6))
def test_in_any_order_the_second_job_of_a_kind_is_foreseen(seed, noise):
    """Whatever was made before and in between, its ETA error is at most 0.05, and no bar falls."""
    errors = {}
    for kind, run, measured in shuffle(KINDS, seed, noise):
        assert 0 == falls(measured)
        if run >= 2:
            errors[kind.name, run] = eta_error(measured)[0]
    assert len({name for name, _run in errors}) == len(KINDS) == 10
    assert {} == {name: error for name, error in errors.items() if error > 0.05}


@each_kind
@pytest.mark.parametrize("what", DISTURBANCES)
def test_one_job_that_was_disturbed_changes_next_to_nothing(kind, what):
    """After a paused laptop the next forecast is within 5 % of what it was, however little is known."""
    assert measure_disturbance(kind, DISTURBANCES[what], before=1) <= 0.05
    assert measure_disturbance(kind, DISTURBANCES[what], before=3) <= 0.05


@each_kind
@pytest.mark.parametrize("what", DISTURBANCES)
def test_a_first_job_that_was_disturbed_is_forgotten_with_the_second(kind, what):
    """Kernels are compiled in the very first job of all: from the third on nothing is left of that."""
    workshop = Workshop(0)
    workshop.make(kind, DISTURBANCES[what])
    workshop.make(kind)
    measured, first_eta_s = workshop.make(kind)
    assert abs(first_eta_s - measured.total_s) <= 0.05 * measured.total_s
    assert eta_error(measured)[0] <= 0.05


@each_kind
@pytest.mark.parametrize("what", SPEEDS)
def test_another_speed_is_followed_within_three_jobs(kind, what):
    """A driver update, a power limit: the third job is forecast within 5 % before it has begun."""
    assert measure_drift(kind, SPEEDS[what], before=1) <= 0.05
    assert measure_drift(kind, SPEEDS[what], before=5) <= 0.05


@pytest.mark.parametrize("slowness", [1.5, 0.7])
def test_two_jobs_at_another_speed_tell_of_all_kinds(slowness):
    """After a driver update, a kind that was not made since is forecast within 5 % from the third job on."""
    assert measure_drift_of_all(KINDS, slowness) <= 0.05


def test_two_jobs_of_slow_steps_do_not_tell_of_other_kinds():
    """What slows the steps alone, such as a LoRA that the request does not tell of, is not the card's."""
    workshop = Workshop(0)
    for kind in KINDS:
        workshop.make(kind)
    others = [kind for kind in KINDS[3:] if not kind.shape.scripts]  # its base pass is the same work
    before = [workshop.foresee_s(kind) for kind in others]
    for _ in range(2):
        workshop.make(KINDS[0], Card(stretched={Phase.DENOISE: 1.5}))
    assert before == pytest.approx([workshop.foresee_s(kind) for kind in others], rel=0.001)


@each_kind
def test_a_disturbance_just_before_another_speed_does_not_hide_it(kind):
    """Both at once: two jobs that agree count for more than one that agrees with nothing."""
    workshop = Workshop(0)
    for card in (Card(), Card(), Card(slowness=5.0), Card(slowness=1.5), Card(slowness=1.5)):
        workshop.make(kind, card)
    measured, first_eta_s = workshop.make(kind, Card(slowness=1.5))
    assert abs(first_eta_s - measured.total_s) <= 0.05 * measured.total_s


def test_no_job_changes_what_is_known_of_another_kind():
    """What a kind is expected to take is the same before and after a job of any other kind."""
    pairs = permutations(KINDS, 2)
    assert [] == [(one.name, other.name) for one, other in pairs if measure_poison(one, other) > 0.001]


def test_a_plain_job_after_one_with_a_detailer_plans_no_extras():
    """A script's parts belong to requests with that script; the plain one that follows has none."""
    workshop = Workshop(0)
    plain, detailed = KINDS[0], next(kind for kind in KINDS if kind.shape.scripts)
    workshop.make(detailed)
    assert () == workshop.durations.outcome_of(plain.shape).extras
    assert () != workshop.durations.outcome_of(detailed.shape).extras


def test_what_is_computed_is_planned_where_the_request_says_something_else():
    """Of an input that is not resized, the second job knows size and steps before it begins."""
    workshop = Workshop(0)
    kind = next(kind for kind in KINDS if kind.name == "size of the input")
    workshop.make(kind)
    measured, first_eta_s = workshop.make(kind)
    assert abs(first_eta_s - measured.total_s) <= 0.05 * measured.total_s
