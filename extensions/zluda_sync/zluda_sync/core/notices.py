"""What has gone wrong in following a job, for its page: the user is told at once, and can read it later."""

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
        """Take a notice in; any thread."""
        self._newest = (text, self._clock())

    @property
    def text(self) -> str:
        """The newest notice, empty if there is none."""
        newest = self._newest
        return newest[0] if newest is not None else ""

    @property
    def is_new(self) -> bool:
        """Whether the newest notice came within the last seconds."""
        newest = self._newest
        return newest is not None and self._clock() - newest[1] < NEW_S
