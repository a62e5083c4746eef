"""The host's functions that have called ours: what it tells nowhere else, their variables do."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import FrameType


def callers(most: int) -> Iterator[FrameType]:
    """Return the frames of those that have called the function which asks, the innermost first.

    Args:
        most: frames that are looked at.
    """
    return _walk(sys._getframe(2), most)


def _walk(frame: FrameType | None, most: int) -> Iterator[FrameType]:
    for _ in range(most):
        if frame is None:
            return
        yield frame
        frame = frame.f_back
