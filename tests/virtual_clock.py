"""A clock that stands still until a test moves it."""

from __future__ import annotations


class VirtualClock:
    """Seconds since the beginning of the test.

    Attributes:
        now_s: the reading.
    """

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s

    def pass_time(self, seconds: float) -> None:
        """Move on."""
        self.now_s += seconds
