"""The bars that are kept of a job: samples of ours, often enough and never too many, and SD.Next's own."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.virtual_clock import VirtualClock
from zluda_sync.core.phase import Phase
from zluda_sync.core.progress.job import Job
from zluda_sync.core.records.bars import (
    MOST_SAMPLES,
    SHORTEST_PERIOD_S,
    BarSamples,
    stock_bar,
    stock_fraction,
)
from zluda_sync.core.steps.policy import SyncMode


def shown_to_ten_viewers(total_s: float) -> BarSamples:
    bar = BarSamples()
    for tick in range(int(total_s * 100)):
        bar.record_shown(tick / 100, tick / 100 / total_s)
    return bar


def test_four_samples_a_second_at_most():
    """However many viewers are shown the bar."""
    times_s = [at_s for at_s, _ in shown_to_ten_viewers(5.0).samples]
    assert [0.0, 0.25, 0.5] == times_s[:3]
    assert 20 == len(times_s)


@given(st.integers(min_value=1, max_value=2000))
def test_a_long_job_has_fewer_samples_not_more_memory(total_s):
    """Its samples cover it from end to end, evenly."""
    bar = BarSamples()
    for tick in range(total_s * 4):
        bar.record_shown(tick / 4, 0.0)
    times_s = [at_s for at_s, _ in bar.samples]
    assert len(times_s) <= MOST_SAMPLES
    gaps_s = [after - before for before, after in pairwise(times_s)]
    assert max(gaps_s, default=0.0) <= max(SHORTEST_PERIOD_S, total_s / (MOST_SAMPLES / 2))
    assert times_s[-1] >= total_s - 1 - total_s / (MOST_SAMPLES / 2)


def test_nobody_looked():
    """Then there is no bar to remember."""
    assert () == BarSamples().samples


@pytest.mark.parametrize(
    ("steps", "total", "shown"), [(0, 20, 0.0), (1, 30, 0.03), (20, 20, 1.0), (21, 20, 1.0), (3, 0, 1.0)]
)
def test_a_fraction_has_two_digits_and_is_never_above_one(steps, total, shown):
    """As SD.Next rounds it."""
    assert shown == stock_fraction(steps, total)


def test_the_bar_counts_launches_and_begins_anew_with_each_phase():
    """Two images of two steps, queued at once: full while the device has done nothing, and back twice."""
    clock = VirtualClock()
    clock.now_s = 100.0
    job = Job(SyncMode.OBSERVE, clock=clock)
    clock.pass_time(1.0)
    job.begin_part(Phase.ENCODE)
    for image in range(2):
        clock.pass_time(1.0)
        part, ledger = job.begin_pass(image=image)
        job.expect_total(part, 2)
        for _ in range(2):
            clock.pass_time(0.5)
            ledger.record_launch()
        clock.pass_time(1.0)
        job.begin_part(Phase.DECODE, image=image)
    shown = stock_bar(job.parts, job.began_at_s)
    assert ((0.0, 0.0), (2.5, 0.5), (3.0, 1.0), (4.0, 0.0), (5.5, 0.5), (6.0, 1.0), (7.0, 0.0)) == shown


def test_a_job_of_which_nothing_has_begun_shows_nothing():
    """What is planned is no news to SD.Next."""
    assert ((0.0, 0.0),) == stock_bar((), 5.0)
