"""What open tabs cost: the figures."""

from __future__ import annotations

from bench.campaigns.tabs import WatchedJob, build_markdown, build_row, compare


def test_the_lag_is_from_a_completion_to_the_event_that_tells_it():
    """One event may tell of several steps; one that comes late leaves some out."""
    told = [[(10.5, "1", 0), (11.75, "1", 1), (13.0, "1", 3)]]
    assert ((0.75, 1.5, 0.25), 1) == compare([11.0, 11.5, 12.75], told)


def test_a_step_that_no_event_told_has_no_lag():
    """The job ended before."""
    assert ((), 0) == compare([5.0], [[]])


def test_each_job_is_held_against_the_one_of_its_round():
    """The ratio is the middle one of the pairs."""
    alone = [WatchedJob(2.0, 0.0, (), 0), WatchedJob(4.0, 0.0, (), 0), WatchedJob(1.0, 0.0, (), 0)]
    jobs = [
        WatchedJob(2.2, 0.22, (0.1,), 1),
        WatchedJob(4.0, 0.4, (0.3,), 0),
        WatchedJob(1.5, 0.15, (0.2,), 0),
    ]
    row = build_row(10, jobs, alone)
    assert (1.1, 0.1, 0.2, 0.3, 1) == (
        row["ratio"],
        round(row["share"], 6),
        row["lag_s"],
        row["lag_max_s"],
        row["behind"],
    )
    assert "| 10 | 1.100 | 1.500 | 10.0% | 0.20 s | 0.30 s | 1 |" in build_markdown([row])
