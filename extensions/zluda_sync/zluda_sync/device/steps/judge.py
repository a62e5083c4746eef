"""The judge: holds what a rung reports against what the device itself has written behind the step."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch

from zluda_sync.core.steps.ledger import Ledger
from zluda_sync.core.steps.other_work import OtherWork
from zluda_sync.device.steps.accelerator import Accelerator
from zluda_sync.device.steps.audit import Audit
from zluda_sync.device.steps.ladder import Rung
from zluda_sync.device.steps.rungs import ReadBack
from zluda_sync.device.steps.sentinel import Sentinel, Witness


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
