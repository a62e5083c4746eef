"""What every view reads: one frozen picture of a job's progress."""

from __future__ import annotations

from dataclasses import dataclass

from zluda_sync.core.barrier import SyncMode


@dataclass(frozen=True)
class ProgressSnapshot:
    """The state of a job at one moment.

    Attributes:
        pass_index: zero-based index of the pass that the device works on, None before the first.
        completed: steps of that pass that the device has finished.
        launched: steps of that pass that the host has queued.
        total: steps of that pass, None while unknown.
        elapsed_s: seconds since the job began.
        mode: when the host waits.
        rung: how it learns of a completion, None if no way is left or none was needed yet.
    """

    pass_index: int | None
    completed: int
    launched: int
    total: int | None
    elapsed_s: float
    mode: SyncMode
    rung: str | None

    @property
    def run_ahead(self) -> int:
        """Steps of the shown pass that are queued and not finished."""
        return self.launched - self.completed
