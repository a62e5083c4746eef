"""Requests of many cells that nobody computes, under a virtual clock: what one bar says over all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bench.truth.figures import SAMPLE_PERIOD_S, bar_error, eta_error, falls
from bench.truth.measured_job import MeasuredJob, Sample
from zluda_sync.core.learning.grid_memory import LearnedGrid
from zluda_sync.core.phase import BASE, Phase
from zluda_sync.core.progress.cells import RequestCells
from zluda_sync.core.progress.cells_ahead import CellPlan
from zluda_sync.core.progress.job import Job
from zluda_sync.core.progress.shape import JobShape, PassShape
from zluda_sync.core.progress.snapshot import ProgressSnapshot
from zluda_sync.core.steps.policy import SyncMode
from zluda_sync.core.wishes.request_wishes import Ending

#: What a step and a decode of a picture of 512 x 512 take.
STEP_S, DECODE_S = 0.2, 0.5
PIXELS = 512 * 512


class SimulatedClock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def build_shape(steps: int = 8, images: int = 1, side_px: int = 512) -> JobShape:
    """Return what is asked for with one cell."""
    passes = (PassShape(BASE, steps, side_px, side_px),)
    return JobShape(images=images, passes=passes, phases=(Phase.DECODE,))


class SimulatedRequest:
    """Makes the cells of a request as a host and a device do, and samples bar and ETA ten times a second.

    Args:
        is_inner: whether the cells lie within a call around them, and share its job.
        is_watched: whether somebody looks; without, nothing is sampled.

    Attributes:
        samples: what was seen.
        ending: how the user wants it to end.
    """

    def __init__(self, is_inner: bool = False, is_watched: bool = True) -> None:
        self.clock = SimulatedClock()
        self.cells = RequestCells(self.clock)
        self.is_inner = is_inner
        self.is_watched = is_watched
        self.samples: list[Sample] = []
        self.ending: Ending | None = None
        self.job = Job(SyncMode.EVERY_STEP, build_shape(), clock=self.clock)
        if is_inner:
            self.cells.begin_cell(self.job, CellPlan(build_shape()))

    @property
    def labels(self) -> list[str]:
        """What the bar said, sample by sample."""
        return [sample.job for sample in self.samples]

    def snapshot(self) -> ProgressSnapshot:
        """Return what whoever looks now is shown."""
        return self.cells.complete(self.job, replace(self.job.snapshot(), ending=self.ending))

    def spend(self, seconds: float) -> None:
        """Let time pass."""
        if not self.is_watched:
            self.clock.now_s += seconds
            return
        left_s = seconds
        while left_s > 1e-9:
            piece_s = min(SAMPLE_PERIOD_S, left_s)
            self.clock.now_s += piece_s
            left_s -= piece_s
            shown, now_s = self.snapshot(), self.clock.now_s
            self.samples.append(Sample(now_s, now_s, shown.fraction, shown.eta_s, job=shown.label))

    def begin_cell(self, plan: CellPlan) -> None:
        """Begin a cell, and nothing in it."""
        if self.is_inner:
            self.job.begin_cell(plan.shape)
        else:
            earlier = self.cells.earlier_parts
            self.job = Job(SyncMode.EVERY_STEP, plan.shape, clock=self.clock, earlier=earlier)
        self.cells.begin_cell(self.job, plan, self.is_inner)

    def make_cell(self, plan: CellPlan, gap_s: float = 0.0) -> None:
        """Make a cell, after the script's own work."""
        self.spend(gap_s)
        self.begin_cell(plan)
        asked = plan.shape or build_shape()
        scale, steps = asked.base_pixels / PIXELS, asked.passes[0].steps or 0
        for image in range(asked.images):
            part, ledger = self.job.begin_pass(BASE, image)
            self.job.expect_total(part, steps)
            for step in range(steps):
                self.spend(STEP_S * scale)
                ledger.record_launch()
                ledger.record_completion(step)
            self.job.leave_part()
            self.job.begin_part(Phase.DECODE, BASE, image)
            self.spend(DECODE_S * scale)
            self.job.leave_part()
        self.end_cell()

    def end_cell(self) -> None:
        """End the cell that was begun."""
        if self.is_inner:
            self.job.end_cell()
        else:
            self.job.end_parts()
        self.cells.end_cell()

    def deliver(self) -> LearnedGrid | None:
        """End the request; returns what it teaches."""
        self.job.deliver()
        return self.cells.deliver()

    def build_measured(self) -> MeasuredJob:
        """Return what was seen, for the figures."""
        return MeasuredJob(0.0, self.clock.now_s, samples=self.samples)

    def bar_error(self) -> float:
        """Return the mean error of the bar."""
        return bar_error(self.build_measured())[0] or 0.0

    def eta_error(self) -> float:
        """Return the mean error of the ETA as a share of the request."""
        return eta_error(self.build_measured())[0] or 0.0

    def falls(self) -> int:
        """Return how often the bar went back."""
        return falls(self.build_measured()) or 0


def make_request(
    shapes: Sequence[JobShape],
    declared: int | None = None,
    is_inner: bool = False,
    foresees: bool = False,
    learned: LearnedGrid | None = None,
    gap_s: float = 0.0,
) -> tuple[SimulatedRequest, LearnedGrid | None]:
    """Make a request of these cells.

    Args:
        shapes: what each cell asks for.
        declared: images that the script says it makes, None if it says nothing.
        is_inner: whether the cells lie within a call around them.
        foresees: whether the shapes are known before.
        learned: what the same request took before.
        gap_s: the script's own work between two cells.
    """
    request = SimulatedRequest(is_inner)
    if declared is not None:
        request.cells.declare(declared)
    foreseen = tuple(shapes) if foresees else ()
    for index, one in enumerate(shapes):
        request.make_cell(CellPlan(one, True, foreseen, learned), gap_s if index else 0.0)
    return request, request.deliver()
