"""Marks behind pieces of work that nobody waits for, such as the blocks of a decoder."""

from __future__ import annotations

from zluda_sync.core.ledger import Ledger
from zluda_sync.device.accelerator import Accelerator
from zluda_sync.device.ladder import Ladder, Rung
from zluda_sync.device.rungs import PlantedEvent
from zluda_sync.device.watcher import CompletionWatcher


class StepMarks:
    """Leaves an event behind each piece of work, and never waits for one.

    Where events fail there are no marks: what they tell is nice to know, and not worth a synchronize.
    """

    def __init__(self, accelerator: Accelerator, watcher: CompletionWatcher) -> None:
        self._watcher = watcher
        self._rung = PlantedEvent(accelerator)
        self._ladder = Ladder([self._rung], _say_nothing)

    @property
    def is_working(self) -> bool:
        """Whether events have not failed so far."""
        return not self._ladder.has_left(self._rung)

    def leave(self, ledger: Ledger) -> None:
        """Count the piece just queued in ``ledger``, and have its completion counted when it comes."""
        step = ledger.record_launch()
        if self._ladder.has_left(self._rung):
            return
        try:
            self._watcher.watch(self._ladder, self._rung, self._rung.plant(), ledger, step)
        except Exception as error:  # noqa: BLE001  drivers fail in every way; then there are no marks
            self._ladder.demote(self._rung, error)


def _say_nothing(_rung: Rung, _error: Exception, _successor: Rung | None) -> None:
    """The step barrier meets the same failures, and reports them."""
