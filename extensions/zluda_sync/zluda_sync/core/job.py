"""A job: everything that one press of Generate does, as a row of passes."""

from __future__ import annotations

from dataclasses import dataclass

from zluda_sync.core.barrier import SyncMode
from zluda_sync.core.clock import SYSTEM_CLOCK, Clock
from zluda_sync.core.ledger import Ledger
from zluda_sync.core.snapshot import ProgressSnapshot


@dataclass(frozen=True)
class DenoisePass:
    """One denoising loop of a job.

    Attributes:
        index: zero-based position among the passes of the job.
        ledger: its launches and completions.
    """

    index: int
    ledger: Ledger


class Job:
    """Owns the passes of one job, in the order in which the host began them."""

    def __init__(self, mode: SyncMode, clock: Clock = SYSTEM_CLOCK) -> None:
        self.mode = mode
        self._clock = clock
        self._began_at_s = clock()
        self._passes: list[DenoisePass] = []

    @property
    def newest_pass(self) -> DenoisePass | None:
        """The pass that the host is queuing, None before the first."""
        passes = self._passes
        return passes[-1] if passes else None

    @property
    def shown_pass(self) -> DenoisePass | None:
        """The pass that the device works on, None before the first.

        Without barriers the host may queue the second pass while the device is still in the first; what is
        shown follows the device: the newest pass of which a step is finished, or its successor once it is
        drained.
        """
        passes = self._passes
        for index in range(len(passes) - 1, -1, -1):
            ledger = passes[index].ledger
            if ledger.completed:
                return passes[min(index + ledger.is_drained, len(passes) - 1)]
        return passes[0] if passes else None

    def begin_pass(self, total: int | None = None) -> DenoisePass:
        """Add a pass with ``total`` steps (None: not known yet) and return it."""
        new_pass = DenoisePass(len(self._passes), Ledger(total, self._clock))
        self._passes.append(new_pass)
        return new_pass

    def snapshot(self, rung: str | None) -> ProgressSnapshot:
        """Return the job's progress; ``rung`` is the name of the way in which completions are learned."""
        shown = self.shown_pass
        reading = shown.ledger.snapshot() if shown is not None else None
        return ProgressSnapshot(
            pass_index=shown.index if shown is not None else None,
            completed=reading.completed if reading is not None else 0,
            launched=reading.launched if reading is not None else 0,
            total=reading.total if reading is not None else None,
            elapsed_s=self._clock() - self._began_at_s,
            mode=self.mode,
            rung=rung,
        )
