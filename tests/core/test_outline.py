"""A job as stretches of time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.virtual_clock import VirtualClock
from zluda_sync.core.phase import BASE, HIRES, Phase
from zluda_sync.core.progress import outline as outlines
from zluda_sync.core.progress.forecast import Rates
from zluda_sync.core.progress.job import Job
from zluda_sync.core.progress.part import Part
from zluda_sync.core.progress.shape import JobShape, PassShape
from zluda_sync.core.steps.policy import SyncMode

STEPS = 4
SHAPE = JobShape(passes=(PassShape(BASE, STEPS, 512, 512),), phases=(Phase.ENCODE, Phase.DECODE))


def run_pass(job: Job, clock: VirtualClock, steps: int, step_s: float = 1.0, role: str = BASE) -> None:
    """Run a pass so far, with the host a step ahead."""
    part, ledger = job.begin_pass(role)
    job.expect_total(part, STEPS)
    for step in range(steps):
        ledger.record_launch()
        clock.now_s += step_s
        ledger.record_completion(step)


def shares(job: Job) -> dict[tuple[Phase, str, int], float]:
    """Each stretch with its share."""
    return {(one.phase, one.role, one.image): one.share for one in job.outline()}


@pytest.fixture
def clock():
    """A clock that stands."""
    return VirtualClock()


def test_what_is_over_has_the_time_it_took_and_the_rest_what_is_expected(clock):
    """Half of a pass is over; its steps take a second each, and a decode is guessed from them."""
    job = Job(SyncMode.RUN_AHEAD, SHAPE, clock=clock)
    job.begin_part(Phase.ENCODE)
    clock.now_s += 2.0
    job.leave_part()
    run_pass(job, clock, STEPS // 2)
    found = shares(job)
    assert [Phase.ENCODE, Phase.DENOISE, Phase.DECODE] == [one.phase for one in job.outline()]
    assert found[Phase.ENCODE, BASE, 0] / found[Phase.DENOISE, BASE, 0] == pytest.approx(2.0 / STEPS)
    assert found[Phase.DECODE, BASE, 0] / found[Phase.DENOISE, BASE, 0] == pytest.approx(3.0 / STEPS)
    assert sum(found.values()) == pytest.approx(1.0)


def test_where_the_bar_is_lies_within_the_stretch_under_way(clock):
    """The bar and its stretches are of one measure."""
    job = Job(SyncMode.RUN_AHEAD, SHAPE, clock=clock)
    job.begin_part(Phase.ENCODE)
    clock.now_s += 2.0
    job.leave_part()
    run_pass(job, clock, 3)
    found = shares(job)
    fraction = job.snapshot().fraction
    assert found[Phase.ENCODE, BASE, 0] < fraction < 1 - found[Phase.DECODE, BASE, 0]


def test_what_is_too_short_to_be_seen_counts_to_its_neighbour(clock):
    """A text encoding of no time: nothing is lost, and no stretch is thinner than can be seen."""
    job = Job(SyncMode.RUN_AHEAD, SHAPE, clock=clock)
    job.begin_part(Phase.ENCODE)
    clock.now_s += 0.01
    job.leave_part()
    run_pass(job, clock, 3)
    assert [Phase.DENOISE, Phase.DECODE] == [one.phase for one in job.outline()]
    assert sum(shares(job).values()) == pytest.approx(1.0)


def test_nothing_is_told_of_what_is_not_known(clock):
    """Before the first step of a kind of job never seen; of a job without a plan; of too many parts."""
    job = Job(SyncMode.RUN_AHEAD, SHAPE, clock=clock)
    assert () == job.outline()
    assert () == Job(SyncMode.RUN_AHEAD, clock=clock).outline()
    many = JobShape(images=outlines.MOST_PARTS, passes=SHAPE.passes)
    job = Job(SyncMode.RUN_AHEAD, many, clock=clock)
    run_pass(job, clock, 3)
    assert () == job.outline()


def test_a_second_pass_is_a_stretch_of_its_own(clock):
    """Base and hires, each with its role."""
    shape = JobShape(passes=(PassShape(BASE, STEPS, 512, 512), PassShape(HIRES, STEPS, 1024, 1024)))
    job = Job(SyncMode.RUN_AHEAD, shape, clock=clock)
    run_pass(job, clock, 3)
    found = shares(job)
    assert found[Phase.DENOISE, HIRES, 0] > 2 * found[Phase.DENOISE, BASE, 0]


def test_later_cells_of_a_request_tell_none(clock):
    """What the cells before them took is not in their row any more."""
    job = Job(SyncMode.RUN_AHEAD, SHAPE, clock=clock)
    run_pass(job, clock, 3)
    assert job.outline()
    job.begin_cell(SHAPE)
    run_pass(job, clock, 3)
    assert () == job.outline()


def test_a_planned_part_is_looked_up_once_for_its_sort(clock, monkeypatch):
    """A poll holds the job's lock meanwhile: twenty images to come must not take twenty times as long."""
    job = Job(SyncMode.RUN_AHEAD, replace(SHAPE, images=20), clock=clock)
    run_pass(job, clock, 3)
    asked: list[Part] = []
    rate_of = Rates.rate_of

    def count(rates: Rates, part: Part):
        asked.append(part)
        return rate_of(rates, part)

    monkeypatch.setattr(Rates, "rate_of", count)
    assert job.outline()
    planned = [part.sort for part in asked if part.began_at_s is None]
    assert len(set(planned)) == len(planned)
