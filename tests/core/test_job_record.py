"""What is kept of a job, and for how many jobs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.truth.trace import Trace, TraceReplay
from tests.core.test_golden_traces import TRACES
from tests.virtual_clock import VirtualClock
from zluda_sync.core.phase import BASE, HIRES, Phase
from zluda_sync.core.progress.job import Job
from zluda_sync.core.records.job_record import (
    MOST_JOBS,
    MOST_STEPS,
    JobHistory,
    JobRecord,
    Outcome,
    build_title,
)
from zluda_sync.core.records.part_record import PartRecord, build_parts
from zluda_sync.core.settings.conditions import JobTraits
from zluda_sync.core.steps.policy import SyncMode


def record_of(job: Job, **changes) -> JobRecord:
    """Return the record of a job that was followed without a host."""
    values = {
        "id": "1",
        "began_at_s": 1e9,
        "duration_s": job.elapsed_s,
        "outcome": Outcome.FINISHED,
        "traits": JobTraits(),
        "title": "1 image",
        "mode": job.mode,
        "rung": "planted-event",
        "profile": "balanced",
        "profile_reason": "chosen in Settings",
        "parts": build_parts(job),
    }
    return JobRecord(**{**values, **changes})


def job_of_one_pass(step_ends_s, began_s=10.0, ends_s=1.0) -> Job:
    """Return a job with one pass whose steps end at these times since the pass began."""
    clock = VirtualClock()
    job = Job(SyncMode.EVERY_STEP, clock=clock)
    clock.now_s = began_s
    part, ledger = job.begin_pass()
    job.expect_total(part, len(step_ends_s))
    for step, end_s in enumerate(step_ends_s):
        ledger.record_launch()
        clock.now_s = began_s + end_s
        ledger.record_wait(step, clock.now_s - 0.5)
        ledger.record_completion(step)
    clock.pass_time(ends_s)
    job.end_parts()
    return job


def test_times_are_since_the_jobs_begin():
    """Whatever the clock said then."""
    (part,) = record_of(job_of_one_pass([2.0, 3.0, 4.0])).parts
    assert (10.0, 15.0, 3) == (part.began_s, part.ended_s, part.total)
    assert (10.0, 12.0, 13.0) == part.launched_at_s
    assert (12.0, 13.0, 14.0) == part.completed_at_s


def test_a_steps_time_is_since_the_completion_before_it():
    """The first one's since the device could begin."""
    (part,) = record_of(job_of_one_pass([2.0, 3.0, 4.5])).parts
    assert (2.0, 1.0, 1.5) == part.step_s


def test_an_outlier_took_more_than_twice_the_median():
    """Not the first step, which carries the preparation of the loop."""
    (part,) = record_of(job_of_one_pass([9.0, 10.0, 11.0, 13.5, 14.5, 16.5])).parts
    assert (3,) == part.outliers


def test_the_waits_of_the_host_add_up():
    """For how long, and after which step."""
    record = record_of(job_of_one_pass([2.0, 3.0]))
    assert [(0, 11.5, 0.5), (1, 12.5, 0.5)] == [tuple(wait) for wait in record.parts[0].waits]
    assert 1.0 == record.wait_s


def test_compiling_is_what_went_beyond_the_usual_step():
    """Only where kernels were compiled; of a part without steps, all of it."""
    (part,) = record_of(job_of_one_pass([5.0, 6.0, 7.0, 12.0, 13.0])).parts
    assert 0.0 == part.compile_s
    assert 8.0 == replace(part, has_compiled=True).compile_s
    decode = PartRecord(Phase.DECODE, BASE, 0, 1.0, 4.0, has_compiled=True)
    assert 3.0 == decode.compile_s


def test_a_part_that_the_device_has_not_finished_has_no_end():
    """The host has left it, the device has not."""
    clock = VirtualClock()
    job = Job(SyncMode.OBSERVE, clock=clock)
    _part, ledger = job.begin_pass()
    ledger.record_launch()
    job.begin_part(Phase.DECODE)
    denoise, decode = record_of(job).parts
    assert (None, None) == (denoise.ended_s, decode.ended_s)


@pytest.mark.parametrize("file", TRACES, ids=lambda file: file.stem)
def test_the_record_of_a_real_job_agrees_with_its_snapshots(file):
    """Steps, launches and totals, at every moment of the job."""
    trace = Trace.read(file)
    told = TraceReplay(trace)
    for tick in range(int(trace.total_s * 5)):
        told.advance(tick / 5)
        snapshot = told.job.snapshot()
        passes = [part for part in build_parts(told.job) if part.has_steps]
        if snapshot.pass_index is not None:
            part = passes[snapshot.pass_index]
            assert snapshot.completed == len(part.completed_at_s) == len(part.step_s)
            assert snapshot.launched == len(part.launched_at_s)
            assert snapshot.total == part.total
    told.advance(trace.total_s)
    record = record_of(told.job)
    of_passes = sum(part.ledger.completed for part in told.job.passes)
    assert of_passes == record.steps > 0
    assert all(part.ended_s is not None for part in record.parts)


def test_a_title_says_what_is_made():
    """In the user's words."""
    job = Job(SyncMode.OBSERVE)
    job.begin_pass(BASE)
    job.begin_pass(HIRES)
    traits = JobTraits(images=3, batch_size=2, width=512, height=768)
    assert "6 images, 512 x 768, hires" == build_title(traits, job.parts)
    assert "1 image" == build_title(JobTraits(), ())


def small(job_id: str, steps: int = 1) -> JobRecord:
    part = PartRecord(Phase.DENOISE, BASE, 0, 0.0, completed_at_s=(0.0,) * steps)
    return replace(record_of(job_of_one_pass([1.0])), id=job_id, parts=(part,))


def test_the_last_jobs_are_remembered_newest_first():
    """So many, and no more."""
    history = JobHistory()
    for number in range(MOST_JOBS + 5):
        history.keep(small(str(number + 1)))
    assert ["55", "54"] == [record.id for record in history.recent(2)]
    assert MOST_JOBS == len(history.recent(1000))
    assert history.find("5") is None
    assert "6" == history.find("6").id


def test_huge_jobs_push_others_out():
    """Memory is bounded; the newest job stays whatever its size."""
    history = JobHistory()
    for job_id, steps in (("1", 10), ("2", MOST_STEPS), ("3", MOST_STEPS + 7)):
        history.keep(small(job_id, steps))
    assert ["3"] == [record.id for record in history.recent(10)]


def test_a_job_that_runs_is_no_history():
    """It would be remembered by halves."""
    with pytest.raises(ValueError, match="still runs"):
        JobHistory().keep(replace(small("1"), outcome=Outcome.RUNNING))
