"""The host's bar on the console, moved by what the device has finished."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from zluda_sync.core.steps.ledger import Ledger

#: What the host's code waits for a line that is being drawn, in seconds: a console may stand still.
DRAWING_LIMIT_S = 0.2
#: For how long a line is left free for what the host is about to write there, in seconds.
FREE_LINE_S = 0.05


class DrawnBar:
    """Draws one bar of the host: never ahead of the device, and full only when the device is.

    The pipeline's thread tells how far it has queued; one other thread draws. Whichever of them finds the
    pass at its end ends the line.

    Args:
        bar: the host's own, a tqdm, with its style.
        find_ledger: returns the counts of the pass that is queued now, None if there is none.
        is_followed: whether the counts can be had.
        poke: wakes the thread that draws; does not wait for it.
        after: bars whose pass the device has to finish before this one is shown.
    """

    def __init__(
        self,
        bar: Any,
        find_ledger: Callable[[], Ledger | None],
        is_followed: Callable[[], bool],
        poke: Callable[[], None],
        after: Sequence[DrawnBar] = (),
    ) -> None:
        self.bar = bar
        self._find_ledger = find_ledger
        self._is_followed = is_followed
        self._poke = poke
        self._after = tuple(after)
        self._is_begun = not self._after
        self._pace = bar.miniters, bar.dynamic_miniters
        # For each unit of the bar, the launches that it stands for: samplers of second order queue two each.
        self._launches: list[tuple[Ledger, int]] = []
        self._passed = 0
        self._drawing = threading.Lock()
        self._is_stale = False
        self._free_until_s = 0.0
        self.moved: float = bar.n
        self.is_left = False
        self.is_closed = False
        self.is_hosts = False
        bar.miniters, bar.dynamic_miniters = 0, False  # drawn at each change, not at every few

    @property
    def is_over(self) -> bool:
        """Whether there is nothing left to draw for us."""
        return self.is_closed or self.is_hosts

    # What the pipeline's thread tells.

    def record_move(self, units: int) -> None:
        """The host has queued this many more units.

        Raises:
            RuntimeError: nothing is known of what it has queued.
        """
        ledger = self._find_ledger()
        if ledger is None:
            raise RuntimeError("the job has no pass")
        mark = (ledger, ledger.launched)
        for _ in range(units):
            self._launches.append(mark)
        self.moved += units

    def move_by_host(self, units: float | None) -> Any:
        """Do what the host's bar does by itself; only once it is the host's."""
        self.moved += units or 0
        return self.bar.update(self.moved - self.bar.n)

    def leave(self) -> None:
        """The host has queued the whole pass; the line ends when the device has finished it."""
        self.is_left = True
        if self.is_hosts:
            self._close_as_host()
        else:
            self._poke()

    def cut(self) -> None:
        """The host has broken off: end the line where the device is."""
        self.is_left = True
        if self.is_hosts:
            self._close_as_host()
        else:
            self._try(self._end_here)

    def redraw(self) -> None:
        """Something else than the count has changed."""
        self._is_stale = True

    def hand_back(self) -> None:
        """Let the host move its bar from now on, as far as it has queued already."""
        with self._drawing:
            self._hand_back()

    def surrender(self) -> None:
        """Something of ours has failed: touch the bar no more, beyond ending a line that nobody else ends."""
        self.is_hosts = True
        if self.is_left:
            with contextlib.suppress(Exception):
                self._close_as_host()

    # What the drawing thread does.

    def draw(self) -> None:
        """Show what the device has finished; ends the line with the pass."""
        with self._drawing:
            if time.monotonic() >= self._free_until_s:
                self._draw()

    def clear_line(self) -> None:
        """Take the bar away for a line of text; it is drawn again below it."""
        if self.is_left and not self.is_over and self._is_begun:
            self._try(self._clear)

    def _clear(self) -> None:
        self.bar.clear()
        self._is_stale = True
        self._free_until_s = time.monotonic() + FREE_LINE_S

    def end(self) -> None:
        """The job is over: end the line, or hand it back if the host still queues."""
        self._try(self._end_here if self.is_left else self._hand_back)

    def _try(self, action: Callable[[], None]) -> None:
        """Do it, unless the console stands still: then the drawing thread comes to it."""
        if self._drawing.acquire(timeout=DRAWING_LIMIT_S):
            try:
                action()
            finally:
                self._drawing.release()

    def _draw(self) -> None:
        if self.is_over:
            return
        if not self._is_followed():
            self._hand_back()
            return
        if not self._is_begun:
            if not all(earlier.is_over for earlier in self._after):
                return
            self._begin()
        passed = self._count_passed()
        self._show(passed)
        if self.is_left and passed == len(self._launches):
            self._close()

    def _begin(self) -> None:
        """Take the place and the time of the bar before."""
        self.bar.delay = 0.0
        self.bar.pos = self._after[-1].bar.pos
        self._is_begun = True
        self.bar.reset()

    def _show(self, passed: int) -> None:
        missing = passed - self.bar.n
        # Only a bar that has moved: the time of the last update is what the rate is reckoned from.
        if missing > 0 or self.bar.n > self.bar.last_print_n:
            self._is_stale = not self.bar.update(missing) and self._is_stale
        elif self._is_stale:
            self._is_stale = False
            self.bar.refresh()

    def _count_passed(self) -> int:
        while self._passed < len(self._launches):
            ledger, launched = self._launches[self._passed]
            if ledger.completed < launched:
                break
            self._passed += 1
        return self._passed

    def _end_here(self) -> None:
        if self.is_over:
            return
        if self._is_begun and self._is_followed():
            self._show(self._count_passed())
        self._close()

    def _hand_back(self) -> None:
        if self.is_over:
            return
        self.is_hosts = True
        self.bar.miniters, self.bar.dynamic_miniters = self._pace
        if not self._is_begun:
            self._begin()
        if self.is_left:
            self._close_as_host()
        elif self.moved > self.bar.n:
            self.bar.update(self.moved - self.bar.n)

    def _close_as_host(self) -> None:
        if self.is_closed:
            return
        self.is_closed = True
        if self.moved > self.bar.n:
            self.bar.update(self.moved - self.bar.n)
        self.bar.close()

    def _close(self) -> None:
        self.is_closed = True
        self.bar.close()
