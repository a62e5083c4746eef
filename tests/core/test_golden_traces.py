"""Jobs that really ran, replayed under a virtual clock: the bar and the ETA of every kind of job.

The traces are recordings of the embedded host: `python scripts/measure.py --traces tests/golden` makes them.
"""

from __future__ import annotations

import functools
from pathlib import Path

import pytest

from bench.campaigns.modes_plan import FULL_PLAN
from bench.truth.figures import SAMPLE_PERIOD_S, bar_error, eta_error, falls
from bench.truth.measured_job import MeasuredJob, Sample
from bench.truth.trace import Trace, TraceReplay
from zluda_sync.core.learning.durations import Durations, ShapeMemory
from zluda_sync.core.phase import Phase

GOLDEN = Path(__file__).parents[1] / "golden"
TRACES = sorted(GOLDEN.glob("*.json"))

# Mean errors as shares of the job.
FIRST_BAR, FIRST_ETA = 0.05, 0.08
LEARNED_BAR, LEARNED_ETA = 0.02, 0.03


def replay(trace: Trace, memory: ShapeMemory | None = None) -> tuple[MeasuredJob, TraceReplay]:
    """Return what a client sees of a job, ten times a second until just before the delivery."""
    told = TraceReplay(trace, memory)
    samples = []
    ticks = int(trace.total_s / SAMPLE_PERIOD_S - 1e-6)
    for tick in range(ticks + 1):
        time_s = tick * SAMPLE_PERIOD_S
        told.advance(time_s)
        snapshot = told.job.snapshot()
        samples.append(Sample(time_s, time_s, snapshot.fraction, snapshot.eta_s))
    return MeasuredJob(0.0, trace.total_s, samples=samples), told


@functools.cache
def first_run(file: Path) -> tuple[MeasuredJob, TraceReplay]:
    """Return the job as one sees it who knows of no other."""
    return replay(Trace.read(file))


@functools.cache
def learned_run(file: Path) -> MeasuredJob:
    """Return the same job as one sees it who has learned from it."""
    trace = Trace.read(file)
    _, told = replay(trace)
    told.advance(trace.total_s)
    durations = Durations()
    durations.learn(trace.shape, told.job.parts)
    return replay(trace, durations.memory_for(trace.shape))[0]


def unforeseen_share(trace: Trace) -> float:
    """Return the share of the job that lies behind the first thing that its request does not tell."""
    for at_ms, what, arguments in trace.events:
        if what == "begin_part" and arguments[0] == Phase.DETAIL.value and not trace.shape.has_detailer:
            return 1 - at_ms / 1000 / trace.total_s
    return 0.0


def each_trace(test):
    """Run a test for every trace."""
    return pytest.mark.parametrize("file", TRACES, ids=lambda file: file.stem)(test)


def test_there_is_a_trace_for_every_kind_of_job():
    """As many as the table has cases."""
    assert {Trace.read(file).name for file in TRACES} == {case.name for case in FULL_PLAN.cases}


@each_trace
def test_a_trace_ends_with_the_delivery(file: Path):
    """Its events come in order, and nothing follows the pictures."""
    trace = Trace.read(file)
    times_ms = [at_ms for at_ms, _, _ in trace.events]
    assert times_ms == sorted(times_ms)
    assert [what for _, what, _ in trace.events].index("deliver") == len(trace.events) - 1


@each_trace
def test_the_bar_never_falls(file: Path):
    """Neither the first time nor once learned."""
    assert (falls(first_run(file)[0]), falls(learned_run(file))) == (0, 0)


@each_trace
def test_the_bar_is_full_with_the_delivery_and_not_before(file: Path):
    """The last sample before it is below 1, and the delivery fills it."""
    measured, told = first_run(file)
    assert max(sample.progress for sample in measured.samples) < 1.0
    told.advance(measured.total_s)
    assert told.job.snapshot().fraction == 1.0


@each_trace
def test_the_first_run_keeps_its_bounds(file: Path):
    """Nothing is known but what the request tells and this job shows; the rest costs what it must.

    Where a share u of the job cannot be foreseen, a bar that is right about all else runs from 0 to 1 in the
    first 1 - u of the time and waits: a mean error of u / 2. An ETA is too short by u all that time.
    """
    measured, _ = first_run(file)
    unforeseen = unforeseen_share(Trace.read(file))
    assert bar_error(measured)[0] <= FIRST_BAR + unforeseen / 2
    error, coverage = eta_error(measured)
    assert error <= FIRST_ETA + unforeseen * (1 - unforeseen)
    assert coverage >= 0.95


@each_trace
def test_what_was_learned_is_right(file: Path):
    """The same job again is no surprise, a pass that nobody had planned included."""
    measured = learned_run(file)
    assert bar_error(measured)[0] <= LEARNED_BAR
    error, coverage = eta_error(measured)
    assert error <= LEARNED_ETA
    assert coverage >= 0.95


def test_a_trace_is_read_as_it_was_written(tmp_path: Path):
    """Writing what was read gives the same file."""
    for file in TRACES:
        copy = tmp_path / file.name
        Trace.read(file).write(copy)
        assert copy.read_text(encoding="utf-8") == file.read_text(encoding="utf-8")


def test_a_trace_of_another_format_is_refused(tmp_path: Path):
    """A file of an older recorder is not misread."""
    file = tmp_path / "old.json"
    file.write_text('{"format": 0}', encoding="utf-8")
    with pytest.raises(ValueError, match="format 0"):
        Trace.read(file)
