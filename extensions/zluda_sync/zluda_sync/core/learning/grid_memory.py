"""What earlier requests of many cells have taught: how many come, and how long each takes."""

from __future__ import annotations

import hashlib
import json
import math
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from zluda_sync.core.files import JsonFile

FORMAT_VERSION = 1
#: Requests that are remembered, and cells of each.
MAX_GRIDS, MAX_CELLS = 60, 400
#: Numbers of cells that are remembered of a script.
MAX_COUNTS = 9


@dataclass(frozen=True)
class CellTimes:
    """One cell, in seconds: what came between it and the one before, and itself."""

    gap_s: float
    duration_s: float


@dataclass(frozen=True)
class LearnedGrid:
    """A request that was made before: its cells in order, and what came after the last one, in seconds."""

    cells: tuple[CellTimes, ...]
    tail_s: float = 0.0

    @property
    def length_s(self) -> float:
        """What the whole request took."""
        return sum(one.gap_s + one.duration_s for one in self.cells) + self.tail_s


@dataclass(frozen=True)
class GridKey:
    """Under what a request of many cells is kept.

    Attributes:
        script: what asks for the cells: a script's title, or the host's function.
        digest: of all that was asked for, arguments and shape; nothing of it can be read back.
    """

    script: str
    digest: str

    @classmethod
    def of(cls, script: str, asked: Mapping[str, Any]) -> GridKey:
        """Return the key of a request.

        Args:
            script: what asks for the cells.
            asked: all that decides how its cells go; of what is no plain value only the type counts.
        """
        text = json.dumps(_plain(asked), sort_keys=True)
        return cls(script, hashlib.sha256(text.encode()).hexdigest()[:24])


class GridMemory:
    """Remembers the newest requests of many cells. One thread at a time learns; any may ask."""

    def __init__(self, folder: Path, warn: Callable[[str], None]) -> None:
        file = folder / "zluda_sync" / "grids.json"
        self._file = JsonFile(file, "learned grids", _parse, warn)
        self._grids: OrderedDict[str, LearnedGrid] | None = None
        self._counts: dict[str, list[int]] = {}

    def find(self, key: GridKey) -> LearnedGrid | None:
        """Return what a request of this very kind took when it was made last, None if it never was."""
        return self._loaded().get(key.digest)

    def usual_cells(self, key: GridKey) -> int | None:
        """Return how many cells the script of a request mostly makes, None if it was never seen."""
        self._loaded()
        counts = self._counts.get(key.script)
        return round(median(counts)) if counts else None

    def learn(self, key: GridKey, grid: LearnedGrid) -> None:
        """Keep what a whole request took."""
        grids = self._loaded()
        self._counts[key.script] = [*self._counts.get(key.script, ()), len(grid.cells)][-MAX_COUNTS:]
        while len(self._counts) > MAX_GRIDS:
            self._counts.pop(next(iter(self._counts)))
        known = grids.pop(key.digest, None)
        grids[key.digest] = _follow(known, grid)
        while len(grids) > MAX_GRIDS:
            grids.popitem(last=False)
        self._file.save(
            {
                "version": FORMAT_VERSION,
                "grids": {
                    digest: {
                        "cells": [[round(c.gap_s, 4), round(c.duration_s, 4)] for c in one.cells],
                        "tail_s": round(one.tail_s, 4),
                    }
                    for digest, one in grids.items()
                },
                "counts": self._counts,
            }
        )

    def _loaded(self) -> OrderedDict[str, LearnedGrid]:
        if self._grids is None:
            loaded = self._file.load()
            self._grids, self._counts = loaded if loaded is not None else (OrderedDict(), {})
        return self._grids


def _follow(known: LearnedGrid | None, newest: LearnedGrid) -> LearnedGrid:
    """Return what to expect after the newest of two: the mean, where they agree; else the newest."""
    cells = newest.cells[:MAX_CELLS]
    if known is None or len(known.cells) != len(cells):
        return LearnedGrid(cells, newest.tail_s)
    pairs = zip(known.cells, cells, strict=True)
    return LearnedGrid(
        tuple(CellTimes(_mid(a.gap_s, b.gap_s), _mid(a.duration_s, b.duration_s)) for a, b in pairs),
        _mid(known.tail_s, newest.tail_s),
    )


def _mid(known_s: float, newest_s: float) -> float:
    is_alike = abs(known_s - newest_s) <= 0.2 * max(known_s, newest_s)
    return (known_s + newest_s) / 2 if is_alike else newest_s


def _parse(tree: Any) -> tuple[OrderedDict[str, LearnedGrid], dict[str, list[int]]]:
    try:
        if tree["version"] != FORMAT_VERSION:
            raise ValueError(f"version {tree['version']} is not {FORMAT_VERSION}")
        grids: OrderedDict[str, LearnedGrid] = OrderedDict()
        for digest, one in list(tree["grids"].items())[-MAX_GRIDS:]:
            cells = tuple(CellTimes(_seconds(gap), _seconds(own)) for gap, own in one["cells"][:MAX_CELLS])
            grids[str(digest)] = LearnedGrid(cells, _seconds(one["tail_s"]))
        counts = {
            str(name): [max(1, int(count)) for count in numbers[-MAX_COUNTS:]]
            for name, numbers in list(tree["counts"].items())[-MAX_GRIDS:]
        }
    except (KeyError, TypeError, AttributeError, OverflowError) as error:
        raise ValueError(f"not of the expected form: {error!r}") from error
    return grids, counts


def _seconds(value: Any) -> float:
    seconds = float(value)
    if not 0 <= seconds < math.inf:
        raise ValueError(f"{value} is no duration")
    return seconds


def _plain(value: Any, depth: int = 4) -> Any:
    """Return what of a value is the same each time it is asked for."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if depth and isinstance(value, (list, tuple)):
        return [_plain(one, depth - 1) for one in value]
    if depth and isinstance(value, Mapping):
        return {str(name): _plain(one, depth - 1) for name, one in value.items()}
    return type(value).__name__
