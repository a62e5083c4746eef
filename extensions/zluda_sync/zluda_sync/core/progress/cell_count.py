"""How many cells a request has: as was said, as it was before, or as far as the code around them tells."""

from __future__ import annotations

from zluda_sync.core.progress.cells_ahead import CellPlan


class CellCount:
    """Counts cells and their images. Its owner holds a lock around each call.

    Attributes:
        declared: images of the request, or its cells, as was said; None if nothing was.
    """

    def __init__(self) -> None:
        self.declared: int | None = None
        self._are_cells = False
        self._images_done = 0
        self._cells_done = 0

    @property
    def is_declared(self) -> bool:
        """Whether it was said how much will come."""
        return self.declared is not None

    def declare(self, count: int, are_cells: bool) -> None:
        """So many images come from now on, or cells of as many images as each has."""
        if count > 0:
            self._are_cells = are_cells
            self.declared = count + (self._cells_done if are_cells else self._images_done)

    def end_cell(self, plan: CellPlan) -> None:
        """A cell is over."""
        self._cells_done += 1
        self._images_done += _images_of(plan)

    def find_cells(self, plan: CellPlan, number: int, is_in_cell: bool) -> int | None:
        """Return how many cells there are, None while nobody knows.

        Args:
            plan: of the cell that is made, or was last.
            number: its zero-based index.
            is_in_cell: whether it is made now.
        """
        if plan.learned is not None and plan.may_come_again and not self.is_declared:
            return max(len(plan.learned.cells), number + 1)
        if self.is_declared:
            return number + 1 + max(0, round(self.find_to_come(plan, number, is_in_cell) or 0.0))
        return None if plan.may_come_again else max(number, 0) + 1

    def find_to_come(self, plan: CellPlan, number: int, is_in_cell: bool) -> float | None:
        """Return how many cells follow that one, None while nobody knows."""
        if self.declared is not None:
            if self._are_cells:
                return float(max(0, self.declared - self._cells_done - is_in_cell))
            left = self.declared - self._images_done - (_images_of(plan) if is_in_cell else 0)
            # All that were declared may have been made, and the code goes on all the same.
            return max(0.0, left / _images_of(plan))
        if plan.foreseen:
            return float(max(0, len(plan.foreseen) - number - 1))
        if plan.learned is not None and plan.may_come_again:
            return float(max(0, len(plan.learned.cells) - number - 1))
        return None if plan.may_come_again else 0.0


def _images_of(plan: CellPlan) -> int:
    return max(1, plan.shape.images) if plan.shape is not None else 1
