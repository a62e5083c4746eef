"""The measured figures, on samples made by hand: one job of ten seconds unless a test says otherwise."""

from __future__ import annotations

import pytest

from bench.truth.figures import (
    FIGURE_NAMES,
    bar_error,
    build_figures,
    early_full_s,
    eta_error,
    falls,
    first_eta,
    overhead,
    preview_lag,
    run_ahead_max,
    seen_samples,
    step_error,
)
from bench.truth.measured_job import MeasuredJob, PassTruth, Preview, Sample


def at(time_s: float, progress: float | None = None, **fields) -> Sample:
    """An answer that took no time."""
    return Sample(asked_s=time_s, answered_s=time_s, progress=progress, **fields)


def job(
    *samples: Sample,
    passes: tuple[PassTruth, ...] = (),
    previews: tuple[Preview, ...] = (),
    started_s: float = 0.0,
) -> MeasuredJob:
    """A job of ten seconds."""
    return MeasuredJob(started_s, started_s + 10.0, passes, samples, previews)


FOUR_STEPS = PassTruth(launched_s=(1.0, 1.1, 1.2, 1.3), completed_s=(2.0, 3.0, 4.0, 5.0))


def test_a_job_without_samples_has_unknown_figures_and_its_time():
    """Nothing seen is unknown, not perfect."""
    assert build_figures(job()) == {**dict.fromkeys(FIGURE_NAMES), "total_s": 10.0}


def test_every_figure_comes_by_name_in_order():
    """The report's keys are the documented ones."""
    assert tuple(build_figures(job(at(5.0, 0.5), passes=(FOUR_STEPS,)))) == FIGURE_NAMES


def test_a_bar_that_is_the_true_share_has_no_error():
    """The clock's zero does not matter."""
    measured = job(*(at(100.0 + second, second / 10) for second in range(10)), started_s=100.0)
    assert bar_error(measured) == pytest.approx((0.0, 0.0))


def test_bar_error_is_the_mean_and_the_maximum_distance():
    """Errors of 0.1, 0.3 and 0.2 in either direction."""
    assert bar_error(job(at(1.0, 0.2), at(5.0, 0.2), at(7.0, 0.9))) == pytest.approx((0.2, 0.3))


def test_a_missing_bar_stands_at_zero():
    """No progress in an answer is what the page draws as an empty bar."""
    assert bar_error(job(at(4.0, None))) == pytest.approx((0.4, 0.4))


def test_samples_outside_the_job_do_not_count():
    """The poll before the request and the poll after the result see no job."""
    assert [sample.asked_s for sample in seen_samples(job(at(-0.1, 1.0), at(5.0, 0.5), at(10.1, 0.0)))] == [
        5.0
    ]


def test_a_blocked_call_leaves_the_answer_before_it_in_view():
    """A call of 0.35 s misses three ticks, in which the page still shows the old bar."""
    blocked = Sample(asked_s=5.0, answered_s=5.35, progress=0.9)
    seen = seen_samples(job(at(4.9, 0.4), blocked))
    assert [sample.answered_s for sample in seen] == pytest.approx([4.9, 5.0, 5.1, 5.2, 5.35])
    assert [sample.progress for sample in seen] == [0.4, 0.4, 0.4, 0.4, 0.9]


def test_a_first_call_that_blocks_leaves_an_empty_bar():
    """Before the first answer nothing is shown."""
    seen = seen_samples(job(Sample(asked_s=0.0, answered_s=0.25, progress=0.1)))
    assert [sample.progress for sample in seen] == [None, None, 0.1]


def test_falls_counts_each_time_the_bar_goes_back():
    """Standing still is no fall, and a fall of a hundredth is one."""
    measured = job(at(1.0, 0.5), at(2.0, 0.5), at(3.0, 0.49), at(4.0, 0.9), at(5.0, 0.0), at(6.0, 0.1))
    assert falls(measured) == 2


def test_a_bar_that_disappears_falls():
    """From half to nothing is a fall."""
    assert falls(job(at(1.0, 0.5), at(2.0, None))) == 1


@pytest.mark.parametrize(("bar", "expected_s"), [(0.995, 3.0), (0.99, 0.0)])
def test_early_full_is_the_time_at_the_threshold_before_the_result(bar: float, expected_s: float):
    """A bar that fills at 7 s of 10 was full three seconds too early; 0.99 is not full."""
    assert early_full_s(job(at(5.0, 0.5), at(7.0, bar), at(9.0, bar))) == pytest.approx(expected_s)


def test_early_full_ends_when_the_bar_falls():
    """Only the time spent full counts."""
    assert early_full_s(job(at(5.0, 1.0), at(6.0, 0.0), at(9.0, 0.5))) == pytest.approx(1.0)


def test_an_eta_that_is_right_has_no_error():
    """The true remaining time at each sample."""
    assert eta_error(job(at(2.0, eta_s=8.0), at(6.0, eta_s=4.0))) == pytest.approx((0.0, 1.0))


def test_a_missing_eta_counts_as_zero_seconds():
    """Half the samples lack it: at 4 s the page promises the result now, 6 s too soon."""
    assert eta_error(job(at(4.0), at(6.0, eta_s=4.0))) == pytest.approx((0.3, 0.5))


def test_an_eta_of_zero_is_an_eta():
    """Coverage counts what was answered, right or wrong."""
    assert eta_error(job(at(5.0, eta_s=0.0))) == pytest.approx((0.5, 1.0))


@pytest.mark.parametrize(("time_s", "counts"), [(0.9, False), (1.0, True), (9.7, True), (9.8, False)])
def test_eta_is_judged_between_10_and_97_percent_of_the_job(time_s: float, counts: bool):
    """Both ends belong to the window."""
    assert (eta_error(job(at(time_s, eta_s=1.0))) != (None, None)) is counts


def test_a_report_of_what_is_complete_has_no_step_error():
    """Between two completions the count stands."""
    assert step_error(job(at(2.5, step=1), at(4.9, step=3), passes=(FOUR_STEPS,))) == (0, 0)


def test_a_count_of_launches_leads():
    """Four queued and one finished is an error of three, and one sample too far ahead."""
    assert step_error(job(at(2.5, step=4), passes=(FOUR_STEPS,))) == (3, 1)


def test_a_late_report_is_an_error_and_no_lead():
    """Two steps behind is wrong by two, never ahead."""
    assert step_error(job(at(4.5, step=1), passes=(FOUR_STEPS,))) == (2, 0)


@pytest.mark.parametrize("reported", [1, 2, 3])
def test_a_step_that_finishes_during_the_call_makes_either_count_right(reported: int):
    """The device finished steps 2 and 3 between the question and the answer."""
    sample = Sample(asked_s=2.9, answered_s=4.1, step=reported)
    assert step_error(job(sample, passes=(FOUR_STEPS,))) == (0, 0)


@pytest.mark.parametrize("time_s", [0.9, 5.1])
def test_steps_are_judged_only_while_the_device_denoises(time_s: float):
    """Before the first launch and after the last completion the host may show another phase."""
    assert step_error(job(at(time_s, step=4), passes=(FOUR_STEPS,))) == (None, None)


def test_a_restarted_count_is_held_against_its_own_pass():
    """In the second pass one reported step is one step of that pass."""
    second = PassTruth(launched_s=(6.0, 6.1), completed_s=(7.0, 8.0))
    assert step_error(job(at(7.5, step=1), passes=(FOUR_STEPS, second))) == (0, 0)


def test_overlapping_passes_are_judged_by_what_the_device_is_working_on():
    """A second pass queued early does not hide that the first is unfinished."""
    second = PassTruth(launched_s=(1.4, 1.5), completed_s=(6.0, 7.0))
    assert step_error(job(at(2.5, step=2), passes=(FOUR_STEPS, second))) == (1, 1)


def test_an_unknown_step_is_not_judged():
    """A client that is told no step is not told a wrong one."""
    assert step_error(job(at(2.5), passes=(FOUR_STEPS,))) == (None, None)


def test_run_ahead_is_launched_minus_completed_at_each_launch():
    """Four steps queued before the first was finished, then none."""
    assert run_ahead_max(job(passes=(FOUR_STEPS,))) == 4


def test_a_host_that_waits_for_each_step_is_one_step_ahead():
    """The step just queued is always unfinished."""
    assert run_ahead_max(job(passes=(PassTruth((1.0, 2.0, 3.0), (1.9, 2.9, 3.9)),))) == 1


def test_run_ahead_counts_over_passes():
    """Two passes queued at once add up."""
    assert run_ahead_max(job(passes=(PassTruth((1.0, 1.1), (3.0, 4.0)), PassTruth((1.2,), (5.0,))))) == 3


def test_run_ahead_without_launches_is_unknown():
    """No truth, no figure."""
    assert run_ahead_max(job(at(5.0, 0.5))) is None


def test_a_preview_is_judged_on_arrival():
    """The picture of step 1 arrived when two steps were complete, that of step 3 in time."""
    measured = job(at(3.5), passes=(FOUR_STEPS,), previews=(Preview(3.5, 1), Preview(4.6, 3)))
    assert preview_lag(measured) == (2, 1)


def test_a_preview_of_a_step_that_is_not_complete_is_off_by_as_much():
    """A picture that claims to be ahead of the device is torn."""
    assert preview_lag(job(at(2.5), passes=(FOUR_STEPS,), previews=(Preview(2.5, 4),))) == (1, 3)


def test_a_preview_of_unknown_step_counts_but_has_no_lag():
    """A picture is a picture."""
    assert preview_lag(job(at(3.5), passes=(FOUR_STEPS,), previews=(Preview(3.5),))) == (1, None)


def test_a_preview_after_the_result_does_not_count():
    """The picture itself was there first."""
    assert preview_lag(job(at(3.5), passes=(FOUR_STEPS,), previews=(Preview(10.5, 4),))) == (0, None)


def test_the_first_eta_is_judged_by_the_total_it_promises():
    """Seen after 2 s, it promises 9 s in all, a tenth too few; the ETA after it does not matter."""
    figures = first_eta(job(at(1.0), at(2.0, eta_s=7.0), at(3.0, eta_s=1.0)))
    assert figures == pytest.approx(
        {"first_eta_at_s": 2.0, "first_eta_s": 7.0, "first_eta_error": 0.1, "total_s": 10.0}
    )


def test_without_an_eta_only_the_total_is_known():
    """No ETA is no first ETA."""
    figures = first_eta(job(at(1.0)))
    assert (figures["first_eta_error"], figures["total_s"]) == (None, 10.0)


def test_overhead_is_the_median_of_the_pairs():
    """One slow pair does not decide."""
    assert overhead([(1.01, 1.0), (2.0, 1.0), (1.02, 1.0)]) == 1.02


def test_overhead_without_pairs_is_unknown():
    """Nothing measured, nothing said."""
    assert overhead([]) is None
