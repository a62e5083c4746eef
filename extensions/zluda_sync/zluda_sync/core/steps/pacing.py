"""How long a poller sleeps between two looks at an event."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PollPacer:
    """Chooses the sleep between two queries of one event, so that few are wasted and none is late.

    Querying costs a little of the interpreter each time, and on HIP under Windows a tight loop costs a whole
    core. Steps of one pass take about the same time, so the poller sleeps through most of the expected time
    and looks closely only near its end.

    Attributes:
        shortest_s: never sleep less, in seconds.
        longest_s: longest pause between close looks, in seconds: how late a completion may be noticed.
        longest_sleep_s: longest pause before the close looks, in seconds.
        slept_share: share of the expected time that passes before the first close look.
        close_share: sleep between close looks, as share of the expected time.
    """

    shortest_s: float = 0.002
    longest_s: float = 0.020
    longest_sleep_s: float = 1.0
    slept_share: float = 0.85
    close_share: float = 1 / 24

    def delay_s(self, waited_s: float, expected_s: float | None) -> float:
        """Return the next sleep in seconds.

        Args:
            waited_s: time since the device could begin with this step.
            expected_s: time that the step before took, None if there was none.
        """
        if expected_s is None:
            return self.shortest_s if waited_s < self.longest_s else self.longest_s / 2
        close_s = min(max(expected_s * self.close_share, self.shortest_s), self.longest_s)
        return max(min(expected_s * self.slept_share - waited_s, self.longest_sleep_s), close_s)
