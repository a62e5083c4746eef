"""Recording what a job is told, and telling it again."""

from __future__ import annotations

import pytest

from bench.truth.trace import TraceRecorder, TraceReplay
from tests.virtual_clock import VirtualClock
from zluda_sync.core.phase import BASE, Phase
from zluda_sync.core.progress.job import Job
from zluda_sync.core.progress.shape import JobShape, PassShape
from zluda_sync.core.steps.ledger import Ledger
from zluda_sync.core.steps.policy import SyncMode

SHAPE = JobShape(passes=(PassShape(BASE, 2, 64, 64),))


def run_short_job(clock: VirtualClock) -> Job:
    """Return a delivered job: a second of encoding, two steps of half a second, a second of decoding."""
    job = Job(SyncMode.RUN_AHEAD, SHAPE, clock=clock)
    job.begin_part(Phase.ENCODE)
    clock.pass_time(1.0)
    part, ledger = job.begin_pass(image=0)
    job.expect_total(part, 2)
    for step in range(2):
        ledger.record_launch()
        clock.pass_time(0.5)
        ledger.record_completion(step)
    job.begin_part(Phase.DECODE, image=0)
    clock.pass_time(1.0)
    job.deliver()
    return job


def test_a_recording_is_what_the_job_was_told():
    """Each event once and with its time, however its arguments were given."""
    recorder = TraceRecorder()
    with recorder.recording():
        run_short_job(VirtualClock())
    assert recorder.build("short").events == (
        (0.0, "begin_part", ("encode", "base", 0)),
        (1000.0, "begin_pass", ("base", 0, False)),
        (1000.0, "expect_total", (0, 2)),
        (1000.0, "launch", (0,)),
        (1500.0, "complete", (0, 0)),
        (1500.0, "launch", (0,)),
        (2000.0, "complete", (0, 1)),
        (2000.0, "begin_part", ("decode", "base", 0)),
        (3000.0, "deliver", ()),
    )


def test_blocks_are_recorded_with_the_part_they_belong_to():
    """A decode of two blocks: they begin with the first one that is queued."""
    clock = VirtualClock()
    recorder = TraceRecorder()
    with recorder.recording():
        job = Job(SyncMode.RUN_AHEAD, SHAPE, clock=clock)
        decode = job.begin_part(Phase.DECODE)
        decode.blocks = Ledger(2, clock)
        decode.blocks.record_launch()
        clock.pass_time(1.0)
        decode.blocks.record_completion(0)
        job.deliver()
    trace = recorder.build("decode")
    assert [(what, arguments) for _, what, arguments in trace.events[1:4]] == [
        ("begin_blocks", (2,)),
        ("launch", (0,)),
        ("complete", (0, 0)),
    ]
    replay = TraceReplay(trace)
    replay.advance(1.0)
    blocks = next(part.blocks for part in replay.job.parts if part.phase is Phase.DECODE)
    assert (blocks.completed, blocks.launched, blocks.total) == (1, 1, 2)


def test_a_replayed_job_is_the_recorded_one():
    """The same parts with the same durations, and the delivery fills the bar."""
    recorder = TraceRecorder()
    with recorder.recording():
        job = run_short_job(VirtualClock())
    replay = TraceReplay(recorder.build("short"))
    replay.advance(2.9)
    assert replay.job.snapshot().fraction < 1.0
    replay.advance(3.0)
    assert replay.job.snapshot().fraction == 1.0
    assert [(part.kind, part.unit_durations_s()) for part in replay.job.parts] == [
        (part.kind, part.unit_durations_s()) for part in job.parts
    ]


def test_recording_leaves_nothing_behind():
    """Every method is the class's own again."""
    before = {name: vars(Job)[name] for name in ("begin_part", "begin_pass", "deliver")}
    launch = Ledger.record_launch
    with TraceRecorder().recording():
        assert vars(Job)["deliver"] is not before["deliver"]
    assert {name: vars(Job)[name] for name in before} == before
    assert Ledger.record_launch is launch


def test_a_job_that_was_not_delivered_makes_no_trace():
    """Half a trace would be replayed as a whole job."""
    recorder = TraceRecorder()
    with recorder.recording():
        Job(SyncMode.OBSERVE, SHAPE).begin_part(Phase.ENCODE)
    with pytest.raises(ValueError, match="short: no job was followed to its end"):
        recorder.build("short")
