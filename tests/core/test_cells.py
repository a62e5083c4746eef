"""One bar and one ETA over all cells of a request, under a virtual clock."""

from __future__ import annotations

from statistics import mean

import pytest

from bench.truth.simulated_request import (
    DECODE_S,
    STEP_S,
    SimulatedRequest,
    build_shape,
    make_request,
)
from tests.virtual_clock import VirtualClock
from zluda_sync.core.learning.grid_memory import CellTimes, LearnedGrid
from zluda_sync.core.phase import Phase
from zluda_sync.core.progress.cells import OPEN_ENDED_MAX, RequestCells
from zluda_sync.core.progress.cells_ahead import CellPlan
from zluda_sync.core.progress.job import Job
from zluda_sync.core.steps.policy import SyncMode
from zluda_sync.core.wishes.request_wishes import Ending

ALIKE = [build_shape()] * 6
OTHER_STEPS = [build_shape(steps) for steps in (4, 8, 12, 20)]
OTHER_SIZES = [build_shape(side_px=side_px) for side_px in (256, 512, 768)]


@pytest.mark.parametrize("is_inner", [False, True], ids=["own jobs", "within one job"])
@pytest.mark.parametrize(
    "shapes",
    [ALIKE, OTHER_STEPS, OTHER_SIZES, [build_shape(images=3)] * 3],
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
    driver, _ = make_request([build_shape()] * count)
    assert 0 == driver.falls()
    assert max(sample.progress for sample in driver.samples) <= OPEN_ENDED_MAX
    assert driver.bar_error() <= 0.25


def test_the_label_counts_cells_and_images():
    """``Cell 2/3 · Image 1/2``, and no total where nobody knows it."""
    driver, _ = make_request([build_shape(images=2)] * 3, declared=6)
    assert any(label.startswith("Cell 2/3 · Image 1/2: Denoise 3/8") for label in driver.labels)
    driver, _ = make_request([build_shape()] * 2)
    assert any(label.startswith("Cell 2: Denoise 3/8") for label in driver.labels)


def test_a_request_of_one_cell_is_shown_as_its_job():
    """The very snapshot, not one like it."""
    clock = VirtualClock()
    cells, job = RequestCells(clock), Job(SyncMode.EVERY_STEP, build_shape(), clock=clock)
    cells.begin_cell(job, CellPlan(build_shape()))
    snapshot = job.snapshot()
    assert snapshot is cells.complete(job, snapshot)
    assert cells.is_one


def test_a_second_cell_that_nobody_expected_does_not_make_the_bar_fall():
    """The first one was shown as the whole."""
    driver = SimulatedRequest()
    driver.make_cell(CellPlan(build_shape()))
    driver.make_cell(CellPlan(build_shape()))
    assert 0 == driver.falls()


def test_a_faster_device_is_noticed_within_a_learned_grid():
    """What was learned of later cells is scaled by what the first ones take now."""
    slow = LearnedGrid(tuple(CellTimes(0.0, 2 * (8 * STEP_S + DECODE_S)) for _ in range(6)))
    driver, _ = make_request(ALIKE, declared=6, learned=slow)
    whole_s = driver.clock.now_s
    late = [sample for sample in driver.samples if sample.asked_s > whole_s / 2]
    assert mean(abs((sample.eta_s or 0) - (whole_s - sample.asked_s)) for sample in late) < 0.4


def test_after_stop_only_what_runs_is_awaited():
    """The cells to come will not come: ETA and limit of the bar are those of the cell that ends."""
    driver = SimulatedRequest()
    driver.cells.declare(6)
    driver.make_cell(CellPlan(build_shape(), True))
    driver.begin_cell(CellPlan(build_shape(), True))
    before = driver.snapshot()
    driver.ending = Ending.STOP
    after = driver.snapshot()
    assert after.eta_s is not None and before.eta_s is not None
    assert after.eta_s == pytest.approx(8 * STEP_S + DECODE_S, rel=0.1)
    assert after.eta_s < before.eta_s / 4
    assert after.fraction >= before.fraction


def test_a_request_that_was_stopped_teaches_nothing():
    """Half a grid must not pass for the length of one."""
    driver = SimulatedRequest()
    driver.cells.declare(3)
    driver.make_cell(CellPlan(build_shape(), True))
    driver.begin_cell(CellPlan(build_shape(), True))
    driver.job.cut(0)
    driver.cells.end_cell()
    assert driver.deliver() is None


def test_what_is_said_once_a_cell_computes_declares_nothing():
    """Older versions of the host count phases there; before the first pass it is a grid within the call."""
    driver = SimulatedRequest()
    driver.begin_cell(CellPlan(build_shape(images=4), True))
    driver.job.begin_pass()
    driver.cells.declare(4)
    assert driver.snapshot().cells is None


def test_a_grid_of_one_cell_is_one():
    """It says so within the call around it, before anything is computed."""
    driver = SimulatedRequest(is_inner=True)
    driver.cells.declare(1)
    driver.make_cell(CellPlan(build_shape(), True))
    assert driver.cells.is_one
    assert not any("Cell" in label for label in driver.labels)


def test_frames_are_cells_however_many_images_each_has():
    """A film of three frames, two images each."""
    driver = SimulatedRequest()
    driver.cells.declare(3, are_cells=True)
    for _ in range(3):
        driver.make_cell(CellPlan(build_shape(images=2), True))
    assert any(label.startswith("Cell 2/3 · Image 1/2") for label in driver.labels)
    assert driver.snapshot().cells == 3


def test_the_snapshot_of_a_cell_that_has_ended_says_nothing_of_the_next():
    """A poll takes one, and the next cell begins before it is completed: the bar does not leap."""
    driver = SimulatedRequest()
    driver.cells.declare(4)
    driver.make_cell(CellPlan(build_shape(), True))
    before = driver.snapshot()
    ended, snapshot = driver.job, driver.job.snapshot()
    driver.begin_cell(CellPlan(build_shape(), True))
    late = driver.cells.complete(ended, snapshot)
    assert (before.fraction, before.eta_s) == (late.fraction, late.eta_s)
    assert driver.snapshot().fraction == pytest.approx(before.fraction, abs=0.01)


def test_loading_a_model_between_two_cells_is_told():
    """The checkpoint axis of a grid."""
    driver = SimulatedRequest()
    driver.cells.declare(2)
    driver.make_cell(CellPlan(build_shape(), True))
    driver.cells.note_phase(Phase.LOAD)
    driver.spend(3.0)
    assert "Cell 1/2: Loading model 3 s" == driver.labels[-1]
    driver.make_cell(CellPlan(build_shape(), True))
    assert not any("Loading" in label for label in driver.labels[-5:])


def test_what_outlasts_the_time_between_two_cells_is_told_honestly():
    """A model that is loaded for a minute: the time left does not fall all the while."""
    learned = LearnedGrid((CellTimes(0.0, 2.1), CellTimes(1.0, 2.1)))
    driver = SimulatedRequest()
    driver.make_cell(CellPlan(build_shape(), True, learned=learned))
    etas = []
    for _ in range(6):
        driver.spend(10.0)
        etas.append(driver.snapshot().eta_s)
    assert min(etas) > 2.1
    assert etas == sorted(etas)


@pytest.mark.parametrize("is_inner", [False, True], ids=["own jobs", "within one job"])
def test_a_grid_of_hundreds_is_read_as_fast_as_a_small_one(is_inner):
    """No more parts are read for a snapshot of the 60th cell than for one of the third."""
    driver = SimulatedRequest(is_inner)
    driver.cells.declare(240)
    read = []
    for _ in range(60):
        driver.make_cell(CellPlan(build_shape(2, images=4), True))
        read.append(len(driver.job.begun_parts) + len(driver.cells.earlier_parts) + len(driver.job.passes))
    assert read[-1] <= read[3]
