"""What SD.Next's XYZ grids tell of their cells before they make them: steps and sizes along the axes."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from itertools import product
from math import prod
from typing import Any

#: Where the host's state keeps the axes of a grid while it is made.
_AXES = ("xyz_plot_x", "xyz_plot_y", "xyz_plot_z")
#: Fields of a processing object that decide how long it takes.
_FIELDS = frozenset(
    {"steps", "width", "height", "hr_second_pass_steps", "denoising_strength", "refiner_steps", "batch_size"}
)
#: More cells than these are not foreseen one by one.
MOST_CELLS = 1000


class Changed:
    """A processing object as a cell of a grid changes it; the object itself stays as it is.

    Args:
        processing: the object.
        fields: name and value of each field that the cell changes.
    """

    def __init__(self, processing: Any, fields: Mapping[str, Any]) -> None:
        self._processing = processing
        self.__dict__.update(fields)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._processing, name)


def foresee_cells(state: Mapping[str, Any], processing: Any) -> tuple[Changed, ...]:
    """Return all cells of the grid that is made, in the order in which the host makes them; empty if none is.

    Cells that are alike in what counts are one object.

    Args:
        state: the host's own values.
        processing: its object for the first cell.
    Raises:
        Exception: whatever comes of a script that looks like the host's grid, and is not.
    """
    if not getattr(processing, "xyz", False):
        return ()
    axes = [(info.axis, list(info.values)) for info in (state[name] for name in _AXES)]
    if not 0 < prod(len(values) for _, values in axes) <= MOST_CELLS:
        return ()
    fields = [_field_of(option) for option, _ in axes]
    order = _order_by_cost([float(option.cost) for option, _ in axes])
    cells: list[Changed] = []
    alike: dict[str, Changed] = {}
    for combination in product(*(axes[index][1] for index in order)):
        along = zip(order, combination, strict=True)
        named = ((fields[index], value) for index, value in along)
        changed = {name: value for name, value in named if name is not None}
        cells.append(alike.setdefault(repr(changed), Changed(processing, changed)))
    return tuple(cells)


def _order_by_cost(costs: Sequence[float]) -> list[int]:
    """Return the axes from the outermost loop to the innermost: what is dear changes seldom."""
    x, y, z = 0, 1, 2
    if costs[x] > costs[y] and costs[x] > costs[z]:
        first, second = x, (y if costs[y] > costs[z] else z)
    elif costs[y] > costs[x] and costs[y] > costs[z]:
        first, second = y, (x if costs[x] > costs[z] else z)
    elif costs[z] > costs[x] and costs[z] > costs[y]:
        first, second = z, (x if costs[x] > costs[y] else y)
    else:
        first, second = z, y
    return [first, second, ({x, y, z} - {first, second}).pop()]


def _field_of(option: Any) -> str | None:
    """Return which field of the processing object an axis sets, None where it does something else."""
    apply = option.apply
    if getattr(apply, "__qualname__", "").startswith("apply_sampler"):
        return "sampler_name"
    if not getattr(apply, "__qualname__", "").startswith("apply_field."):
        return None
    field = inspect.getclosurevars(apply).nonlocals.get("field")
    return field if field in _FIELDS else None
