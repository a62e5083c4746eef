"""Tells a press of Stop that was meant for what has just ended from one that is meant for what runs now."""

from __future__ import annotations

from zluda_sync.core.clock import SYSTEM_CLOCK, Clock

#: Nobody sees and presses faster: a Stop so soon after a stopped request ended was meant for that one.
REACTION_S = 0.25
#: Presses so close to each other belong together, in seconds.
GAP_S = 0.25
#: Presses that belong together count for the request that ended for so long, in seconds, and no longer.
LONGEST_BURST_S = 1.0
#: For so long the host answers nobody while it writes the error of a request that has failed, in seconds:
#: what was pressed meanwhile comes afterwards.
REPORTING_S = 2.0
#: A request that waited for the one that was stopped begins so soon after it, in seconds. One that begins
#: later was asked for by somebody who knew the end of the one before.
NEXT_IN_LINE_S = 0.1


class StopEcho:
    """Remembers when Stop was pressed, and whether what ended last was a request that was stopped.

    Written by whoever presses and by the thread whose request ends; each value alone is a whole answer.
    """

    def __init__(self, clock: Clock = SYSTEM_CLOCK) -> None:
        self._clock = clock
        self._pressed_at_s: float | None = None
        self._obeyed: tuple[object, float] | None = None
        self._failed: object = None

    def record_ended(self, request: object, was_stopped: bool) -> None:
        """A request has ended, or a job of it; one that was not stopped is a new matter.

        Args:
            request: which one.
            was_stopped: whether by the user.
        """
        self._obeyed = (request, self._clock()) if was_stopped else None

    def record_failed(self, request: object) -> None:
        """A request was left by an error, which the host reports before it answers anybody."""
        self._failed = request

    def record_press(self, request: object, begun_at_s: float | None) -> bool:
        """Stop was pressed; return whether it was meant for the stopped request that has just ended.

        Args:
            request: the one that runs now, None if none does.
            begun_at_s: when it was begun.
        """
        now_s, before_s, obeyed = self._clock(), self._pressed_at_s, self._obeyed
        self._pressed_at_s = now_s
        if obeyed is None or obeyed[0] is request:
            return False
        # The end of one that fails is not told, but who still presses cannot know of it.
        newest_sign_s = max(obeyed[1], before_s if before_s is not None else obeyed[1])
        if begun_at_s is not None and begun_at_s - newest_sign_s > NEXT_IN_LINE_S:
            return False
        since_s = now_s - obeyed[1]
        is_burst = before_s is not None and now_s - before_s < GAP_S
        if self._failed is obeyed[0]:
            return since_s < REPORTING_S
        return since_s < REACTION_S or (is_burst and since_s < LONGEST_BURST_S)
