"""A job that the user holds: released whatever ends the hold, and however late it begins to wait."""

from __future__ import annotations

import threading

from tests.interleaving import run_at_each_instruction
from zluda_sync.core.clock import PausableClock
from zluda_sync.core.progress.job import Job
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
