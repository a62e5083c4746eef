"""The one source of time: a function, so that a test can hold the clock still."""

from __future__ import annotations

import time
from collections.abc import Callable

#: Seconds from an arbitrary start, never going back.
Clock = Callable[[], float]

SYSTEM_CLOCK: Clock = time.perf_counter
