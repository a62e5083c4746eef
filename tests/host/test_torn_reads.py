"""What other threads read while a job begins, goes on and ends is of one moment: nothing by halves."""

from __future__ import annotations

from types import SimpleNamespace

from tests.interleaving import run_at_each_instruction, run_interrupted
from zluda_sync.core.progress.part import Part
from zluda_sync.core.steps.ledger import Ledger
from zluda_sync.host.job.requests import Requests


def test_parts_are_changed_under_the_lock_of_their_job_alone(bench, monkeypatch):
    """Over a whole job with its decode: readers that hold the lock see no part half changed."""
    unguarded = []
    write = Part.__setattr__

    def guarded(part, name, value):
        is_made = "is_cut" in vars(part)  # the last field that a new part gets
        job = bench.session._jobs.current
        if is_made and job is not None and not job.job._lock.locked():
            unguarded.append(name)
        write(part, name, value)

    monkeypatch.setattr(Part, "__setattr__", guarded)
    bench.begin("observe", processing=SimpleNamespace(steps=3, width=16, height=16, n_iter=1))
    tracked = bench.session._jobs.current
    monkeypatch.setattr(tracked.run._decode, "install", lambda *shapes: Ledger(3))
    for index in range(3):
        bench.step(index)
    bench.finish()
    bench.state.begin("VAE Decode")
    assert 3 == tracked.job.part_under_way.blocks.total
    bench.state.end()
    bench.session.end_job()
    assert [] == unguarded


def test_a_job_that_ends_is_reported_at_every_moment(bench):
    """Between any two instructions of its end; else a poll would fall back to the host's own bar."""
    bench.switch_on()
    bench.state.begin("Text", task_id="task(one)")
    bench.begin("observe")
    bench.step(0)
    jobs, seen = bench.session._jobs, []

    def poll():
        reported = []
        jobs.report(reported.append)
        seen.append(len(reported))

    run_interrupted(jobs.close, poll, module="zluda_sync.host.job.current")
    assert {1} == set(seen)


def test_a_job_that_ends_is_found_once_at_every_moment(bench):
    """By its id and in the list, while its record moves from what runs to what is over."""
    bench.begin("observe")
    bench.step(0)
    bench.finish()
    records, seen = bench.session.records, []
    tracked = bench.session._jobs.current

    def ask():
        seen.append((records.find("1") is not None, [record.id for record in records.recent(5)]))

    run_interrupted(lambda: records.keep(tracked), ask, module="zluda_sync.host.job.records")
    assert all(one == (True, ["1"]) for one in seen)
    assert seen


def test_a_record_ends_after_everything_in_it(bench):
    """A job that runs is asked for: its duration is read when its parts have been."""
    bench.begin("observe")
    bench.step(0)
    bench.finish()
    tracked, records = bench.session._jobs.current, bench.session.records

    def prepare():
        tracked.job.resume(tracked.job.passes[-1])
        return lambda: records.find("current"), tracked.job.leave_part

    for record in run_at_each_instruction(prepare, "zluda_sync.host.job.records"):
        assert all(part.ended_s is None or part.ended_s <= record.duration_s for part in record.parts)


def test_a_press_is_meant_for_the_request_whose_job_ends_that_moment():
    """Between two looks at what runs the job has ended; the request goes on."""
    controls = []

    def prepare():
        requests = Requests()
        requests.begin_phase(is_outermost=True, makes_pictures=True, task_id=None)
        control = requests.own
        controls.append(control)
        requests.job_began(control)
        return lambda: requests.meant, lambda: requests.job_ended(control)

    assert all(
        meant is not None for meant in run_at_each_instruction(prepare, "zluda_sync.host.job.requests")
    )


def showing(snapshot):
    """Return a job whose progress is this."""
    return SimpleNamespace(snapshot=lambda: snapshot, job=SimpleNamespace(outline=tuple))


def test_the_status_is_of_the_job_whose_id_it_has(bench, monkeypatch):
    """One job ends and the next begins within the reading: none is told, or both figures are of one."""
    bench.begin("observe")
    bench.step(0)
    snapshots = {"1": bench.session.snapshot()}
    bench.step(1)
    snapshots["2"] = bench.session.snapshot()
    status = bench.session.status

    def prepare():
        records = SimpleNamespace(current_id="1", find_control=lambda job_id: None)
        monkeypatch.setattr(status, "_records", records)
        monkeypatch.setattr(status, "_find_job", lambda: showing(snapshots[records.current_id]))
        return status._build_job, lambda: setattr(records, "current_id", "2")

    found = run_at_each_instruction(prepare, "zluda_sync.host.api.status")
    told = {(one.id, one.launched) for one in found if one is not None}
    assert {("1", 1), ("2", 2)} == told
