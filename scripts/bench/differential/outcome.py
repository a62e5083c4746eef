"""What came of one request: what its client got, what the device did, and what was left behind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

#: Short texts, the same for pictures with the same pixels.
Pictures = tuple[str, ...]


@dataclass(frozen=True)
class Answer:
    """What a client got.

    Attributes:
        status: of HTTP; None where no answer came in time.
        pictures: in order.
    """

    status: int | None
    pictures: Pictures = ()

    @property
    def is_good(self) -> bool:
        """Whether the host says that all went well."""
        return self.status == 200


@dataclass(frozen=True)
class Outcome:
    """What came of one request.

    Attributes:
        answer: what its client got.
        next_answer: what the next plain request gave; it is always the same one.
        waiting_answer: what a request that waited behind it gave, None without one.
        cells: for each image that was made whole, its pictures.
        parts: for each picture that was put together, its parts.
        calls: of the denoiser, in all.
        was_pressed: whether the place of the press was reached.
        press_statuses: what the host said to each press; 0 where there is no route.
        cells_at_press: how many images were whole then.
        calls_after: calls of the denoiser that were queued after the press; None without one.
        calls_while_paused: those between the pause and its end; None without a pause.
        flags_left: the host's flags that were set afterwards.
        shown_left: what the progress routes still showed afterwards, empty when idle.
        reads: what the script read of the flags, where it tells.
    """

    answer: Answer
    next_answer: Answer
    waiting_answer: Answer | None = None
    cells: tuple[Pictures, ...] = ()
    parts: tuple[Pictures, ...] = ()
    calls: int = 0
    was_pressed: bool = False
    press_statuses: tuple[int, ...] = ()
    cells_at_press: int = 0
    calls_after: int | None = None
    calls_while_paused: int | None = None
    flags_left: frozenset[str] = frozenset()
    shown_left: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()

    def pictures_whole(self, cells: int | None = None) -> frozenset[str]:
        """Return the pictures of the first so many images that were made whole, of all of them if None."""
        return frozenset(picture for cell in self.cells[:cells] for picture in cell)


def read_record(record: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of an outcome that the press device tells."""
    return {
        "cells": _nested(record["cells"]),
        "parts": _nested(record["parts"]),
        "calls": record["calls"],
        "was_pressed": record["cells_at_press"] is not None,
        "press_statuses": tuple(record["statuses"]),
        "cells_at_press": record["cells_at_press"] or 0,
        "calls_after": record["calls_after"],
        "calls_while_paused": record["calls_while_paused"],
        "reads": tuple(record["reads"]),
    }


def _nested(rows: Sequence[Sequence[str]]) -> tuple[Pictures, ...]:
    return tuple(tuple(row) for row in rows)
