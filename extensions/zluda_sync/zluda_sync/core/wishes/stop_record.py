"""How long a Stop took: kept for whoever asks how soon the next one will act."""

from __future__ import annotations

from dataclasses import dataclass

from zluda_sync.core.phase import Phase
from zluda_sync.core.steps.policy import SyncMode


@dataclass(frozen=True)
class StopRecord:
    """One Stop, from the press to the end of the job.

    Attributes:
        mode: when the host waited.
        phase: what the host was busy with at the press.
        role: pass that the phase belonged to.
        acknowledged_s: from the press to the first answer that told of it; None if nobody asked in time.
        ended_s: from the press to the end of the job.
        launched_steps: steps that were queued after the press.
        queued_steps: steps that were queued and unfinished at the press: they cannot be called back.
    """

    mode: SyncMode
    phase: Phase
    role: str
    acknowledged_s: float | None
    ended_s: float
    launched_steps: int
    queued_steps: int
