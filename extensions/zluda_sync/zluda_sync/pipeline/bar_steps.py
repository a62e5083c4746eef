"""Steps that only a progress bar tells of: those that no callback has counted."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import Any

#: Parallel samplers move their bar by several steps; a bar of bytes or tokens is none of ours.
MAX_STEPS_AT_ONCE = 64


class BarSteps(ABC):
    """Counts the steps of one progress bar, unless a callback counts them already."""

    def __init__(self) -> None:
        self._counted = 0

    @property
    @abstractmethod
    def launched(self) -> int | None:
        """Steps of the loop that are counted so far, None if nothing counts them."""

    @abstractmethod
    def count_step(self) -> bool:
        """Count one more; whether that went well."""

    @abstractmethod
    def leave_if_wanted(self) -> None:
        """Leave the loop if the user has asked for an end of it.

        Raises:
            Interrupted: so it is, and whatever else stands for it.
        """

    def count(self, units: float | None) -> None:
        """The pipeline has moved its bar: the steps before that are queued."""
        for _ in range(min(int(units or 0), MAX_STEPS_AT_ONCE)):
            if self.launched == self._counted and self.count_step():
                self._counted += 1

    def attach(self, bar: Any) -> None:
        """Count the moves of a bar that draws itself, or is not drawn at all; it stays what it is."""
        update = bar.update

        def counted_update(n: float | None = 1) -> Any:
            self.count(n)
            result = update(n)
            self.leave_if_wanted()
            return result

        bar.update = counted_update
        if getattr(bar, "iterable", None) is not None:
            bar.iterable = self._count_items(bar.iterable)

    def _count_items(self, items: Iterable[Any]) -> Iterator[Any]:
        # Asking for the next item means that the step of the item before is queued.
        for item in items:
            yield item
            self.count(1)
            self.leave_if_wanted()
