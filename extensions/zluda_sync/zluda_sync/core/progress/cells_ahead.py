"""How long the cells take that are still to come, from those that are over and what is foreseen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from zluda_sync.core.learning.grid_memory import CellTimes, LearnedGrid
from zluda_sync.core.progress.forecast import forecast_whole
from zluda_sync.core.progress.job import Job
from zluda_sync.core.progress.memory import NOTHING_LEARNED, Memory
from zluda_sync.core.progress.part import Part
from zluda_sync.core.progress.shape import JobShape

#: Parts of earlier cells that are kept to judge later ones by.
MOST_EARLIER = 32
#: Shapes of cells to come that are judged anew for one snapshot: a grid of many sizes costs no more than few.
MOST_JUDGED = 4
#: How far the cells of this run may differ from those of the same request before.
LEAST_DRIFT, MOST_DRIFT = 0.3, 3.0


@dataclass(frozen=True)
class CellPlan:
    """What is known of a cell when it begins.

    Attributes:
        shape: what is asked for in it, None if unknown.
        may_come_again: whether the code that makes it may make another one.
        foreseen: the shapes of all cells of the request in order, this one among them; empty if unknown.
        learned: how long the cells of the same request took before, None if it was not made before.
        usual_cells: how many cells the same script mostly makes, None if that is not known.
        memory_for: gives what earlier jobs of a shape have taught.
        is_around: whether it is no cell itself, for the same call made its cells within itself before.
    """

    shape: JobShape | None = None
    may_come_again: bool = False
    foreseen: tuple[JobShape, ...] = ()
    learned: LearnedGrid | None = None
    usual_cells: int | None = None
    memory_for: Callable[[JobShape], Memory | None] = lambda shape: None
    is_around: bool = False


class CellsAhead:
    """Judges what is to come. Its owner holds a lock around each call."""

    def __init__(self) -> None:
        self._plan: CellPlan | None = None
        self._number = 0
        self._earlier: Sequence[Part] = ()
        self._times: Sequence[CellTimes] = ()
        self._judged: dict[JobShape, tuple[object, float]] = {}
        self._to_come: dict[JobShape, int] = {}

    def begin_cell(self, plan: CellPlan, number: int) -> None:
        """A cell begins, or something else is asked for in it."""
        self._plan, self._number = plan, number
        self._to_come = {}
        for shape in plan.foreseen[number + 1 :] if plan.foreseen else (plan.shape,):
            if shape is not None:
                self._to_come[shape] = self._to_come.get(shape, 0) + 1

    def end_cell(self, earlier: Sequence[Part], times: Sequence[CellTimes]) -> None:
        """A cell is over.

        Args:
            earlier: parts of cells that are over.
            times: what each cell took, and what came before it.
        """
        self._earlier, self._times = earlier, times

    def mean_cell_s(self, current_s: float) -> float:
        """Return what a cell takes, gap included.

        Args:
            current_s: what the one that is made is thought to take, the only one to go by at first.
        """
        if not self._times:
            return current_s
        return sum(one.duration_s for one in self._times) / len(self._times) + self._mean_gap_s

    def left_s(self, job: Job | None, to_come: float, current_s: float) -> float | None:
        """Return what so many cells to come take, and what follows the last one; None if unknown.

        Args:
            job: of the cell that is made, or was last.
            to_come: cells that follow it.
            current_s: what it is thought to take as a whole.
        """
        plan = self._plan
        learned = plan.learned if plan is not None else None
        if learned is not None and self._number + 1 + round(to_come) == len(learned.cells):
            rest = learned.cells[self._number + 1 :]
            return self._drift * (sum(one.gap_s + one.duration_s for one in rest) + learned.tail_s)
        if to_come <= 0:
            return 0.0
        gaps_s = to_come * self._mean_gap_s
        counts = self._to_come
        if not counts:
            return to_come * (self.mean_cell_s(current_s) - self._mean_gap_s) + gaps_s
        self._judge(job, list(counts))
        known = {shape: self._judged[shape][1] for shape in counts if shape in self._judged}
        if not known:
            return to_come * current_s + gaps_s
        # What has not been judged yet is judged by its work.
        per_work_s = sum(known.values()) / sum(map(_work_of, known))
        each_s = sum(
            count * known.get(shape, per_work_s * _work_of(shape)) for shape, count in counts.items()
        ) / sum(counts.values())
        return to_come * each_s + gaps_s

    @property
    def next_gap_s(self) -> float:
        """What is expected to pass before the next cell begins; after the last, until the request ends."""
        learned = self._plan.learned if self._plan is not None else None
        if learned is None:
            return self._mean_gap_s
        rest = learned.cells[self._number + 1 :]
        return self._drift * (rest[0].gap_s if rest else learned.tail_s)

    @property
    def _mean_gap_s(self) -> float:
        gaps = [one.gap_s for one in self._times[1:]]
        return sum(gaps) / len(gaps) if gaps else 0.0

    @property
    def _drift(self) -> float:
        """How much longer the cells of this run take than those of the same request did before."""
        learned = self._plan.learned if self._plan is not None else None
        if learned is None or not self._times:
            return 1.0
        pairs = list(zip(self._times, learned.cells, strict=False))
        before_s = sum(one.duration_s for _, one in pairs)
        now_s = sum(one.duration_s for one, _ in pairs)
        return min(max(now_s / before_s, LEAST_DRIFT), MOST_DRIFT) if before_s > 0 else 1.0

    def _judge(self, job: Job | None, shapes: Sequence[JobShape]) -> None:
        """Judge some of the shapes anew for which there is news since they were judged."""
        begun = job.begun_parts if job is not None else []
        ledger = begun[-1].ledger if begun else None
        news = self._number, len(begun), ledger.completed if ledger is not None else None
        stale = [shape for shape in shapes if self._judged.get(shape, (None, 0.0))[0] != news]
        stale.sort(key=lambda shape: shape in self._judged)  # those never judged come first
        for shape in stale[:MOST_JUDGED]:
            known = (self._plan.memory_for(shape) if self._plan is not None else None) or NOTHING_LEARNED
            whole = forecast_whole(shape, known, [*self._earlier, *begun])
            if whole is not None:
                self._judged[shape] = news, whole.remaining_s


def _work_of(shape: JobShape) -> float:
    """Return what the device has to do for a cell, in steps times pixels."""
    steps = sum((one.steps or 1) * shape.pixels_of(one) for one in shape.passes)
    return float(shape.images * max(1, steps))


def newest_of_each(parts: Sequence[Part]) -> list[Part]:
    """Return of each kind and size the newest part that is finished, in order."""
    newest = {(part.kind, part.pixels): part for part in parts if part.is_finished}
    kept = set(map(id, newest.values()))
    return [part for part in parts if id(part) in kept][-MOST_EARLIER:]
