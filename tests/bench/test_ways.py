"""The judge of ways to make a picture: what it says of runs that are as they should be, and of others."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.real_host.film_ways import build_film_ways
from bench.real_host.way_requests import Way, build_ways
from bench.real_host.way_run import StoppedRun, WayRun, count_early, find_run_misses, find_stop_misses
from bench.real_host.whole_requests import Request, Watched
from bench.truth.measured_job import MeasuredJob, PassTruth, Preview, Sample

STEPS = 10
WAY = Way(Request("way", label="Denoise"), ("VAE decode",))
GOOD_STOP = StoppedRun(0.2, 1, True, ())


def run(label="VAE decode", previews=3, error=0.0) -> WayRun:
    """Return a run of ten seconds, a step each, with an exact bar but for the error."""
    samples = [
        Sample(at_s, at_s, min(at_s / 10 + error, 0.99), 10 - at_s, job="Denoise" if at_s < 9 else label)
        for at_s in map(float, range(1, STEPS))
    ]
    times = tuple(map(float, range(STEPS)))
    truth = PassTruth(times, tuple(at_s + 1 for at_s in times))
    shown = [Preview(number + 2.0, number) for number in range(previews)]
    return WayRun(Watched(MeasuredJob(0.0, 10.0, [truth], samples, shown), 1), 0, STEPS)


def test_a_way_that_is_as_it_should_be_has_no_misses():
    """First and learned."""
    assert [] == find_run_misses(WAY, run(), is_first=True) + find_run_misses(WAY, run(), is_first=False)


@pytest.mark.parametrize(
    ("seen", "miss"),
    [
        (run(label="Saving"), "no label 'VAE decode'"),
        (run(previews=2), "2 previews"),
        (replace(run(), early=1), "1 previews of unfinished steps"),
        (run(error=0.04), "bar 0.0"),
        (replace(run(), watched=replace(run().watched, pictures=0)), "no picture"),
        (replace(run(), watched=replace(run().watched, failure="HTTP 500")), "answered HTTP 500"),
    ],
)
def test_what_is_amiss_is_said(seen, miss):
    """Each figure in the words of the table."""
    (found,) = find_run_misses(WAY, seen, is_first=False)
    assert found.startswith(miss)


def test_short_jobs_need_no_previews():
    """There may be too few steps for three."""
    assert [] == find_run_misses(WAY, replace(run(previews=0), steps=4), is_first=False)


def test_a_preview_is_early_that_shows_a_step_under_way():
    """Step 3 is finished at 4 s."""
    job = run().watched.job
    assert 0 == count_early(job, [Preview(4.0, 3), Preview(9.0, None)])
    assert 1 == count_early(job, [Preview(3.9, 3)])


@pytest.mark.parametrize(
    ("stopped", "misses"),
    [
        (GOOD_STOP, []),
        (replace(GOOD_STOP, steps=3), ["3 steps after Stop"]),
        (replace(GOOD_STOP, shown=False), ["Stop is not shown"]),
        (replace(GOOD_STOP, left=("still interrupted",)), ["still interrupted"]),
    ],
)
def test_a_stop_is_judged_by_its_steps_and_by_what_it_leaves(stopped, misses):
    """In run-ahead of depth 1 two steps may follow."""
    assert misses == find_stop_misses(WAY, stopped, 2)


def test_every_way_has_a_name_of_its_own():
    """The table and the option tell them apart by it; what is left out says why."""
    ways = [*build_ways(), *build_film_ways()]
    assert len(ways) == len({way.name for way in ways})
    assert {"prompt enhance"} == {way.name for way in ways if way.why_not}
    assert {"film", "film with frames between", "film of LTX"} == {way.name for way in ways if way.is_film}


def test_silence_is_while_neither_bar_nor_label_moves():
    """A bar that moves by less than a thousandth stands still; a label that counts does not."""
    told = [(1.0, 0.5, "a"), (2.0, 0.5004, "a"), (3.0, 0.5008, "a"), (3.5, 0.502, "a"), (4.5, 0.502, "b")]
    samples = [Sample(at_s, at_s, bar, job=label) for at_s, bar, label in told]
    watched = replace(run().watched, job=replace(run().watched.job, samples=samples))
    assert 2.0 == replace(run(), watched=watched).silence_s
