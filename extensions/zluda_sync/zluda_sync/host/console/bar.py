"""What a pipeline holds in place of its bar."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from zluda_sync.host.console.drawn_bar import DrawnBar

#: Parallel samplers move their bar by several steps; a bar of bytes or tokens is none of ours.
MAX_STEPS_AT_ONCE = 64


class ConsoleBar:
    """Takes the calls that a pipeline makes to its bar; none of them draws what is only queued.

    What it does not know goes to the host's bar.

    Args:
        drawn: the bar that is drawn.
        give_up: told of an error of ours; the bar is the host's from then on.
    """

    def __init__(self, drawn: DrawnBar, give_up: Callable[[Exception], None]) -> None:
        self._drawn = drawn
        self._give_up = give_up
        self.iterable = getattr(drawn.bar, "iterable", None)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._drawn.bar, name)

    def __enter__(self) -> ConsoleBar:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.close()
        else:
            self._guard(self._drawn.cut)

    def __iter__(self) -> Iterator[Any]:
        is_first = True
        try:
            # Asking for the next item means that the step of the item before is queued.
            for item in self.iterable if self.iterable is not None else ():
                if not is_first:
                    self._move(1)
                is_first = False
                yield item
            if not is_first:
                self._move(1)
        except Exception:
            self._guard(self._drawn.cut)
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
        return self._move(n)

    def close(self) -> None:
        """The pipeline is done with its bar; the line ends when the device is done too."""
        if not self._drawn.is_left:
            self._guard(self._drawn.leave)

    def reset(self, total: float | None = None) -> None:
        """Begin anew with the same bar: from now on it is the host's alone."""
        self._guard(self._drawn.hand_back)
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
        # Not update(): whoever replaces that counts its calls, and the items of an iterable as well.
        drawn = self._drawn
        if not drawn.is_hosts:
            try:
                drawn.record_move(_whole_steps(n))
                return None
            except Exception as error:  # noqa: BLE001  an observer never breaks a generation
                self._fail(error)
        return drawn.move_by_host(n)

    def _guard(self, action: Callable[[], None]) -> None:
        try:
            action()
        except Exception as error:  # noqa: BLE001  an observer never breaks a generation
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        self._drawn.surrender()
        self._give_up(error)


def _whole_steps(n: float | None) -> int:
    steps = int(n or 0)
    if steps != (n or 0) or not 0 <= steps <= MAX_STEPS_AT_ONCE:
        raise ValueError(f"a bar that moves by {n} is none of steps")
    return steps
