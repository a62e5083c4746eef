"""What a job does about the user's wishes: it is held, and released; its images are counted."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest

from tests.interleaving import run_at_each_instruction
from zluda_sync.core.clock import PausableClock
from zluda_sync.core.phase import Phase
from zluda_sync.core.progress.job import Job
from zluda_sync.core.progress.shape import JobShape
from zluda_sync.core.records.job_record import ImageCount
from zluda_sync.core.steps.ledger import Ledger
from zluda_sync.core.steps.policy import SyncMode
from zluda_sync.core.wishes.control import Control
from zluda_sync.core.wishes.job_wishes import JobWishes


def test_a_job_that_was_closed_before_it_waits_is_not_held():
    """The wake that comes with the end of the job is over then, and no other comes for its queue."""
    control, clock, ledger = Control(), PausableClock(), Ledger()
    wishes = JobWishes(Job(SyncMode.OBSERVE), control, clock, lambda: 0)
    ledger.record_launch()  # the device stands still
    control.pause(True)
    wishes.close()
    ledger.wake()
    held = threading.Thread(target=wishes.wait_while_held, args=(ledger,), daemon=True)
    held.start()
    control.end_request()  # of which the ledger is not told any more
    held.join(20.0)
    assert not held.is_alive()


def test_the_steps_of_a_stop_are_counted_at_one_moment():
    """The device and the host go on within the press: never fewer than no steps are queued."""

    def prepare():
        control, job = Control(), Job(SyncMode.OBSERVE)
        _part, ledger = job.begin_pass()
        for _ in range(3):
            ledger.record_launch()
        wishes = JobWishes(job, control, PausableClock(), lambda: 0)
        control.stop()

        def go_on():
            ledger.record_completion(ledger.record_launch())

        return lambda: wishes.obey() or (wishes._press.launched, wishes._press.queued), go_on

    assert {(3, 3), (4, 0)} == set(run_at_each_instruction(prepare, "zluda_sync.core.wishes.job_wishes"))


def press_nothing():
    """Presses nothing."""


@pytest.fixture
def batch():
    """The wishes of a job of three images, and a function that makes one as a host does."""
    control, job = Control(), Job(SyncMode.OBSERVE, JobShape(images=3, phases=(Phase.DECODE,)))
    place = [-1]
    wishes = JobWishes(job, control, PausableClock(), lambda: place[0])
    control.begin_job(lambda: place[0], wishes.obey)

    def make(early_press=press_nothing, press=press_nothing, late_press=press_nothing, steps=2, is_told=True):
        place[0] += 1
        job.begin_part(Phase.ENCODE, image=place[0])
        job.leave_part()
        early_press()
        if not steps:
            return
        part, ledger = job.begin_pass(image=place[0])
        job.expect_total(part, 2)
        press()
        for _ in range(steps):
            ledger.record_launch()
        job.begin_part(Phase.DECODE, image=place[0])
        late_press()
        job.leave_part()
        if is_told:
            wishes.note_whole_picture()

    return SimpleNamespace(control=control, wishes=wishes, make=make, job=job)


def test_images_are_counted_by_what_was_made(batch):
    """None before the first, all after the last."""
    assert ImageCount(3, 0) == batch.wishes.count_images()
    for finished in (1, 2, 3):
        batch.make()
        assert ImageCount(3, finished) == batch.wishes.count_images()
    assert ImageCount(12, 12) == batch.wishes.count_images(at_once=4)


def test_an_image_that_was_left_is_not_counted_as_made(batch):
    """Though the host may keep what there is of it; the others are."""
    batch.make()
    batch.make(press=batch.control.skip, steps=1)
    batch.make()
    assert ImageCount(3, 2) == batch.wishes.count_images()


@pytest.mark.parametrize("press", ["skip", "stop"])
def test_an_image_that_was_left_between_two_parts_is_none_that_failed(batch, press):
    """What was begun of it is finished by then, and nothing more comes."""
    batch.make()
    batch.make(early_press=getattr(batch.control, press), steps=0)
    assert ImageCount(3, 1) == batch.wishes.count_images()


def test_an_image_that_became_whole_after_a_stop_is_counted(batch):
    """It was decoded already, and the host has delivered it."""
    batch.make(late_press=batch.control.stop)
    batch.job.end_parts()
    assert ImageCount(3, 1) == batch.wishes.count_images()


def test_an_image_that_failed_is_not_counted_as_made(batch):
    """The host has come out of it with nothing, and makes none of those after it."""
    batch.make()
    batch.make(is_told=False)
    batch.wishes.note_no_picture()
    assert ImageCount(3, 1) == batch.wishes.count_images()
    batch.wishes.note_whole_picture()  # a script has tried again
    assert ImageCount(3, 2) == batch.wishes.count_images()


def test_a_failure_within_an_image_is_not_one_of_the_image(batch):
    """A face that is made anew, say: the image around it has its own end."""
    batch.make()
    batch.make(is_told=False)
    batch.control.begin_cell(lambda: 0)
    batch.wishes.note_no_picture()
    batch.control.end_cell()
    assert None is batch.wishes.count_images()


def test_images_that_nobody_told_of_are_not_counted(batch):
    """A script may make one in its own way: then no count is certain."""
    batch.make()
    batch.make(is_told=False)
    assert None is batch.wishes.count_images()
    assert None is JobWishes(Job(SyncMode.OBSERVE), Control(), PausableClock(), lambda: 0).count_images()
