"""The judge: holds what a rung reports against what the device itself has written behind the step.

What the device has written by itself when the report came clears a rung at once, whatever else is queued.
Only where it had not is time measured, and late readings are held against a rung only if nothing else can be
their reason: no preview, no other program, no machine that is busy.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch

from zluda_sync.core.clock import SYSTEM_CLOCK, Clock
from zluda_sync.core.errors import RungLiedError
from zluda_sync.core.steps.ledger import Ledger
from zluda_sync.core.steps.other_work import OtherWork
from zluda_sync.device.steps.accelerator import Accelerator
from zluda_sync.device.steps.ladder import Rung
from zluda_sync.device.steps.rungs import ReadBack
from zluda_sync.device.steps.sentinel import Sentinel, Witness

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


@dataclass(frozen=True)
class Evidence:
    """What a report of a step is held against: planted behind the step, before the rung's own mark."""

    witness: Witness
    is_disturbed: Callable[[], bool]


class Judge:
    """Checks the first reports of each rung that no self-test has found truthful, in one job.

    What is planted here belongs to the thread that queues the steps; checks run wherever a report comes.

    Args:
        accelerator: of the device.
        proven: names of the rungs that need no check.
        other_work: knows of work on the device that is not of the steps.
    """

    def __init__(
        self, accelerator: Accelerator, proven: Collection[str] = (), other_work: OtherWork | None = None
    ) -> None:
        self.proven = frozenset(proven)
        self._other_work = other_work or OtherWork()
        self._audit = Audit()
        self._sentinel = Sentinel(accelerator)
        self._newest: Evidence | None = None
        self._drained: Ledger | None = None

    def doubts(self, rung_name: str | None) -> bool:
        """Whether reports of this rung have to be checked; reading a value back is beyond doubt."""
        return rung_name is not None and rung_name != ReadBack.name and rung_name not in self.proven

    def plant(self, latents: torch.Tensor | None) -> Evidence | None:
        """Return what the next report is held against, None where nothing can be: then nothing is said."""
        if not self._sentinel.can_judge(latents):
            return None
        is_disturbed = self._other_work.watch()
        try:
            witness = self._sentinel.plant(latents)
        except Exception:  # noqa: BLE001  out of memory, a call that is missing: no fault of the rung
            return None
        return None if witness.has_blocked else Evidence(witness, is_disturbed)

    def plant_for_step(self, rung: Rung, ledger: Ledger, latents: torch.Tensor | None) -> Evidence | None:
        """Return what this step's report is to be checked against, None if it need not be.

        The last step of a pass is planted behind too, without a check of its own: :meth:`check_drained` looks
        at it.
        """
        self._newest = None
        if not self.doubts(rung.name):
            return None
        is_due = self._audit.is_due(rung.name)
        if is_due or ledger.total in (None, ledger.launched):
            self._newest = self.plant(latents)
        return self._newest if is_due else None

    def check(self, rung: Rung, ledger: Ledger, evidence: Evidence) -> None:
        """Judge a rung that has reported this instant.

        Raises:
            RungLiedError: the device was still busy, as it was once before.
        """
        witness = evidence.witness
        self._audit.check(rung.name, witness.wait, ledger, witness.look, evidence.is_disturbed, witness.read)

    def check_drained(
        self,
        rung: Rung,
        ledger: Ledger,
        latents: torch.Tensor | None,
        run_bounded: Callable[[Callable[[], Any]], None],
    ) -> None:
        """Judge a pass that is reported as finished; the second time it does nothing.

        Args:
            rung: that has reported.
            ledger: of the pass.
            latents: of its last step, None if unknown.
            run_bounded: makes a call that may block for ever, and waits for it while it is worth it.
        Raises:
            RungLiedError: the device still had more than a step to do.
        """
        if self._drained is ledger:
            return  # what is queued by now is not of the pass
        self._drained = ledger
        is_written = self._newest.witness.look() if self._newest is not None else None
        now = None if is_written else self.plant(latents)
        if now is None:
            return
        self._audit.check_drained(
            rung.name,
            partial(run_bounded, now.witness.wait),
            ledger,
            was_unwritten=is_written is False,
            is_disturbed=now.is_disturbed,
            read_again=partial(run_bounded, now.witness.read),
        )

    def bind_proof(self, latents: torch.Tensor | None) -> Callable[[], None] | None:
        """Return what blocks until all that is queued now is read back, None if that cannot be had here."""
        return self._sentinel.plant(latents).wait if self._sentinel.can_judge(latents) else None


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
