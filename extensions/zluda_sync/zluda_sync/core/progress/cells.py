"""The cells of a request: one bar and one ETA over all picture calls that one press makes."""

from __future__ import annotations

import threading
from dataclasses import replace

from zluda_sync.core.clock import SYSTEM_CLOCK, Clock
from zluda_sync.core.learning.grid_memory import CellTimes, GridKey, LearnedGrid
from zluda_sync.core.phase import BASE, Phase
from zluda_sync.core.progress.cell_count import CellCount
from zluda_sync.core.progress.cells_ahead import CellPlan, CellsAhead, newest_of_each
from zluda_sync.core.progress.forecast import OVERRUN_SHARE
from zluda_sync.core.progress.job import UNDELIVERED_MAX, Job
from zluda_sync.core.progress.part import Part
from zluda_sync.core.progress.shape import JobShape
from zluda_sync.core.progress.snapshot import ProgressSnapshot
from zluda_sync.core.wishes.request_wishes import ENDS_REQUEST

#: The bar stops here while more cells may come than are known of.
OPEN_ENDED_MAX = 0.95
#: So many cells are thought to come where nobody says how many; once they are made, as many again. Whatever
#: their number, the bar is then off by a quarter on the average, and not more.
LEAST_CELLS = 1.65
#: Relative uncertainty of cells to come: learned, judged by others, of no known number.
LEARNED_SPREAD, JUDGED_SPREAD, OPEN_SPREAD = 0.04, 0.1, 1.0


class RequestCells:
    """Knows how far a request is. A request of one cell is shown as its job shows itself.

    The thread that runs the request tells of its cells; anybody may have a snapshot completed.

    Args:
        clock: seconds.

    Attributes:
        key: under which a request of many cells is remembered, None for one that is not.
        is_usual: whether the next request like it takes as long; set by who learns from its jobs.
    """

    def __init__(self, clock: Clock = SYSTEM_CLOCK) -> None:
        self.key: GridKey | None = None
        self.is_usual = True
        self._clock = clock
        self._lock = threading.Lock()
        self._job: Job | None = None
        self._plan = CellPlan()
        self._number = -1
        self._is_in_cell = False
        self._cell_began_s = 0.0  # by the job's own clock, since its begin
        self._before_s = 0.0  # what the request had taken until the cell began, or the last one ended
        self._ended_at_s: float | None = None
        self._times: list[CellTimes] = []
        self._gap_s = 0.0
        self._count = CellCount()
        self._earlier: list[Part] = []
        self._ahead = CellsAhead()
        self._between: tuple[Phase, float] | None = None
        self._fraction = 0.0
        self._newest: ProgressSnapshot | None = None
        self._is_delivered = False
        self._is_whole = True

    # The thread that runs the request.

    def declare(self, count: int, are_cells: bool = False) -> None:
        """The host, or a script, has said how much it will make from now on.

        Within a cell this holds for cells in it, so it comes before anything is computed there; what is said
        later is no news.

        Args:
            count: images that are made one after the other.
            are_cells: whether they are cells instead, of as many images as each has.
        """
        with self._lock:
            if not (self._is_in_cell and self._job is not None and self._job.computes):
                self._count.declare(count, are_cells)

    @property
    def declared(self) -> int | None:
        """How many images or cells the request makes, as was said; None if nothing was."""
        return self._count.declared

    @property
    def is_declared(self) -> bool:
        """Whether it was said how much will come."""
        return self._count.is_declared

    @property
    def foreseen(self) -> tuple[JobShape, ...]:
        """The shapes of all cells in order, as far as they were foreseen."""
        return self._plan.foreseen

    @property
    def is_new(self) -> bool:
        """Whether no cell has ended yet."""
        return not self._times

    @property
    def earlier_parts(self) -> tuple[Part, ...]:
        """The newest parts of cells that are over: what the next one is judged by."""
        return tuple(self._earlier)

    def begin_cell(self, job: Job, plan: CellPlan, is_inner: bool = False) -> None:
        """A cell begins, or a call that makes its pictures by cells.

        Args:
            job: that follows it.
            plan: what is known of it.
            is_inner: whether it lies within a call that makes its pictures by such cells, with one job.
        """
        with self._lock:
            if is_inner and self._is_in_cell:  # the call around it was taken for a cell
                self._number -= 1
                self._leave_cell(job.elapsed_s)
            now_s = self._clock()
            since_s = 0.0 if self._ended_at_s is None else now_s - self._ended_at_s
            self._gap_s = since_s if self._times else self._before_s + since_s
            self._before_s += since_s
            self._cell_began_s = job.elapsed_s if is_inner else 0.0
            self._job, self._plan = job, plan
            if plan.is_around and self._number < 0:
                self._ended_at_s = now_s - job.elapsed_s
                self._ahead.begin_cell(plan, self._number)
                return
            self._number += 1
            self._is_in_cell, self._between = True, None
            self._ahead.begin_cell(plan, self._number)

    def begin_pass(self) -> None:
        """A pass of the job begins: a call that was to make its pictures by cells is a cell itself."""
        with self._lock:
            if self._number < 0 and self._job is not None:
                self._plan = CellPlan(self._plan.shape, memory_for=self._plan.memory_for)
                self._number, self._is_in_cell, self._between, self._ended_at_s = 0, True, None, None
                self._ahead.begin_cell(self._plan, self._number)

    def replan(self, shape: JobShape) -> None:
        """Something else is asked for in the cell than was thought when it began."""
        with self._lock:
            self._plan = replace(self._plan, shape=shape)
            self._ahead.begin_cell(self._plan, self._number)

    def end_cell(self) -> None:
        """The cell has ended; nothing happens if none is made."""
        with self._lock:
            job, plan = self._job, self._plan
            if job is None or not self._is_in_cell:
                return
            self._is_whole = self._is_whole and job.is_whole and not job.was_cut
            duration_s = job.elapsed_s - self._cell_began_s
            self._times.append(CellTimes(self._gap_s, duration_s))
            self._count.end_cell(plan)
            self._leave_cell(duration_s)
            self._earlier = newest_of_each([*self._earlier, *job.begun_parts])
            self._ahead.end_cell(self._earlier, self._times)

    def note_phase(self, phase: Phase | None) -> None:
        """The host has begun or ended something between two cells, such as loading another model."""
        with self._lock:
            self._between = (phase, self._clock()) if phase is not None and not self._is_in_cell else None

    def deliver(self) -> LearnedGrid | None:
        """The request is over: the bar is full. Returns what it teaches, None if it was not whole."""
        with self._lock:
            self._is_delivered = True
            if self._is_in_cell or not (self._is_whole and self._times) or self._ended_at_s is None:
                return None
            return LearnedGrid(tuple(self._times), max(0.0, self._clock() - self._ended_at_s))

    # Any thread.

    @property
    def is_one(self) -> bool:
        """Whether the request has one cell only, as far as is known."""
        return self._number <= 0 and self._find_count() == 1

    @property
    def number(self) -> int:
        """Zero-based index of the cell that is made, or was last."""
        return max(self._number, 0)

    @property
    def spans(self) -> tuple[tuple[float, float | None], ...]:
        """Begin and end of each cell, in seconds since the request's begin; None for the end to come."""
        with self._lock:
            spans: list[tuple[float, float | None]] = []
            now_s = 0.0
            for one in self._times:
                began_s, now_s = now_s + one.gap_s, now_s + one.gap_s + one.duration_s
                spans.append((began_s, now_s))
            if self._is_in_cell:
                spans.append((self._before_s, None))
            return tuple(spans)

    def complete(self, job: Job, snapshot: ProgressSnapshot) -> ProgressSnapshot:
        """Return the snapshot of the job of the newest cell as one of the whole request."""
        with self._lock:
            if job is not self._job and self._newest is not None:
                # The next cell has begun meanwhile: what was said last still holds.
                return self._newest
            if self._number <= 0 and self._find_count() == 1:
                self._fraction = snapshot.fraction  # should more cells come after all, the bar does not fall
                self._newest = snapshot
                return snapshot
            is_ending = snapshot.ending in ENDS_REQUEST
            now_s = self._clock()
            in_cell_s = snapshot.elapsed_s - self._cell_began_s if self._is_in_cell else 0.0
            since_s = 0.0 if self._is_in_cell or self._ended_at_s is None else now_s - self._ended_at_s
            elapsed_s = self._before_s + (in_cell_s if self._is_in_cell else since_s)
            left_s = self._left_s(snapshot, in_cell_s, since_s, is_ending)
            cells = self._find_count()
            # A number that was only learned is no promise.
            is_certain = self._count.is_declared or not self._plan.may_come_again
            is_last = is_ending or (is_certain and cells is not None and self._number >= cells - 1)
            if self._is_delivered:
                self._fraction, left_s = 1.0, 0.0
            elif left_s is not None and elapsed_s > 0:
                share = elapsed_s / (elapsed_s + left_s)
                limit = UNDELIVERED_MAX if is_last else OPEN_ENDED_MAX
                self._fraction = max(self._fraction, min(share, limit))
            spread_s = None if left_s is None else self._spread_s(snapshot, left_s, is_ending)
            completed = replace(
                snapshot,
                cell=max(self._number, 0),
                cells=cells,
                elapsed_s=elapsed_s,
                fraction=self._fraction,
                eta_s=left_s,
                eta_spread_s=spread_s,
            )
            self._newest = self._tell_between(completed, now_s)
            return self._newest

    # With the lock held.

    def _leave_cell(self, duration_s: float) -> None:
        self._before_s += duration_s
        self._ended_at_s = self._clock()
        self._is_in_cell = False

    def _find_count(self) -> int | None:
        return self._count.find_cells(self._plan, self._number, self._is_in_cell)

    def _find_to_come(self) -> float | None:
        return self._count.find_to_come(self._plan, self._number, self._is_in_cell)

    def _left_s(
        self, snapshot: ProgressSnapshot, in_cell_s: float, since_s: float, is_ending: bool
    ) -> float | None:
        """Return how long the request still takes, None if that cannot be told."""
        cell_s = self._cell_left_s(snapshot, in_cell_s)
        if is_ending or cell_s is None:
            return cell_s
        to_come = self._find_to_come()
        if to_come is not None:
            later_s = self._ahead.left_s(self._job, to_come, in_cell_s + cell_s)
            if self._is_in_cell or later_s is None:
                return None if later_s is None else cell_s + later_s
            # Between two cells, or after the last: what is done there may outlast what was expected.
            gap_s = min(later_s, self._ahead.next_gap_s)
            late_s = max(cell_s, OVERRUN_SHARE * (since_s - gap_s))
            return later_s - gap_s + (gap_s - since_s if since_s < gap_s else late_s)
        # Of no known number: as many are thought to come as were made, or as the script mostly makes.
        mean_s = self._ahead.mean_cell_s(in_cell_s + cell_s)
        made = len(self._times) + (in_cell_s / (in_cell_s + cell_s) if self._is_in_cell and cell_s else 0.0)
        usual = self._plan.usual_cells
        if usual is not None and made < usual:
            return max(cell_s, (usual - made) * mean_s)
        return max(cell_s, max(LEAST_CELLS - made, made) * mean_s)

    def _cell_left_s(self, snapshot: ProgressSnapshot, in_cell_s: float) -> float | None:
        if not self._is_in_cell:
            return snapshot.eta_s or 0.0 if self._times else 0.0
        if snapshot.eta_s is not None:
            return snapshot.eta_s
        if not self._times:
            return None
        return max(0.0, self._ahead.mean_cell_s(0.0) - in_cell_s)

    def _spread_s(self, snapshot: ProgressSnapshot, left_s: float, is_ending: bool) -> float:
        cell_spread_s, cell_s = snapshot.eta_spread_s or 0.0, snapshot.eta_s or 0.0
        if is_ending:
            return cell_spread_s
        if self._find_to_come() is None:
            return OPEN_SPREAD * left_s
        share = LEARNED_SPREAD if self._plan.learned is not None else JUDGED_SPREAD
        if not self._times and self._plan.learned is None and cell_s > 0:
            share = max(share, cell_spread_s / cell_s)
        return cell_spread_s + share * max(0.0, left_s - cell_s)

    def _tell_between(self, snapshot: ProgressSnapshot, now_s: float) -> ProgressSnapshot:
        if self._is_in_cell or self._between is None:
            return snapshot
        phase, began_at_s = self._between
        return replace(snapshot, phase=phase, role=BASE, part_elapsed_s=now_s - began_at_s)
