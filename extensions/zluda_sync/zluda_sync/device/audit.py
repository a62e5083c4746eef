"""Checks of a rung in use: a read-back right after its report tells whether the device was really done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from zluda_sync.core.clock import SYSTEM_CLOCK, Clock
from zluda_sync.core.errors import RungLiedError
from zluda_sync.core.ledger import Ledger

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


class Audit:
    """Judges the first reports of each rung of one job.

    Args:
        clock: to time read-backs with.
    """

    def __init__(self, clock: Clock = SYSTEM_CLOCK) -> None:
        self._clock = clock
        self._checks_left: dict[str, int] = {}
        self._suspicions: dict[str, int] = {}

    def is_due(self, rung_name: str) -> bool:
        """Whether the next report of this rung is to be checked."""
        return self._checks_left.get(rung_name, CHECKS) > 0

    def check(self, rung_name: str, read_back: Callable[[], Any], ledger: Ledger) -> None:
        """Read a value back after a report that everything queued is done.

        Args:
            rung_name: of the rung that has reported.
            read_back: blocks until the device is done, however the rung came by its report.
            ledger: of the pass, for the time of a step.
        Raises:
            RungLiedError: the device was still busy, as it was once before.
        """
        self._checks_left[rung_name] = self._checks_left.get(rung_name, CHECKS) - 1
        began_s = self._clock()
        read_back()
        late_s = self._clock() - began_s
        if late_s < max(SHORTEST_LIE_S, LIE_SHARE * (ledger.mean_step_s or 0.0)):
            return
        self._checks_left[rung_name] += MORE_CHECKS
        self._suspicions[rung_name] = self._suspicions.get(rung_name, 0) + 1
        if self._suspicions[rung_name] >= LIES:
            raise RungLiedError(rung_name, late_s)

    def check_drained(self, rung_name: str, read_back: Callable[[], Any], ledger: Ledger) -> None:
        """Read a value back after a pass whose steps were all reported as done.

        Raises:
            RungLiedError: the device still had more than a step to do.
        """
        launched = ledger.snapshot().launched_at_s
        began_s = self._clock()
        read_back()
        ended_s = self._clock()
        step_s = (ended_s - launched[0]) / len(launched)
        if ended_s - began_s >= max(SHORTEST_BACKLOG_S, BACKLOG_STEPS * step_s):
            raise RungLiedError(rung_name, ended_s - began_s)
