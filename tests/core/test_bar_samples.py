"""Samples of the bar: often enough, and never too many."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from zluda_sync.core.records.bars import MOST_SAMPLES, SHORTEST_PERIOD_S, BarSamples


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
