"""What earlier requests of many cells have taught: how many come, and how long each takes."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from zluda_sync.core.files import JsonFile
from zluda_sync.core.learning.late_saver import LateSaver

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


@dataclass(frozen=True)
class _Known:
    """All that is known, the most recently learned last. Replaced whole, never changed."""

    grids: Mapping[str, LearnedGrid] = field(default_factory=dict)
    counts: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return a tree that :func:`_parse` reads back."""
        return {
            "version": FORMAT_VERSION,
            "grids": {
                digest: {
                    "cells": [[round(c.gap_s, 4), round(c.duration_s, 4)] for c in one.cells],
                    "tail_s": round(one.tail_s, 4),
                }
                for digest, one in self.grids.items()
            },
            "counts": dict(self.counts),
        }


class GridMemory:
    """Remembers the newest requests of many cells. One thread at a time learns; any may ask.

    Args:
        folder: the user's data folder.
        warn: told in one sentence of a file that cannot be used.
        saver: writes the file.
    """

    def __init__(self, folder: Path, warn: Callable[[str], None], saver: LateSaver) -> None:
        file = folder / "zluda_sync" / "grids.json"
        self._file = JsonFile(file, "learned grids", _parse, warn)
        self._saver = saver
        self._known: _Known | None = None

    def find(self, digest: str) -> LearnedGrid | None:
        """Return what a request of this very kind took when it was made last, None if it never was."""
        return self._loaded().grids.get(digest)

    def usual_cells(self, script: str) -> int | None:
        """Return how many cells a script mostly makes, None if it was never seen."""
        counts = self._loaded().counts.get(script)
        return round(median(counts)) if counts else None

    def learn(self, key: GridKey, grid: LearnedGrid) -> None:
        """Keep what a whole request took; waits for no disk."""
        known = self._loaded()
        grids, counts = dict(known.grids), dict(known.counts)
        counts[key.script] = (*counts.get(key.script, ()), len(grid.cells))[-MAX_COUNTS:]
        grids[key.digest] = _follow(grids.pop(key.digest, None), grid)
        self._known = _Known(dict([*grids.items()][-MAX_GRIDS:]), dict([*counts.items()][-MAX_GRIDS:]))
        self._saver.save(self._file, self._known.to_json)

    def _loaded(self) -> _Known:
        if self._known is None:
            self._known = self._file.load() or _Known()
        return self._known


def digest_of(asked: Mapping[str, Any]) -> str:
    """Return the digest of all that decides how the cells of a request go.

    Args:
        asked: for; of what is no plain value only the type counts.
    """
    text = json.dumps(_plain(asked), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:24]


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


def _parse(tree: Any) -> _Known:
    try:
        if tree["version"] != FORMAT_VERSION:
            raise ValueError(f"version {tree['version']} is not {FORMAT_VERSION}")
        grids: dict[str, LearnedGrid] = {}
        for digest, one in list(tree["grids"].items())[-MAX_GRIDS:]:
            cells = tuple(CellTimes(_seconds(gap), _seconds(own)) for gap, own in one["cells"][:MAX_CELLS])
            grids[str(digest)] = LearnedGrid(cells, _seconds(one["tail_s"]))
        counts = {
            str(name): tuple(max(1, int(count)) for count in numbers[-MAX_COUNTS:])
            for name, numbers in list(tree["counts"].items())[-MAX_GRIDS:]
        }
    except (KeyError, TypeError, AttributeError, OverflowError) as error:
        raise ValueError(f"not of the expected form: {error!r}") from error
    return _Known(grids, counts)


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
