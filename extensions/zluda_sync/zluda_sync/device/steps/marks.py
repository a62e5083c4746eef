"""Marks behind pieces of work that nobody waits for, such as the blocks of a decoder."""

from __future__ import annotations

from typing import Protocol

from zluda_sync.core.steps.ledger import Ledger
from zluda_sync.device.steps.ladder import Ladder
from zluda_sync.device.steps.rungs import EventRung
from zluda_sync.device.steps.watcher import CompletionWatcher


class Marks(Protocol):
    """Leaves a mark behind each piece of work."""

    @property
    def is_working(self) -> bool:
        """Whether marks have not failed so far."""

    def leave(self, ledger: Ledger) -> None:
        """Count the piece just queued in ``ledger``, and have its completion counted when it comes."""

    def close(self) -> None:
        """Look no more for marks that were left."""


class WorkMarks:
    """Leaves a mark behind each piece of work, and never waits for one.

    Where event rungs fail there are no marks: what they tell is nice to know, and not worth a synchronize.

    Args:
        rung: how to mark, None if no rung tells the truth.
        watcher: looks at the marks.
    """

    def __init__(self, rung: EventRung | None, watcher: CompletionWatcher) -> None:
        self._watcher = watcher
        self._rung = rung
        self._ladder = Ladder([rung] if rung is not None else [])  # the barrier's tells of failures

    @property
    def is_working(self) -> bool:
        """Whether marks have not failed so far."""
        return self._rung is not None and not self._ladder.has_failed(self._rung)

    def distrust(self, name: str, error: Exception) -> None:
        """Leave no more marks if they are of the rung of this name, which was found lying."""
        if self._rung is not None and self._rung.name == name:
            self._ladder.demote(self._rung, error)

    def close(self) -> None:
        """Look no more for marks that were left: their job is over."""
        if self._rung is not None:
            self._ladder.demote(self._rung, InterruptedError("its job is over"))
            self._watcher.replace_stuck(self._ladder)

    def leave(self, ledger: Ledger) -> None:
        """Count the piece just queued in ``ledger``, and have its completion counted when it comes."""
        step = ledger.record_launch()
        rung = self._rung
        if rung is None or self._ladder.has_failed(rung):
            return
        try:
            mark, _ = rung.plant()
            self._watcher.watch(self._ladder, rung, mark, ledger, step)
        except Exception as error:  # noqa: BLE001  drivers fail in every way; then there are no marks
            self._ladder.demote(rung, error)
