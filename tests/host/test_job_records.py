"""The records of the session's jobs, over the embedded host's state and a device that stands still."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from zluda_sync.core.records.job_record import Outcome
from zluda_sync.core.settings.conditions import Asker


def picture(**changes):
    """Return the host's object for a job of one picture."""
    values = {"n_iter": 1, "batch_size": 1, "steps": 3, "width": 64, "height": 32, "iteration": 0}
    return SimpleNamespace(**{**values, **changes})


def run(bench, steps=3, mode="every-step", decodes=True, **changes):
    """Run a job to its end, and return its record."""
    bench.begin(mode, processing=picture(**changes))
    for index in range(steps):
        bench.step(index)
    if decodes:
        bench.finish()
        bench.state.begin("VAE Decode")
    bench.session.end_job()
    return bench.session.records.recent(1)[0]


def test_a_finished_job_is_remembered(bench):
    """With what was asked for, what it went by, and every step."""
    record = run(bench)
    assert ("1", Outcome.FINISHED, 3) == (record.id, record.outcome, record.steps)
    assert ("balanced", "chosen in Settings") == (record.profile, record.profile_reason)
    assert "1 image, 64 x 32" == record.title
    assert 3 == len(record.parts[-2].step_s)
    assert "every-step" == record.mode.value
    assert record.began_at_s > 1.7e9


def test_waits_at_the_barrier_are_timed(bench):
    """A step that is awaited is told with its wait; nobody waits in mode observe."""
    bench.device.finishes_on_wait = False
    thread = bench.wait_in_second_step()
    ledger = bench.session._jobs.current.job.passes[-1].ledger
    # A step that is done before the host waits for it is not awaited.
    bench.wait_until(lambda: ledger.launched == 2 and ledger._changed._waiters)
    bench.device.finish()
    thread.join(20.0)
    (wait,) = bench.session.records.find("current").parts[-1].waits
    assert 1 == wait.step
    assert wait.duration_s > 0
    assert 0.0 == run(bench, mode="observe").wait_s


def test_the_running_job_is_told_by_its_id_and_as_current(bench):
    """It is the newest of all, and not over."""
    run(bench)
    bench.begin("observe", processing=picture())
    bench.step(0)
    records = bench.session.records
    assert [("2", Outcome.RUNNING), ("1", Outcome.FINISHED)] == [(r.id, r.outcome) for r in records.recent(9)]
    assert records.find("current").id == records.find("2").id == records.current_id == "2"
    bench.session.end_job()
    assert (None, None) == (records.current_id, records.find("current"))


@pytest.mark.parametrize(
    ("press", "outcome"), [("interrupt", Outcome.STOPPED), ("skip", Outcome.SKIPPED)], ids=["stop", "skip"]
)
def test_a_job_that_the_user_ended_is_no_finished_one(bench, press, outcome):
    """Stop with how it went."""
    bench.switch_on()
    bench.begin("observe", processing=picture(n_iter=2))
    bench.step(0)
    bench.in_thread(getattr(bench.state, press))
    bench.session.end_job()
    (record,) = bench.session.records.recent(5)
    assert outcome is record.outcome
    assert (press == "interrupt") == (record.stop is not None)


def test_a_job_that_an_error_ended_has_failed(bench):
    """The host tells of the end while the error goes through it."""
    bench.begin("every-step", processing=picture())
    for index in range(3):
        bench.step(index)
    bench.state.begin("VAE Decode")
    try:
        raise MemoryError
    except MemoryError:
        bench.session.end_job()
    assert Outcome.FAILED is bench.session.records.recent(1)[0].outcome


def test_a_job_without_its_picture_has_failed(bench):
    """The host catches most errors itself, and delivers nothing."""
    assert Outcome.FAILED is run(bench, steps=1, decodes=False).outcome


@pytest.mark.parametrize("phases", ["", "Params", "Params/Inference/Save", "Load model/Save"])
@pytest.mark.parametrize(
    "asked", [{}, {"init_images": [None], "denoising_strength": 0.5}], ids=["new", "from"]
)
def test_a_request_that_computed_nothing_has_failed(bench, phases, asked):
    """The host has refused it with an error message, as one without the picture that it is to begin with."""
    bench.switch_on()
    bench.state.begin("Image", task_id="task(a)")
    p = picture(**asked)
    bench.session.begin_job(p)
    for phase in filter(None, phases.split("/")):
        bench.state.end(bench.state.begin(phase))
    bench.session.end_job(p)
    (record,) = bench.session.records.recent(5)
    assert (Outcome.FAILED, 0) == (record.outcome, record.steps)


def test_the_bar_is_sampled_where_viewers_are_shown_it(bench):
    """Nobody looks: no samples. Somebody does: what was shown."""
    assert () == run(bench).bar
    bench.begin("observe", processing=picture())
    bench.step(0)
    shown = bench.session.snapshot()
    assert () == bench.session.records.find("current").bar
    bench.session.records.record_shown("2", shown.elapsed_s, shown.fraction, None)
    bench.session.records.record_shown("1", 0.0, 0.0, None)  # of a job that is over
    assert ((shown.elapsed_s, shown.fraction),) == bench.session.records.find("current").bar


def test_the_source_of_a_job_is_remembered(bench):
    """As the host's phases tell it."""
    bench.switch_on()
    bench.state.begin("API-TXT")
    assert Asker.API is run(bench).traits.asked_by


def test_a_job_that_is_not_followed_leaves_no_record(bench):
    """Nothing is known of it."""
    bench.begin("off", processing=picture())
    bench.session.end_job()
    assert () == bench.session.records.recent(5)
