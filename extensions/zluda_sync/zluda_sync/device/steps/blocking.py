"""What stands for barrier and marks on a device that blocks by itself: what is queued there is finished."""

from __future__ import annotations

from typing import Any

from zluda_sync.core.steps.ledger import Ledger


class BlockingBarrier:
    """Counts each step as it is queued; there is nothing to mark and nothing to wait for."""

    rung_name: str | None = None
    is_capturing = False

    def prepare(self) -> None:
        """Nothing has to be got ready."""

    def pass_step(self, ledger: Ledger, _latents: Any) -> int:
        """Count the step just queued as finished, and return its index."""
        step = ledger.record_launch()
        ledger.record_completion(step)
        return step

    def check_drained(self, _ledger: Ledger, _latents: Any) -> None:
        """Nothing was reported that could be untrue."""

    def forget(self, ledger: Ledger) -> None:
        """Release whoever waits for a step of the pass."""
        ledger.wake()


class BlockingMarks:
    """Counts each piece of work as it is queued."""

    is_working = True

    def leave(self, ledger: Ledger) -> None:
        """Count the piece just queued as finished."""
        ledger.record_completion(ledger.record_launch())

    def close(self) -> None:
        """Nothing is looked for."""
