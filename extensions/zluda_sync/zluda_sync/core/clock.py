"""The one source of time: a function, so that a test can hold the clock still."""

from __future__ import annotations

import time
from collections.abc import Callable

#: Seconds from an arbitrary start, never going back.
Clock = Callable[[], float]

SYSTEM_CLOCK: Clock = time.perf_counter


class PausableClock:
    """A clock that stands still while a job is paused, so that a pause counts as no work.

    Paused and resumed by the thread that runs the job; read by any, without a lock.
    """

    def __init__(self, clock: Clock = SYSTEM_CLOCK) -> None:
        self._clock = clock
        # Seconds that it has stood, and since when it stands: one tuple, replaced and never changed.
        self._stand: tuple[float, float | None] = (0.0, None)

    def __call__(self) -> float:
        """Return seconds, less those of all pauses."""
        while True:
            stand = self._stand
            stood_s, paused_at_s = stand
            now_s = self._clock() if paused_at_s is None else paused_at_s
            if self._stand is stand:  # else it was paused or resumed while the time was read
                return now_s - stood_s

    def pause(self) -> None:
        """Stand still from now on."""
        self._stand = (self._stand[0], self._clock())

    def resume(self) -> None:
        """Go on from where it stood; a clock that runs goes on running."""
        stood_s, paused_at_s = self._stand
        if paused_at_s is not None:
            self._stand = (stood_s + self._clock() - paused_at_s, None)
