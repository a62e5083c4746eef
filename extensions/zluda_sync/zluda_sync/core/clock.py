"""The one source of time: a function, so that a test can hold the clock still."""

from __future__ import annotations

import time
from collections.abc import Callable

#: Seconds from an arbitrary start, never going back.
Clock = Callable[[], float]

SYSTEM_CLOCK: Clock = time.perf_counter


class PausableClock:
    """A clock that stands still while a job is paused, so that a pause counts as no work.

    Paused and resumed by the thread that runs the job; read by any.
    """

    def __init__(self, clock: Clock = SYSTEM_CLOCK) -> None:
        self._clock = clock
        self._stood_s = 0.0
        self._paused_at_s: float | None = None

    def __call__(self) -> float:
        """Return seconds, less those of all pauses."""
        paused_at_s = self._paused_at_s
        return (self._clock() if paused_at_s is None else paused_at_s) - self._stood_s

    def pause(self) -> None:
        """Stand still from now on."""
        self._paused_at_s = self._clock()

    def resume(self) -> None:
        """Go on from where it stood; a clock that runs goes on running."""
        if self._paused_at_s is not None:
            stood_s, self._paused_at_s = self._clock() - self._paused_at_s, None
            self._stood_s += stood_s
