"""Others' formulas, on jobs made by hand: mostly one pass of four steps, a second each, then a decode."""

from __future__ import annotations

import pytest

from bench.truth.figures import bar_error, early_full_s, eta_error, falls
from bench.truth.formulas import FORMULAS, a1111, replay, sdnext, tqdm_ema
from bench.truth.measured_job import MeasuredJob, PassTruth

ONE_PASS = MeasuredJob(
    started_s=100.0,
    ended_s=110.0,
    passes=(PassTruth(launched_s=(102.0, 102.1, 102.2, 102.3), completed_s=(103.0, 104.0, 105.0, 106.0)),),
    phases_began_s=(100.0, 101.0, 106.5),
)
DETAILED = MeasuredJob(
    started_s=0.0,
    ended_s=10.0,
    passes=(PassTruth((0.0, 0.1), (1.0, 2.0)), PassTruth((6.0, 6.1), (7.0, 8.0))),
    phases_began_s=(0.0, 2.5, 5.0, 8.5),
)


def test_sdnext_counts_the_steps_of_the_phase():
    """Two of four steps are finished, four seconds after the phase began."""
    shown = sdnext(ONE_PASS, 4, 105.0 - 0.5)
    assert (shown.progress, shown.eta_s) == (0.5, pytest.approx(3.5))


def test_sdnext_rounds_the_bar_and_reckons_from_what_is_rounded():
    """One of three is 0.33, and 3 s of which a third is over last 6.09 s more."""
    job = MeasuredJob(0.0, 10.0, (PassTruth((0.5, 0.6, 0.7), (3.0, 6.0, 9.0)),), phases_began_s=(0.0,))
    shown = sdnext(job, 3, 3.0)
    assert (shown.progress, shown.eta_s) == (0.33, pytest.approx(3.0 / 0.33 - 3.0))


@pytest.mark.parametrize("time_s", [100.5, 101.5, 102.5, 107.0])
def test_sdnext_shows_an_empty_bar_without_a_finished_step_of_the_phase(time_s: float):
    """In a phase without steps, before its first one is finished, and in the decode after the pass."""
    shown = sdnext(ONE_PASS, 4, time_s)
    assert (shown.progress, shown.eta_s) == (0.0, None)


def test_sdnext_falls_back_with_each_phase():
    """From full to empty at each decode."""
    assert falls(replay(DETAILED, 1, sdnext)) == 2


def test_a1111_extends_the_time_so_far():
    """Half of the steps in five seconds promise five more."""
    shown = a1111(ONE_PASS, 4, 105.0 - 0.5)
    assert (shown.progress, shown.eta_s) == (0.5, pytest.approx(4.5))


def test_a1111_has_no_eta_before_the_first_step():
    """Nothing divided by nothing is unknown."""
    shown = a1111(ONE_PASS, 4, 102.9)
    assert (shown.progress, shown.eta_s) == (0.0, None)


def test_a1111_stands_full_in_the_decode():
    """All planned steps are finished four seconds before the result."""
    assert early_full_s(replay(ONE_PASS, 1, a1111)) == pytest.approx(4.0, abs=0.11)


def test_a1111_counts_the_steps_of_all_passes():
    """With two passes planned the first one is half of the job."""
    assert a1111(DETAILED, 4, 2.0).progress == 0.5


@pytest.mark.parametrize("formula", [a1111, tqdm_ema])
def test_a_pass_that_was_not_planned_does_not_fill_the_bar_twice(formula):
    """Full after the first pass, and full it stays."""
    shown = formula(DETAILED, 2, 8.0)
    assert (shown.progress, shown.eta_s) == (1.0, 0.0)


def test_tqdm_of_even_steps_is_their_time():
    """However the average is weighted, one second a step is one second a step."""
    job = MeasuredJob(0.0, 10.0, (PassTruth((0.0,) * 4, (1.0, 2.0, 3.0, 4.0)),))
    assert tqdm_ema(job, 4, 3.5).eta_s == pytest.approx(1.0)


def test_tqdm_weighs_the_newest_step_most():
    """Steps of 1 s and 2 s: (0.7 * 0.3 * 1 + 0.3 * 2) / (1 - 0.7 * 0.7) seconds each."""
    job = MeasuredJob(0.0, 10.0, (PassTruth((0.0,) * 3, (1.0, 3.0, 4.0)),))
    assert tqdm_ema(job, 3, 3.0).eta_s == pytest.approx((0.21 + 0.6) / 0.51)


def test_tqdm_has_no_eta_before_the_first_step():
    """There is no rate yet."""
    shown = tqdm_ema(ONE_PASS, 4, 102.9)
    assert (shown.progress, shown.eta_s) == (0.0, None)


def test_tqdm_agrees_with_tqdm():
    """The same average as the library's own, step by step."""
    tqdm_std = pytest.importorskip("tqdm.std")
    average = tqdm_std.EMA(0.3)
    durations_s = (1.0, 0.5, 0.25, 2.0)
    ends_s = tuple(sum(durations_s[: count + 1]) for count in range(4))
    job = MeasuredJob(0.0, 10.0, (PassTruth((0.0,) * 4, ends_s),))
    for count, duration_s in enumerate(durations_s, start=1):
        expected_s = average(duration_s)
        assert tqdm_ema(job, 5, ends_s[count - 1]).eta_s == pytest.approx((5 - count) * expected_s)


@pytest.mark.parametrize("name", FORMULAS)
def test_a_replay_has_every_figure_of_the_bar(name: str):
    """Ten samples a second from the request to the result, judged as everybody's."""
    seen = replay(ONE_PASS, 1, FORMULAS[name])
    assert len(seen.samples) == 101
    assert None not in (*bar_error(seen), *eta_error(seen))


def test_only_the_planned_passes_count_as_planned():
    """The first of two passes planned: the bar is full with its last step."""
    seen = replay(DETAILED, 1, a1111)
    assert [sample.progress for sample in seen.samples if sample.answered_s == 2.0] == [1.0]
