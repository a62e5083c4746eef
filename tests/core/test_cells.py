"""One bar and one ETA over all cells of a request, under a virtual clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from statistics import mean

import pytest

from tests.virtual_clock import VirtualClock
from zluda_sync.core.phase import BASE, Phase
from zluda_sync.core.progress.cells import OPEN_ENDED_MAX, RequestCells
from zluda_sync.core.progress.cells_ahead import CellPlan
from zluda_sync.core.progress.grid_memory import CellTimes, LearnedGrid
from zluda_sync.core.progress.job import Job
from zluda_sync.core.progress.shape import JobShape, PassShape
from zluda_sync.core.progress.snapshot import ProgressSnapshot
from zluda_sync.core.steps.policy import SyncMode
from zluda_sync.core.wishes.request_wishes import Ending

STEP_S, DECODE_S = 0.2, 0.5
PIXELS = 512 * 512


def shape(steps: int = 8, images: int = 1, side_px: int = 512) -> JobShape:
    passes = (PassShape(BASE, steps, side_px, side_px),)
    return JobShape(images=images, passes=passes, phases=(Phase.DECODE,))


class RequestDriver:
    """Makes the cells of a request as a host and a device do, and samples bar and ETA ten times a second.

    Args:
        is_inner: whether the cells lie within a call around them, and share its job.
    """

    def __init__(self, is_inner: bool = False) -> None:
        self.clock = VirtualClock()
        self.cells = RequestCells(self.clock)
        self.job = Job(SyncMode.EVERY_STEP, None, clock=self.clock)
        self.is_inner = is_inner
        self.samples: list[tuple[float, float, float | None]] = []
        self.labels: list[str] = []
        self.ending: Ending | None = None
        if is_inner:
            self.job = Job(SyncMode.EVERY_STEP, shape(), clock=self.clock)
            self.cells.begin_cell(self.job, CellPlan(shape()))

    def snapshot(self) -> ProgressSnapshot:
        return self.cells.complete(replace(self.job.snapshot(), ending=self.ending))

    def spend(self, seconds: float) -> None:
        left_s = seconds
        while left_s > 1e-9:
            piece_s = min(0.1, left_s)
            self.clock.pass_time(piece_s)
            left_s -= piece_s
            shown = self.snapshot()
            self.samples.append((self.clock.now_s, shown.fraction, shown.eta_s))
            self.labels.append(shown.label)

    def make_cell(self, plan: CellPlan, gap_s: float = 0.0) -> None:
        """Make a cell, after the script's own work."""
        if gap_s:
            self.spend(gap_s)
        asked = plan.shape or shape()
        if self.is_inner:
            self.job.begin_cell(asked)
        else:
            self.job = Job(SyncMode.EVERY_STEP, asked, clock=self.clock, earlier=self.cells.earlier_parts)
        self.cells.begin_cell(self.job, plan, self.is_inner)
        scale = (asked.base_pixels / PIXELS) * asked.batch_size
        for image in range(asked.images):
            part, ledger = self.job.begin_pass(BASE, image)
            self.job.expect_total(part, asked.passes[0].steps or 0)
            for step in range(asked.passes[0].steps or 0):
                self.spend(STEP_S * scale)
                ledger.record_launch()
                ledger.record_completion(step)
            self.job.leave_part()
            self.job.begin_part(Phase.DECODE, BASE, image)
            self.spend(DECODE_S * scale)
            self.job.leave_part()
        if self.is_inner:
            self.job.end_cell()
        else:
            self.job.end_parts()
        self.cells.end_cell()

    def deliver(self) -> LearnedGrid | None:
        self.job.deliver()
        return self.cells.deliver()

    def bar_error(self) -> float:
        whole_s = self.clock.now_s
        return mean(abs(fraction - now_s / whole_s) for now_s, fraction, _eta in self.samples)

    def eta_error(self) -> float:
        whole_s = self.clock.now_s
        middle = [s for s in self.samples if 0.1 <= s[0] / whole_s <= 0.97]
        return mean(abs((eta_s or 0.0) - (whole_s - now_s)) / whole_s for now_s, _fraction, eta_s in middle)

    def falls(self) -> int:
        return sum(later[1] < earlier[1] - 1e-12 for earlier, later in pairwise(self.samples))


def make_request(
    shapes: Sequence[JobShape],
    declared: int | None = None,
    is_inner: bool = False,
    foresees: bool = False,
    learned: LearnedGrid | None = None,
    gap_s: float = 0.0,
) -> tuple[RequestDriver, LearnedGrid | None]:
    driver = RequestDriver(is_inner)
    if declared is not None:
        driver.cells.declare(declared)
    foreseen = tuple(shapes) if foresees else ()
    for index, one in enumerate(shapes):
        driver.make_cell(CellPlan(one, True, foreseen, learned), gap_s if index else 0.0)
    return driver, driver.deliver()


ALIKE = [shape()] * 6
OTHER_STEPS = [shape(steps) for steps in (4, 8, 12, 20)]
OTHER_SIZES = [shape(side_px=side_px) for side_px in (256, 512, 768)]


@pytest.mark.parametrize("is_inner", [False, True], ids=["own jobs", "within one job"])
@pytest.mark.parametrize(
    "shapes",
    [ALIKE, OTHER_STEPS, OTHER_SIZES, [shape(images=3)] * 3],
    ids=["alike", "steps", "sizes", "images"],
)
def test_a_declared_grid_has_one_true_bar_at_once(shapes, is_inner):
    """However its cells differ, where the axes tell: a small error from the first run on, and no falls."""
    images = sum(one.images for one in shapes)
    driver, _ = make_request(shapes, images, is_inner, foresees=True)
    assert 0 == driver.falls()
    assert driver.bar_error() <= 0.06
    assert driver.eta_error() <= 0.10


@pytest.mark.parametrize("is_inner", [False, True], ids=["own jobs", "within one job"])
@pytest.mark.parametrize("shapes", [ALIKE, OTHER_STEPS, OTHER_SIZES], ids=["alike", "steps", "sizes"])
def test_what_was_made_before_is_known_by_position(shapes, is_inner):
    """A grid that nothing is foreseen of, nor declared, is known from its first run: gaps and all."""
    _, learned = make_request(shapes, is_inner=is_inner, gap_s=0.7)
    driver, _ = make_request(shapes, is_inner=is_inner, learned=learned, gap_s=0.7)
    assert 0 == driver.falls()
    assert driver.bar_error() <= 0.02
    assert driver.eta_error() <= 0.03


@pytest.mark.parametrize("count", [1, 2, 4, 12, 60])
def test_where_nobody_says_how_many_come_the_bar_is_careful(count):
    """Never more than 95 %, and an error that no number of cells makes larger than a quarter."""
    driver, _ = make_request([shape()] * count)
    assert 0 == driver.falls()
    assert max(fraction for _, fraction, _ in driver.samples) <= OPEN_ENDED_MAX
    assert driver.bar_error() <= 0.25


def test_the_label_counts_cells_and_images():
    """``Cell 2/3 · Image 1/2``, and no total where nobody knows it."""
    driver, _ = make_request([shape(images=2)] * 3, declared=6)
    assert any(label.startswith("Cell 2/3 · Image 1/2: Denoise 3/8") for label in driver.labels)
    driver, _ = make_request([shape()] * 2)
    assert any(label.startswith("Cell 2: Denoise 3/8") for label in driver.labels)


def test_a_request_of_one_cell_is_shown_as_its_job():
    """The very snapshot, not one like it."""
    clock = VirtualClock()
    cells, job = RequestCells(clock), Job(SyncMode.EVERY_STEP, shape(), clock=clock)
    cells.begin_cell(job, CellPlan(shape()))
    snapshot = job.snapshot()
    assert snapshot is cells.complete(snapshot)
    assert cells.is_one


def test_a_second_cell_that_nobody_expected_does_not_make_the_bar_fall():
    """The first one was shown as the whole."""
    driver = RequestDriver()
    driver.make_cell(CellPlan(shape()))
    driver.make_cell(CellPlan(shape()))
    assert 0 == driver.falls()


def test_a_faster_device_is_noticed_within_a_learned_grid():
    """What was learned of later cells is scaled by what the first ones take now."""
    slow = LearnedGrid(tuple(CellTimes(0.0, 2 * (8 * STEP_S + DECODE_S)) for _ in range(6)))
    driver, _ = make_request(ALIKE, declared=6, learned=slow)
    late = [s for s in driver.samples if s[0] > driver.clock.now_s / 2]
    assert mean(abs((eta_s or 0) - (driver.clock.now_s - now_s)) for now_s, _, eta_s in late) < 0.4


def test_after_stop_only_what_runs_is_awaited():
    """The cells to come will not come: ETA and limit of the bar are those of the cell that ends."""
    driver = RequestDriver()
    driver.cells.declare(6)
    driver.make_cell(CellPlan(shape(), True))
    driver.job = Job(SyncMode.EVERY_STEP, shape(), clock=driver.clock, earlier=driver.cells.earlier_parts)
    driver.cells.begin_cell(driver.job, CellPlan(shape(), True))
    before = driver.snapshot()
    driver.ending = Ending.STOP
    after = driver.snapshot()
    assert after.eta_s is not None and before.eta_s is not None
    assert after.eta_s == pytest.approx(8 * STEP_S + DECODE_S, rel=0.1)
    assert after.eta_s < before.eta_s / 4
    assert after.fraction >= before.fraction


def test_a_request_that_was_stopped_teaches_nothing():
    """Half a grid must not pass for the length of one."""
    driver = RequestDriver()
    driver.cells.declare(3)
    driver.make_cell(CellPlan(shape(), True))
    driver.job = Job(SyncMode.EVERY_STEP, shape(), clock=driver.clock)
    driver.cells.begin_cell(driver.job, CellPlan(shape(), True))
    driver.job.cut(0)
    driver.cells.end_cell()
    assert driver.deliver() is None


def test_an_older_host_that_counts_the_images_of_a_cell_declares_nothing():
    """It writes their number within each cell: that says nothing of the cells to come."""
    driver = RequestDriver()
    driver.cells.begin_cell(driver.job, CellPlan(shape(images=4), True))
    driver.cells.declare(4)
    assert driver.cells.count is None


def test_loading_a_model_between_two_cells_is_told():
    """The checkpoint axis of a grid."""
    driver = RequestDriver()
    driver.cells.declare(2)
    driver.make_cell(CellPlan(shape(), True))
    driver.cells.note_phase(Phase.LOAD)
    driver.spend(3.0)
    assert "Cell 1/2: Loading model 3 s" == driver.labels[-1]
    driver.make_cell(CellPlan(shape(), True))
    assert not any("Loading" in label for label in driver.labels[-5:])


@pytest.mark.parametrize("is_inner", [False, True], ids=["own jobs", "within one job"])
def test_a_grid_of_hundreds_is_read_as_fast_as_a_small_one(is_inner):
    """No more parts are read for a snapshot of the 60th cell than for one of the third."""
    driver = RequestDriver(is_inner)
    driver.cells.declare(240)
    read = []
    for _ in range(60):
        driver.make_cell(CellPlan(shape(2, images=4), True))
        read.append(len(driver.job.begun_parts) + len(driver.cells.earlier_parts) + len(driver.job.passes))
    assert read[-1] <= read[3]
