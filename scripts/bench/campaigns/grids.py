"""One bar over many cells, without a host: how true it is, what a look costs, and what a grid keeps."""

from __future__ import annotations

import gc
import time
import tracemalloc
from collections.abc import Sequence
from statistics import median

from bench.terminal.table import Row, build_table
from bench.truth.simulated_request import SimulatedRequest, build_shape, make_request
from zluda_sync.core.progress.cells_ahead import CellPlan
from zluda_sync.core.progress.shape import JobShape

#: Bounds of the errors: first and learned, and of the bar where nobody says how many cells come.
FIRST_BAR, FIRST_ETA, LEARNED_BAR, LEARNED_ETA, OPEN_BAR = 0.06, 0.10, 0.02, 0.03, 0.25
CELLS, IMAGES, QUICK_CELLS = 200, 4, 40
LONGEST_LOOK_MS = 1.0
#: Bytes that a cell may leave behind, its own four images' times among them: a few hundred numbers.
MOST_KEPT_BYTES = 16_384
GAP_S = 0.3
KINDS: dict[str, list[JobShape]] = {
    "6 alike": [build_shape()] * 6,
    "4, 8, 12 and 20 steps": [build_shape(steps) for steps in (4, 8, 12, 20)],
    "256, 512 and 768 px": [build_shape(side_px=side_px) for side_px in (256, 512, 768)],
    "3 of 3 images": [build_shape(images=3)] * 3,
    "40 alike": [build_shape(4)] * 40,
}
BAR_COLUMNS = (
    ("kind", "cells", ""),
    ("told", "told before", ""),
    ("within", "made", ""),
    ("bar", "bar error", ".3f"),
    ("eta", "ETA error", ".3f"),
    ("falls", "falls", "d"),
    ("missed", "missed", ""),
)
LOOK_COLUMNS = (
    ("cell", "cell", "d"),
    ("within", "made", ""),
    ("look_ms", "a look, median ms", ".3f"),
    ("worst_ms", "longest of 50", ".3f"),
    ("kept_bytes", "bytes kept per cell since", ".0f"),
    ("missed", "missed", ""),
)
WITHIN = {False: "one after the other", True: "within one call"}


def run_grids(quick: bool) -> int:
    """Print both tables; 0 if no target is missed."""
    rows = [row for is_inner in WITHIN for name in KINDS for row in _measure_kind(name, is_inner)]
    print(build_table(rows, BAR_COLUMNS))
    cells = QUICK_CELLS if quick else CELLS
    looks = [row for is_inner in WITHIN for row in _measure_looks(cells, is_inner)]
    print(f"\n{cells} cells of {IMAGES} images each:\n{build_table(looks, LOOK_COLUMNS)}")
    missed = sum(bool(row["missed"]) for row in (*rows, *looks))
    print(f"{missed} of {len(rows) + len(looks)} rows miss a target")
    return int(missed > 0)


def _measure_kind(name: str, is_inner: bool) -> list[Row]:
    shapes = KINDS[name]
    images = sum(one.images for one in shapes)
    first, learned = make_request(shapes, images, is_inner, foresees=True, gap_s=GAP_S)
    again, _ = make_request(shapes, images, is_inner, learned=learned, gap_s=GAP_S)
    silent, _ = make_request(shapes, None, is_inner, gap_s=GAP_S)
    return [
        _build_bar_row(name, "number and axes", is_inner, first, FIRST_BAR, FIRST_ETA),
        _build_bar_row(name, "made before", is_inner, again, LEARNED_BAR, LEARNED_ETA),
        _build_bar_row(name, "nothing", is_inner, silent, OPEN_BAR, None),
    ]


def _build_bar_row(
    name: str, told: str, is_inner: bool, made: SimulatedRequest, bar_bound: float, eta_bound: float | None
) -> Row:
    bar, eta, falls = made.bar_error(), made.eta_error(), made.falls()
    misses = [f"bar > {bar_bound}"] if bar > bar_bound else []
    misses += [f"ETA > {eta_bound}"] if eta_bound is not None and eta > eta_bound else []
    misses += ["falls"] if falls else []
    return {
        "kind": name,
        "told": told,
        "within": WITHIN[is_inner],
        "bar": bar,
        "eta": eta,
        "falls": falls,
        "missed": "; ".join(misses),
    }


def _measure_looks(cells: int, is_inner: bool) -> list[Row]:
    """Make a long grid, and take 50 looks after some of its cells."""
    request = SimulatedRequest(is_inner, is_watched=False)
    request.cells.declare(cells * IMAGES)
    plan = CellPlan(build_shape(20, IMAGES), True)
    rows: list[Row] = []
    tracemalloc.start()
    before_bytes, before_cell = 0, 0
    for cell in range(1, cells + 1):
        request.make_cell(plan)
        if cell in (cells // 4, cells // 2, cells):
            gc.collect()
            kept_bytes, _peak = tracemalloc.get_traced_memory()
            per_cell = (kept_bytes - before_bytes) / (cell - before_cell)
            before_bytes, before_cell = kept_bytes, cell
            rows.append(_build_look_row(cell, is_inner, _time_looks(request), per_cell, is_begin=not rows))
    tracemalloc.stop()
    return rows


def _time_looks(request: SimulatedRequest) -> Sequence[float]:
    took_ms = []
    for _ in range(50):
        began_s = time.perf_counter()
        request.snapshot()
        took_ms.append(1000 * (time.perf_counter() - began_s))
    return took_ms


def _build_look_row(
    cell: int, is_inner: bool, took_ms: Sequence[float], kept_bytes: float, is_begin: bool
) -> Row:
    misses = [f"look > {LONGEST_LOOK_MS:.0f} ms"] if median(took_ms) > LONGEST_LOOK_MS else []
    misses += ["memory grows"] if not is_begin and kept_bytes > MOST_KEPT_BYTES else []
    return {
        "cell": cell,
        "within": WITHIN[is_inner],
        "look_ms": median(took_ms),
        "worst_ms": max(took_ms),
        "kept_bytes": kept_bytes,
        "missed": "; ".join(misses),
    }
