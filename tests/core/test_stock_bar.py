"""What SD.Next's own bar would have shown of a job."""

from __future__ import annotations

import pytest

from tests.virtual_clock import VirtualClock
from zluda_sync.core.phase import Phase
from zluda_sync.core.progress.job import Job
from zluda_sync.core.records.stock_bar import stock_bar, stock_fraction
from zluda_sync.core.steps.policy import SyncMode


@pytest.mark.parametrize(
    ("steps", "total", "shown"), [(0, 20, 0.0), (1, 30, 0.03), (20, 20, 1.0), (21, 20, 1.0), (3, 0, 1.0)]
)
def test_a_fraction_has_two_digits_and_is_never_above_one(steps, total, shown):
    """As SD.Next rounds it."""
    assert shown == stock_fraction(steps, total)


def test_the_bar_counts_launches_and_begins_anew_with_each_phase():
    """Two images of two steps, queued at once: full while the device has done nothing, and back twice."""
    clock = VirtualClock()
    clock.now_s = 100.0
    job = Job(SyncMode.OBSERVE, clock=clock)
    clock.pass_time(1.0)
    job.begin_part(Phase.ENCODE)
    for image in range(2):
        clock.pass_time(1.0)
        part, ledger = job.begin_pass(image=image)
        job.expect_total(part, 2)
        for _ in range(2):
            clock.pass_time(0.5)
            ledger.record_launch()
        clock.pass_time(1.0)
        job.begin_part(Phase.DECODE, image=image)
    shown = stock_bar(job.parts, job.began_at_s)
    assert ((0.0, 0.0), (2.5, 0.5), (3.0, 1.0), (4.0, 0.0), (5.5, 0.5), (6.0, 1.0), (7.0, 0.0)) == shown


def test_a_job_of_which_nothing_has_begun_shows_nothing():
    """What is planned is no news to SD.Next."""
    assert ((0.0, 0.0),) == stock_bar((), 5.0)
