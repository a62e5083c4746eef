"""What a pipeline holds in the place of its bar: counts its moves as steps, and draws what is finished."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import Any

from zluda_sync.core.guard import Watch
from zluda_sync.pipeline.console.drawn_bar import DrawnBar
from zluda_sync.pipeline.loop_outputs import LoopOutputs

#: Parallel samplers move their bar by several steps; a bar of bytes or tokens is none of ours.
MAX_STEPS_AT_ONCE = 64


class BarSteps(ABC):
    """Counts the steps that only a progress bar tells of: those that no callback has counted.

    Args:
        outputs: what the steps of the bar's loop leave, None if that cannot be told.
    """

    def __init__(self, outputs: LoopOutputs | None = None) -> None:
        self.outputs = outputs
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

    def end(self) -> None:
        """The pipeline is done with its bar: nothing of the loop is kept."""
        if self.outputs is not None:
            self.outputs.end()

    def attach(self, bar: Any) -> None:
        """Count the moves of a bar that draws itself, or is not drawn at all; it stays what it is."""
        update, close = bar.update, getattr(bar, "close", None)

        def counted_update(n: float | None = 1) -> Any:
            self.count(n)
            result = update(n)
            self.leave_if_wanted()
            return result

        bar.update = counted_update
        if close is not None:

            def noted_close(*args: Any, **kwargs: Any) -> Any:
                self.end()
                return close(*args, **kwargs)

            bar.close = noted_close
        if getattr(bar, "iterable", None) is not None:
            bar.iterable = self._count_items(bar.iterable)

    def _count_items(self, items: Iterable[Any]) -> Iterator[Any]:
        # Asking for the next item means that the step of the item before is queued.
        try:
            for item in items:
                yield item
                self.count(1)
                self.leave_if_wanted()
        finally:
            self.end()


class ConsoleBar:
    """Takes the calls that a pipeline makes to its bar; none of them draws what is only queued.

    What it does not know goes to the pipeline's bar.

    Args:
        drawn: the bar that is drawn.
        steps: told of each move.
        watch: in which it is drawn; after an error of ours the bar is the pipeline's own.
    """

    def __init__(self, drawn: DrawnBar, steps: BarSteps, watch: Watch) -> None:
        self._drawn = drawn
        self._steps = steps
        self._watch = watch
        self.iterable = getattr(drawn.bar, "iterable", None)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._drawn.bar, name)

    def __enter__(self) -> ConsoleBar:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.close()
            return
        with self._watch:
            self._steps.end()
            self._drawn.cut()

    def __iter__(self) -> Iterator[Any]:
        try:
            # Asking for the next item means that the step of the item before is queued.
            for item in self.iterable if self.iterable is not None else ():
                yield item
                self.update(1)
        except Exception:
            with self._watch:
                self._drawn.cut()
            raise
        finally:
            self.close()

    def __len__(self) -> int:
        return len(self._drawn.bar)

    def __bool__(self) -> bool:
        return bool(self._drawn.bar)

    def __del__(self) -> None:
        # tqdm ends the line of a bar that nobody holds any more.
        if "_drawn" in vars(self):
            self.close()

    @property
    def n(self) -> float:
        """How far the pipeline has moved it."""
        return self._drawn.moved

    @n.setter
    def n(self, units: float) -> None:
        self.update(units - self._drawn.moved)

    @property
    def total(self) -> Any:
        """The whole length, None if unknown."""
        return self._drawn.bar.total

    @total.setter
    def total(self, total: Any) -> None:
        self._drawn.bar.total = total
        self._drawn.redraw()

    def update(self, n: float | None = 1) -> Any:
        """Move the bar; it is drawn when the device has come so far."""
        self._steps.count(n)
        result = self._move(n)
        self._steps.leave_if_wanted()
        return result

    def close(self) -> None:
        """The pipeline is done with its bar; the line ends when the device is done too."""
        if not self._drawn.is_left:
            with self._watch:
                self._steps.end()
                self._drawn.leave()

    def reset(self, total: float | None = None) -> None:
        """Begin anew with the same bar: from now on it is the host's alone."""
        with self._watch:
            self._drawn.hand_back()
        self._drawn.moved = 0
        self._drawn.bar.reset(total)

    def refresh(self, *_: Any, **__: Any) -> None:
        """Draw it again soon."""
        self._drawn.redraw()

    def set_description(self, desc: str | None = None, refresh: bool = True) -> None:
        """Change what stands beside the bar."""
        self._drawn.bar.set_description(desc, refresh=False)
        if refresh:
            self._drawn.redraw()

    def set_description_str(self, desc: str | None = None, refresh: bool = True) -> None:
        """Change what stands beside the bar, as it is."""
        self._drawn.bar.set_description_str(desc, refresh=False)
        if refresh:
            self._drawn.redraw()

    def set_postfix(self, ordered_dict: Any = None, refresh: bool = True, **values: Any) -> None:
        """Change the figures behind the bar."""
        self._drawn.bar.set_postfix(ordered_dict, refresh=False, **values)
        if refresh:
            self._drawn.redraw()

    def set_postfix_str(self, s: str = "", refresh: bool = True) -> None:
        """Change the text behind the bar."""
        self._drawn.bar.set_postfix_str(s, refresh=False)
        if refresh:
            self._drawn.redraw()

    def _move(self, n: float | None) -> Any:
        drawn = self._drawn
        if not drawn.is_hosts:
            with self._watch:
                drawn.record_move(_whole_steps(n))
                return None
        return drawn.move_by_host(n)


def _whole_steps(n: float | None) -> int:
    steps = int(n or 0)
    if steps != (n or 0) or not 0 <= steps <= MAX_STEPS_AT_ONCE:
        raise ValueError(f"a bar that moves by {n} is none of steps")
    return steps
