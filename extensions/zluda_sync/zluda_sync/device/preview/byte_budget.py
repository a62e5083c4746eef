"""What is kept of the steps in flight: a bounded number of bytes, spread over all the steps there are."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ByteBudget:
    """Decides which steps are kept. What is kept is in use, so nothing is taken back to make room.

    Attributes:
        limit: never more is held, in bytes.
    """

    limit: int

    def allows(self, nbytes: int, used: int, steps_since: int | None) -> bool:
        """Whether there is room for one more: for each step at first, and the fewer the more is used.

        Args:
            nbytes: of the one.
            used: bytes that are held.
            steps_since: how many steps after the last one it comes, None if it is the first.
        """
        left = self.limit - used
        return nbytes <= left and (steps_since is None or (steps_since + 1) * left > self.limit)
