"""Checks of a rung in use: a sentinel right after its report tells whether the device was really done.

What the device has written by itself when the report came clears a rung at once, whatever else is queued.
Only where it had not is time measured, and late readings are held against a rung only if nothing else can be
their reason: no preview, no other program, no machine that is busy.
"""

from __future__ import annotations

from collections.abc import Callable

from zluda_sync.core.clock import SYSTEM_CLOCK, Clock
from zluda_sync.core.errors import RungLiedError
from zluda_sync.core.steps.ledger import Ledger

#: A read-back of a device that is done takes well under a millisecond; a busy machine may add some.
SHORTEST_LIE_S = 0.02
#: And this share of a step.
LIE_SHARE = 0.25
#: Reports of each rung that are checked, and how many more for each one that looks like a lie.
CHECKS = 2
MORE_CHECKS = 2
#: So many must look like lies: a single one may be the machine.
LIES = 2
#: Before a decode, where one look is all there is: in seconds, and in steps.
SHORTEST_BACKLOG_S = 0.25
BACKLOG_STEPS = 1.5
#: So many checks without a verdict, and a rung is checked no more in this job: each keeps the host waiting.
MOST_UNDECIDED = 6
#: Reading from a device that has nothing to do takes less than this share of the late reading before it.
SLOW_SHARE = 0.5


def _cannot_look() -> None:
    return None


def _is_undisturbed() -> bool:
    return False


class Audit:
    """Judges the first reports of each rung of one job.

    Args:
        clock: to time read-backs with.
    """

    def __init__(self, clock: Clock = SYSTEM_CLOCK) -> None:
        self._clock = clock
        self._checks_left: dict[str, int] = {}
        self._suspicions: dict[str, int] = {}
        self._undecided: dict[str, int] = {}

    def is_due(self, rung_name: str) -> bool:
        """Whether the next report of this rung is to be checked."""
        is_hopeless = self._undecided.get(rung_name, 0) >= MOST_UNDECIDED
        return self._checks_left.get(rung_name, CHECKS) > 0 and not is_hopeless

    def check(
        self,
        rung_name: str,
        read_back: Callable[[], object],
        ledger: Ledger,
        look: Callable[[], bool | None] = _cannot_look,
        is_disturbed: Callable[[], bool] = _is_undisturbed,
        read_again: Callable[[], object] | None = None,
    ) -> None:
        """Judge a rung that has reported this instant that everything queued is done.

        Args:
            rung_name: of the rung that has reported.
            read_back: blocks until what was queued behind the step has come back, however the rung came by
                its report.
            ledger: of the pass, for the time of a step.
            look: returns whether the device has written by itself what was queued behind the step, None if it
                cannot do that; never waits.
            is_disturbed: whether anything but the steps has been queued since.
            read_again: a reading of a device that has nothing to do, to hold the first against.
        Raises:
            RungLiedError: the device was still busy, as it was once before.
        """
        is_written = look()
        if is_written:
            self._pass(rung_name)
            return
        began_s = self._clock()
        try:
            read_back()
        except Exception:  # noqa: BLE001  the judge has failed, not the rung
            self._give_no_verdict(rung_name)
            return
        late_s = self._clock() - began_s
        if late_s < self._shortest_lie_s(ledger):
            self._pass(rung_name)
        elif is_written is False and look():
            self._suspect(rung_name, late_s)  # it is written now, and was not: nothing else explains that
        elif is_disturbed() or (read_again is not None and self._is_slow(read_again, late_s)):
            self._give_no_verdict(rung_name)
        else:
            self._suspect(rung_name, late_s)

    def check_drained(
        self,
        rung_name: str,
        read_back: Callable[[], object],
        ledger: Ledger,
        was_unwritten: bool = False,
        is_disturbed: Callable[[], bool] = _is_undisturbed,
        read_again: Callable[[], object] | None = None,
    ) -> None:
        """Judge a rung after a pass whose steps were all reported as done.

        Args:
            rung_name: of the rung.
            read_back: as of :meth:`check`.
            ledger: of the pass.
            was_unwritten: whether the device had not yet written what was queued behind the last step.
            is_disturbed: whether anything but the steps was under way.
            read_again: as of :meth:`check`.
        Raises:
            RungLiedError: the device still had more than a step to do.
        """
        launched = ledger.snapshot().launched_at_s
        began_s = self._clock()
        read_back()
        ended_s = self._clock()
        late_s, step_s = ended_s - began_s, (ended_s - launched[0]) / len(launched)
        if late_s < max(SHORTEST_BACKLOG_S, BACKLOG_STEPS * step_s):
            return
        if not was_unwritten and is_disturbed():
            return
        if not was_unwritten and read_again is not None and self._is_slow(read_again, late_s):
            return
        raise RungLiedError(rung_name, late_s, is_certain=was_unwritten)

    def _shortest_lie_s(self, ledger: Ledger) -> float:
        return max(SHORTEST_LIE_S, LIE_SHARE * (ledger.mean_step_s or 0.0))

    def _is_slow(self, read_again: Callable[[], object], late_s: float) -> bool:
        """Whether reading from a device that has nothing to do takes as long: then somebody else is busy."""
        began_s = self._clock()
        try:
            read_again()
        except Exception:  # noqa: BLE001  no measure of anything
            return True
        return self._clock() - began_s > SLOW_SHARE * late_s

    def _pass(self, rung_name: str) -> None:
        self._checks_left[rung_name] = self._checks_left.get(rung_name, CHECKS) - 1

    def _give_no_verdict(self, rung_name: str) -> None:
        self._undecided[rung_name] = self._undecided.get(rung_name, 0) + 1

    def _suspect(self, rung_name: str, late_s: float) -> None:
        self._checks_left[rung_name] = self._checks_left.get(rung_name, CHECKS) - 1 + MORE_CHECKS
        self._suspicions[rung_name] = self._suspicions.get(rung_name, 0) + 1
        if self._suspicions[rung_name] >= LIES:
            raise RungLiedError(rung_name, late_s)
