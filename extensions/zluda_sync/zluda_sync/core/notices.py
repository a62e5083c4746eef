"""What has gone wrong in following a job: the page tells it at once, and it can be read later."""

from __future__ import annotations

from zluda_sync.core.clock import SYSTEM_CLOCK, Clock

#: How long a notice stands beside the label, in seconds.
NEW_S = 8.0


class Notices:
    """Keeps the newest notice of one job."""

    def __init__(self, clock: Clock = SYSTEM_CLOCK) -> None:
        self._clock = clock
        self._newest: tuple[str, float] | None = None

    def tell(self, text: str) -> None:
        """Keep a notice, in place of the one before; any thread."""
        self._newest = (text, self._clock())

    @property
    def text(self) -> str:
        """The newest notice, empty if there is none."""
        return self.read()[0]

    def read(self) -> tuple[str, bool]:
        """Return the newest notice, empty if there is none, and whether that very one is new."""
        newest = self._newest
        if newest is None:
            return "", False
        text, told_at_s = newest
        return text, self._clock() - told_at_s < NEW_S
