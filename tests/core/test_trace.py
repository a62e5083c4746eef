"""Chrome traces: well formed, and with the numbers of the record and of the snapshots."""

from __future__ import annotations

import json
from dataclasses import replace

import jsonschema
import pytest

from bench.truth.trace import Trace, TraceReplay
from tests.core.test_golden_traces import TRACES
from tests.core.test_job_record import job_of_one_pass, record_of
from tests.trace_events import check_trace, slices_of
from tests.virtual_clock import VirtualClock
from zluda_sync.core.phase import HIRES, Phase
from zluda_sync.core.progress.job import Job
from zluda_sync.core.records.job_record import StopRecord
from zluda_sync.core.records.part_record import TimedStep
from zluda_sync.core.records.trace import DEVICE, HOST, PHASES, PREVIEWS, build_chrome_trace
from zluda_sync.core.steps.policy import SyncMode


def counters(trace):
    return [event["args"]["steps"] for event in trace["traceEvents"] if event["ph"] == "C"]


def told(trace, track):
    return [(event["name"], event["ts"], event["dur"]) for event in slices_of(trace, track)]


@pytest.mark.parametrize("file", TRACES, ids=lambda file: file.stem)
@pytest.mark.parametrize("share", [0.3, 1.0], ids=["under way", "over"])
def test_the_trace_of_a_real_job_has_the_numbers_of_its_snapshots(file, share):
    """Of every kind of job: steps, launches, the time of each step and the largest run-ahead."""
    recorded = Trace.read(file)
    replay = TraceReplay(recorded)
    run_ahead, total_s = [0], recorded.total_s * share
    for at_ms, _, _ in recorded.events:
        if at_ms / 1000 <= total_s:
            replay.advance(at_ms / 1000)
            ledgers = [part.ledger for part in replay.job.passes]
            run_ahead.append(sum(ledger.launched - ledger.completed for ledger in ledgers))
    replay.advance(total_s)
    snapshot, trace = replay.job.snapshot(), build_chrome_trace(record_of(replay.job))
    check_trace(json.loads(json.dumps(trace)))
    launched = [event for event in slices_of(trace, HOST) if event["name"].startswith("launch")]
    steps = [event for event in slices_of(trace, DEVICE) if "step" in event["args"]]
    assert sum(ledger.launched for ledger in ledgers) == len(launched)
    assert sum(ledger.completed for ledger in ledgers) == len(steps)
    assert max(run_ahead) == max(counters(trace), default=0)
    assert snapshot.completed <= len(steps)
    assert ledgers[-1].launched - ledgers[-1].completed == (counters(trace) or [0])[-1]
    ends_us = sorted(round(at_s * 1e6) for ledger in ledgers for at_s in ledger.snapshot().completed_at_s)
    assert ends_us == [event["ts"] + event["dur"] for event in steps]


def test_waits_lie_between_launches():
    """The host track says what the host did: queue a step, wait, queue the next."""
    trace = build_chrome_trace(record_of(job_of_one_pass([2.0, 3.0], began_s=0.0)))
    expected = [
        ("launch 0", 0, 0),
        ("wait", 1500000, 500000),
        ("launch 1", 2000000, 0),
        ("wait", 2500000, 500000),
    ]
    assert expected == told(trace, HOST)


def test_previews_have_a_track_of_their_own():
    """With the step that they show."""
    record = record_of(job_of_one_pass([1.0]), previews=(TimedStep(0, 0.5, 0.25),))
    assert [("preview 0", 500000, 250000)] == told(build_chrome_trace(record), PREVIEWS)


def test_a_pass_that_the_host_comes_back_to_makes_no_overlap():
    """Some pipelines name another phase in the middle of a loop."""
    clock = VirtualClock()
    job = Job(SyncMode.OBSERVE, clock=clock)
    _first, first = job.begin_pass()
    _second, second = job.begin_pass(HIRES)
    for ledger in (first, first, second, first):
        clock.pass_time(1.0)
        ledger.record_launch()
        ledger.record_completion(ledger.launched - 1)
    trace = build_chrome_trace(record_of(job))
    check_trace(trace)
    assert [1000000] * 4 == [lasts for _name, _begins, lasts in told(trace, DEVICE)]


def test_a_stop_is_a_moment():
    """The press, and the answer that told of it."""
    stop = StopRecord(SyncMode.OBSERVE, Phase.DENOISE, "base", 0.1, 0.5, 1, 2)
    record = replace(record_of(job_of_one_pass([1.0, 2.0])), duration_s=3.0, stop=stop)
    moments = [
        (event["name"], event["ts"])
        for event in build_chrome_trace(record)["traceEvents"]
        if event["ph"] == "i"
    ]
    assert [("Stop pressed", 2500000), ("Stop acknowledged", 2600000)] == moments


def test_a_phase_that_runs_is_told_up_to_now():
    """The trace of a job that runs ends where the job stands."""
    job = job_of_one_pass([1.0, 2.0])
    job.begin_part(Phase.DECODE)
    record = record_of(job, duration_s=20.0)
    _name, begins, lasts = told(build_chrome_trace(record), PHASES)[-1]
    assert 20000000 == begins + lasts


@pytest.mark.parametrize(
    "spoiled",
    [
        {"traceEvents": [{"ph": "X", "name": "a", "pid": 1, "tid": 1, "ts": 0, "args": {}}]},
        {"traceEvents": [{"ph": "C", "name": "a", "pid": 1, "tid": 1, "ts": 0, "args": {"steps": "1"}}]},
        {"traceEvents": [{"ph": "X", "name": "a", "pid": 1, "tid": 1, "ts": -1, "dur": 1, "args": {}}]},
        {},
    ],
    ids=["no duration", "a counter with a word", "before the begin", "no events"],
)
def test_the_schema_refuses_what_viewers_refuse(spoiled):
    """Else it would prove nothing."""
    with pytest.raises(jsonschema.ValidationError):
        check_trace(spoiled)
