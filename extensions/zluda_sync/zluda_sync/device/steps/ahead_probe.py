"""Notices in use that the host runs ahead, where nothing of it is replaced and no step tells of itself.

A mark is left in the GPU's queue from beside, a few times a job. How long the GPU takes to pass it, against
the time in which the host has counted its steps, tells how many steps lie between the two.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from zluda_sync.core.clock import SYSTEM_CLOCK, Clock
from zluda_sync.device.steps.accelerator import Accelerator, Event
from zluda_sync.device.steps.capture_mode import leave_captures_alone

#: The host is seen ahead when so many steps lie between it and the GPU, and at least so much time.
LEAST_AHEAD, LEAST_LAG_S = 3.0, 0.1
#: Graphs are captured in the first steps: no mark is left there.
FIRST_STEP = 3
#: Pause between two looks, in seconds; a captured step is launched within milliseconds.
LOOK_S = 0.005
#: Pause once all marks of a loop are left, until another loop begins.
REST_S = 0.1
#: So many marks are left in one loop.
MOST_MARKS = 3


class AheadProbe:
    """Looks at one job from a thread of its own, until it is seen ahead or ends.

    Args:
        accelerator: that computes it.
        read_step: gives the host's own count of steps; it counts launches.
        tell: called with the number of steps, once, if the host is seen ahead. On the probe's thread.
        clock: seconds.
    """

    def __init__(
        self,
        accelerator: Accelerator,
        read_step: Callable[[], Any],
        tell: Callable[[int], None],
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._accelerator = accelerator
        self._read_step = read_step
        self._tell = tell
        self._clock = clock
        self._ended = threading.Event()
        self._mark: Event | None = None
        self._marks = 0
        self._marked_step = 0
        self._marked_at_s = 0.0
        self._first: tuple[int, float] | None = None
        self._step = 0

    def start(self) -> None:
        """Begin to look."""
        threading.Thread(target=self._run, name="zluda_sync-probe", daemon=True).start()

    def end(self) -> None:
        """The job is over; waits for nothing."""
        self._ended.set()

    def look(self) -> bool:
        """Look once; return whether there is more to see."""
        step, now_s = self._read_step(), self._clock()
        if not isinstance(step, int):
            return False
        if step < self._step:  # another loop
            self._first = self._mark = None
            self._marks = self._marked_step = 0
        if step > 0 and self._first is None:
            self._first = (step, now_s)
        self._step = step
        if self._mark is not None:
            return self._look_at_mark(now_s)
        is_due = step >= FIRST_STEP and self._first is not None and step > self._marked_step
        if is_due and self._marks < MOST_MARKS:
            self._leave_mark(step, now_s)
        return True

    @property
    def _is_looking(self) -> bool:
        return self._mark is not None or self._marks < MOST_MARKS

    def _leave_mark(self, step: int, now_s: float) -> None:
        self._marks += 1
        self._marked_step, self._marked_at_s = step, now_s
        mark = self._accelerator.make_event()
        self._accelerator.record(mark)
        # Asked at once: on HIP the first query puts the notification where the queue ends now.
        self._mark = None if mark.query() else mark

    def _look_at_mark(self, now_s: float) -> bool:
        lag_s = now_s - self._marked_at_s
        ahead = self._steps_within(lag_s)
        if lag_s >= LEAST_LAG_S and ahead >= LEAST_AHEAD:
            self._tell(int(ahead))
            return False
        if self._mark is not None and self._mark.query():
            self._mark = None
        return True

    def _steps_within(self, lag_s: float) -> float:
        """Return how many steps lie between the host and the GPU, after waiting so long for the mark."""
        if self._first is None or lag_s <= 0:
            return 0.0
        # Those before the mark were begun since the first was counted, and are not finished now. Both say how
        # far ahead the host is, before the mark and behind it; added they would count it twice.
        counted_s = max(0.0, self._marked_at_s - self._first[1])
        return max(self._step - self._marked_step, self._marked_step * lag_s / (counted_s + lag_s))

    def _run(self) -> None:
        leave_captures_alone()
        try:
            while not self._ended.wait(LOOK_S if self._is_looking else REST_S) and self.look():
                pass
        except Exception:  # noqa: BLE001  a driver may fail in every way: then nothing is noticed
            pass
        self._mark = None
