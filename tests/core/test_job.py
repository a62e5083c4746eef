"""A job's passes, and the one that is shown."""

from types import SimpleNamespace

from tests.interleaving import run_at_each_instruction
from tests.virtual_clock import VirtualClock
from zluda_sync.core.phase import BASE, Phase
from zluda_sync.core.progress.forecast import forecast
from zluda_sync.core.progress.job import Job
from zluda_sync.core.progress.memory import Rate
from zluda_sync.core.progress.part import Part
from zluda_sync.core.progress.shape import JobShape, PassShape
from zluda_sync.core.steps.ledger import Ledger
from zluda_sync.core.steps.policy import SyncMode


def launch(job_pass, steps):
    for _ in range(steps):
        job_pass.ledger.record_launch()


def test_nothing_is_shown_before_the_first_pass():
    """A job that still encodes text has no steps to show: unknown is None."""
    snapshot = Job(SyncMode.OBSERVE).snapshot(rung=None)
    assert (None, 0, None) == (snapshot.pass_index, snapshot.completed, snapshot.total)


def test_the_device_decides_which_pass_is_shown():
    """While the host queues the hires pass, the device is still in the base pass, and that is shown."""
    job = Job(SyncMode.OBSERVE)
    base, _ledger = job.begin_pass()
    launch(base, 4)
    base.ledger.record_completion(1)
    hires, _ledger = job.begin_pass()
    launch(hires, 1)
    assert base is job.shown_pass
    assert hires is job.passes[-1]


def test_a_drained_pass_gives_way_to_the_next():
    """As soon as the device has finished the base pass, the hires pass is shown."""
    job = Job(SyncMode.OBSERVE)
    base, _ledger = job.begin_pass()
    launch(base, 2)
    hires, _ledger = job.begin_pass()
    launch(hires, 1)
    base.ledger.record_completion(1)
    assert hires is job.shown_pass


def test_a_pass_that_never_drains_does_not_hide_its_successors():
    """A later completion proves the earlier pass finished, though nobody saw it."""
    job = Job(SyncMode.OBSERVE)
    lost, _ledger = job.begin_pass()
    launch(lost, 3)
    hires, _ledger = job.begin_pass()
    launch(hires, 2)
    hires.ledger.record_completion(0)
    assert hires is job.shown_pass


def test_the_snapshot_is_of_the_shown_pass():
    """All views read the same figures."""
    job = Job(SyncMode.RUN_AHEAD)
    base, ledger = job.begin_pass()
    job.expect_total(base, 5)
    launch(base, 3)
    ledger.record_completion(1)
    snapshot = job.snapshot(rung="planted-event")
    assert (0, 2, 3, 5, 1, "planted-event") == (
        snapshot.pass_index,
        snapshot.completed,
        snapshot.launched,
        snapshot.total,
        snapshot.run_ahead,
        snapshot.rung,
    )


def test_images_that_are_not_wanted_take_no_time():
    """After a Skip of the first image the second is planned as before; after a Stop nothing is."""
    shape = JobShape("d", "m", "s", "observe", 3, 1, (PassShape(BASE, 4, 64, 64),))
    job = Job(SyncMode.OBSERVE, shape, clock=VirtualClock())
    job.begin_part(Phase.PREPARE)
    job.begin_part(Phase.ENCODE)
    job.cut(0, 0)
    of_images = lambda: [(p.image, p.phase) for p in job.parts if p.began_at_s is None]  # noqa: E731
    second = [(1, phase) for phase in (Phase.ENCODE, Phase.DENOISE, Phase.DECODE, Phase.SAVE)]
    assert [(0, Phase.SAVE), *second] == of_images()[:5]
    job.cut(0)
    assert [(0, Phase.SAVE)] == of_images()
    assert job.was_cut


def test_who_reads_the_parts_is_not_shown_what_changes_afterwards():
    """A record that is built while the host goes on is of one moment."""
    job = Job(SyncMode.OBSERVE, clock=VirtualClock())
    job.begin_part(Phase.ENCODE)
    (encode,) = job.parts
    job.begin_pass()
    assert (None, True) == (encode.left_at_s, job.parts[0].left_at_s is not None)


def test_a_step_that_ends_within_a_forecast_counts_whole_or_not_at_all():
    """Its completion and the moment of it are read together: the remaining time does not leap by a step."""
    rates = SimpleNamespace(rate_of=lambda part: Rate(1.0, 0.1), lead_in_s=lambda part: 0.0)

    def prepare():
        clock = VirtualClock()
        ledger = Ledger(10, clock)
        for step in range(3):
            ledger.record_launch()
            clock.pass_time(1.0)
            if step < 2:
                ledger.record_completion(step)
        part = Part(Phase.DENOISE, began_at_s=0.0, ledger=ledger)
        return lambda: forecast([part], rates, 3.0), lambda: ledger.record_completion(2)

    found = run_at_each_instruction(prepare, "zluda_sync.core.progress.forecast")
    assert {7.05, 7.0} == {round(one.remaining_s, 6) for one in found}


def test_a_part_finishes_in_one_piece():
    """The host goes back to a pass between two instructions of a reader: finished or not, and no error."""

    def prepare():
        ledger = Ledger(clock=VirtualClock())
        ledger.record_completion(ledger.record_launch())
        part = Part(Phase.DENOISE, began_at_s=0.0, left_at_s=2.0, ledger=ledger)
        return lambda: part.finished_at_s, lambda: setattr(part, "left_at_s", None)

    assert {None, 2.0} == set(run_at_each_instruction(prepare, "zluda_sync.core.progress.part"))


def planned(job):
    """Return what has not begun, as phase and image."""
    return [(part.phase, part.image) for part in job.parts if part.began_at_s is None]


def test_a_job_that_turns_out_longer_is_planned_anew():
    """A script asks for three images after the host has begun with one; what has begun stays."""
    job = Job(SyncMode.OBSERVE, JobShape(images=1))
    job.begin_part(Phase.PREPARE)
    job.begin_part(Phase.ENCODE)
    job.replan(JobShape(images=3))
    assert 3 == job.snapshot().images
    assert [Phase.PREPARE, Phase.ENCODE] == [part.phase for part in job.parts if part.began_at_s is not None]
    of_image = [Phase.DENOISE, Phase.DECODE, Phase.SAVE]
    later = [(phase, image) for image in (1, 2) for phase in (Phase.ENCODE, *of_image)]
    assert [*((phase, 0) for phase in of_image), *later] == planned(job)


def test_a_job_that_turns_out_larger_is_measured_by_its_true_size():
    """The size was not known when it began; what is under way is of the true size, too."""
    job = Job(SyncMode.OBSERVE, JobShape(passes=(PassShape(BASE, 4, 8, 8),)))
    job.begin_part(Phase.PREPARE)
    job.replan(JobShape(passes=(PassShape(BASE, 4, 64, 32),)))
    assert {64 * 32} == {part.pixels for part in job.parts}


def steady_share(clock, job, is_found):
    """The bar behind the first of 25 steps, which the host takes 40 ms to queue and the device none."""
    part, ledger = job.begin_pass(is_found=is_found)
    job.expect_total(part, 25)
    ledger.record_completion(ledger.record_launch())
    clock.pass_time(0.001)
    return job.snapshot().fraction


def test_a_pass_that_its_first_step_tells_of_began_with_the_job():
    """Else a step that the host was slow to queue would seem to take nothing, and the job to be over."""
    clock = VirtualClock()
    job = Job(SyncMode.EVERY_STEP, clock=clock)
    clock.pass_time(0.040)
    assert 0.07 < steady_share(clock, job, is_found=True) < 0.08  # the rest is half as long: warm by then


def test_a_pass_that_its_first_step_tells_of_began_behind_the_part_before():
    """What was done before it is not counted as its first step."""
    clock = VirtualClock()
    job = Job(SyncMode.EVERY_STEP, clock=clock)
    job.begin_part(Phase.PROMPT)
    clock.pass_time(3.0)
    job.leave_part()
    clock.pass_time(0.040)
    steady_share(clock, job, is_found=True)
    assert 3.0 == job.passes[0].began_at_s - job.began_at_s


def test_a_pass_that_is_announced_begins_then():
    """Its first step is still to come."""
    clock = VirtualClock()
    job = Job(SyncMode.EVERY_STEP, clock=clock)
    clock.pass_time(5.0)
    part, _ledger = job.begin_pass()
    assert 5.0 == part.began_at_s - job.began_at_s
