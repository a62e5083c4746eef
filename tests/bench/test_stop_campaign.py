"""Stops that are measured: what is called a failure."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.campaigns.stopped_job import DONE, Client, StopOutcome
from bench.campaigns.stops import build_rows, find_failures

GOOD = StopOutcome("base", "run-ahead", 0.2, 2, is_acknowledged=True, is_lost=False, is_leaked=False)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"is_lost": True}, "lost"),
        ({"is_leaked": True}, "leaked"),
        ({"is_acknowledged": False}, "not acknowledged"),
        ({"launched": 3}, "3 steps"),
    ],
)
def test_each_fault_is_named(changes, named):
    """With its mode and phase."""
    assert [] == find_failures([GOOD])
    (line,) = find_failures([GOOD, replace(GOOD, **changes)])
    assert named in line
    assert line.startswith("run-ahead, base: ")


def test_a_row_sums_up_its_phase_and_mode():
    """Counts are added, steps and latencies taken at their worst."""
    (row,) = build_rows([GOOD, replace(GOOD, latency_s=0.6, launched=1, is_lost=True)])
    assert (2, 1, 2) == (row["jobs"], row["lost"], row["launched"])
    assert (0.4, 0.6) == (pytest.approx(row["median_s"]), row["max_s"])


@pytest.mark.parametrize(
    ("labels", "is_acknowledged"),
    [
        (["Stopping: 1 queued step", DONE], True),
        ([DONE], True),
        (["Denoise 3/6", "Stopping: Saving"], False),
    ],
)
def test_the_very_next_answer_counts(labels, is_acknowledged):
    """A job that is over needs no word."""
    client = Client(lambda: DONE, lambda: None, lambda label: False, 0.0)
    client.labels_after = labels
    assert is_acknowledged is client.is_acknowledged
