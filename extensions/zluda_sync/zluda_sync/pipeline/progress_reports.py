"""Reports of progress: to a function of the user's, and to a bar on the terminal."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from zluda_sync.core.guard import Guard
from zluda_sync.core.progress.snapshot import ProgressSnapshot

#: Between two looks, in seconds.
PERIOD_S = 0.1
#: How long a listener that stands still is waited for at the end, in seconds.
END_LIMIT_S = 2.0
Listener = Callable[[ProgressSnapshot], Any]


class ProgressReports:
    """Tells listeners of each change, from a thread of its own; one that raises is told of no more.

    Args:
        find_progress: gives the progress of the moment, None while there is none.
        listeners: whom to tell.
        guard: keeps their errors from the pipeline.
    """

    def __init__(
        self,
        find_progress: Callable[[], ProgressSnapshot | None],
        listeners: Sequence[Listener],
        guard: Guard,
    ) -> None:
        self._find_progress = find_progress
        self._listeners = list(listeners)
        self._guard = guard
        self._told: ProgressSnapshot | None = None
        self._hurry = threading.Event()
        self._is_over = False
        self._thread: threading.Thread | None = None

    @property
    def has_listeners(self) -> bool:
        """Whether there is anybody to be told."""
        return bool(self._listeners)

    def start(self) -> None:
        """Begin to tell, if there is anybody to be told."""
        if self._listeners:
            self._thread = threading.Thread(target=self._run, name="zluda_sync-reports", daemon=True)
            self._thread.start()

    def hurry(self) -> None:
        """Something has ended: tell of it now. Never waits."""
        self._hurry.set()

    def stop(self) -> None:
        """Tell how it ended, and end the thread; a listener that stands still is not waited for."""
        self._is_over = True
        self._hurry.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(END_LIMIT_S)

    def _tell(self) -> None:
        with self._guard.watching("reporting progress"):
            progress = self._find_progress()
            if progress is None or progress == self._told:
                return
            self._told = progress
            for listener in tuple(self._listeners):
                with self._guard.watching("reporting progress", partial(self._drop, listener)):
                    listener(progress)

    def _drop(self, listener: Listener, _error: Exception) -> None:
        self._listeners.remove(listener)

    def _run(self) -> None:
        is_over = False
        while not is_over:
            self._hurry.wait(PERIOD_S)
            self._hurry.clear()
            is_over = self._is_over
            self._tell()


class TerminalBar:
    """A bar over a whole call, text encoding and decoding included."""

    def __init__(self) -> None:
        self._bar: Any = None

    def show(self, progress: ProgressSnapshot) -> None:
        """Draw it."""
        from tqdm import tqdm

        if self._bar is None:
            self._bar = tqdm(total=1.0, bar_format="{desc:<28} {percentage:3.0f}% |{bar}| {postfix}")
        left = "" if progress.eta_s is None else f"{progress.eta_s:.0f} s left"
        self._bar.set_description_str(progress.label, refresh=False)
        self._bar.set_postfix_str(left, refresh=False)
        self._bar.n = progress.fraction
        self._bar.refresh()
        if progress.fraction >= 1.0:
            self.close()

    def close(self) -> None:
        """End the line."""
        bar, self._bar = self._bar, None
        if bar is not None:
            bar.close()
