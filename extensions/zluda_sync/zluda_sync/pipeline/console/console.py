"""The console's bars of a job: one after another, each drawn as the device comes on."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any

from zluda_sync.core.guard import Guard, Watch
from zluda_sync.core.steps.ledger import Ledger
from zluda_sync.pipeline.console.bar import BarSteps, ConsoleBar
from zluda_sync.pipeline.console.drawn_bar import DrawnBar

#: Pause between two looks at what is finished, in seconds; shorter where a line only waits for its end.
PERIOD_S = 0.1
END_PERIOD_S = 0.02
#: How long a thread that draws is waited for when the host ends, in seconds.
END_LIMIT_S = 1.0
#: Where a pipeline keeps the style of its bars.
_STYLE = "_progress_bar_config"
_NEEDED = ("update", "close", "refresh", "reset", "n", "last_print_n", "miniters", "dynamic_miniters", "pos")
_NEVER_S = float("inf")


class Console:
    """Draws the bars of denoising loops on a thread that lives while there are any.

    A thread of its own: one that writes to a console stands still for as long as somebody marks text in it,
    and the watcher must not.

    Args:
        warn: told in one sentence if bars cannot be drawn.
        log: whose lines share the console with the bars, None if it has none.
        words: what is so then, for the warning.
    """

    def __init__(
        self,
        warn: Callable[[str], None],
        log: logging.Logger | None = None,
        words: str = "the bar on the console shows what is queued",
    ) -> None:
        self._guard = Guard.saying(warn)
        self._log = log
        self._words = words
        self._bars: list[DrawnBar] = []
        self._lock = threading.Lock()
        self._hurry = threading.Event()
        self._thread: threading.Thread | None = None
        self._is_off = False

    def make(self, pipe: Any, build: Callable[[], Any], is_ours: bool) -> Any:
        """Have the host make its bar; not drawn yet while the device is still busy with the bar before.

        Args:
            pipe: whose bar it is.
            build: makes it.
            is_ours: whether it will be followed.
        """
        if not is_ours or not self._left_bars():
            return build()
        with _undrawn(pipe):
            return build()

    def follow(
        self,
        bar: Any,
        steps: BarSteps,
        find_ledger: Callable[[], Ledger | None],
        is_followed: Callable[[], bool],
    ) -> Any:
        """Return what the pipeline is to move in the place of a bar.

        Args:
            bar: the pipeline's, just made by :meth:`make`.
            steps: told of each move.
            find_ledger: gives the counts of the pass that is queued now, None if there is none.
            is_followed: whether the counts can be had.
        """
        if isinstance(bar, ConsoleBar):
            return bar  # a class that makes bars of its own has asked the one below it
        if getattr(bar, "disable", True) or not all(hasattr(bar, name) for name in _NEEDED):
            with contextlib.suppress(AttributeError):  # a bar of a kind of its own
                steps.attach(bar)
            return bar
        with self._guard.watching(self._words, self._switch_off):
            drawn = DrawnBar(bar, find_ledger, is_followed, self._hurry.set, self._bars_before(bar))
            if self._is_off or not is_followed():
                drawn.hand_back()
            self._begin(drawn)
            return ConsoleBar(drawn, steps, self._watching(drawn))
        steps.attach(bar)
        return bar

    def end_job(self) -> None:
        """The job is over: no line stays half drawn."""
        with self._lock:
            bars = list(self._bars)
        for bar in bars:
            with self._watching(bar):
                bar.end()
        self._hurry.set()
        self._is_off = False

    def stop(self) -> None:
        """End all lines and the thread."""
        self.end_job()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(END_LIMIT_S)

    def _begin(self, bar: DrawnBar) -> None:
        with self._lock:
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="zluda_sync-console", daemon=True)
                thread.start()
                self._thread = thread
                if self._log is not None:
                    self._log.addFilter(self._keep_apart)
            self._bars.append(bar)

    def _keep_apart(self, _record: logging.LogRecord) -> bool:
        """Let a line of the log begin at the left of the console, where a bar stands that waits for its end.

        While the host is still in a loop, its lines stand behind the bar, as they do without us.
        """
        for bar in self._left_bars():
            with self._watching(bar):
                bar.clear_line()
        return True

    def _left_bars(self) -> list[DrawnBar]:
        with self._lock:
            return [bar for bar in self._bars if bar.is_left and not bar.is_over]

    def _bars_before(self, bar: Any) -> list[DrawnBar]:
        """Return what a bar waits for; one that is drawn already lies within another, or is alone."""
        if getattr(bar, "delay", 0.0) != _NEVER_S:
            return []
        bars = self._left_bars()
        if not bars:  # they have ended this instant
            bar.delay = 0.0
            bar.reset()
        return bars

    def _run(self) -> None:
        while True:
            with self._lock:
                self._bars = [bar for bar in self._bars if not bar.is_over]
                if not self._bars:
                    if self._log is not None:
                        self._log.removeFilter(self._keep_apart)
                    self._thread = None
                    return
                bars = list(self._bars)
            for bar in bars:
                with self._watching(bar):
                    bar.draw()
            is_ending = any(bar.is_left for bar in bars)
            self._hurry.wait(END_PERIOD_S if is_ending else PERIOD_S)
            self._hurry.clear()

    def _watching(self, bar: DrawnBar) -> Watch:
        """Return a context in which something is done to a bar; after an error it is the pipeline's own."""

        def give_up(error: Exception) -> None:
            bar.surrender()
            self._switch_off(error)

        return self._guard.watching(self._words, give_up)

    def _switch_off(self, _error: Exception) -> None:
        """Leave the bars of this job to the host."""
        self._is_off = True


@contextlib.contextmanager
def _undrawn(pipe: Any) -> Iterator[None]:
    """Have a pipeline make a bar that draws nothing until it is told to."""
    # Its namespace, not its attributes: pipelines look into their configuration when one is set.
    namespace = getattr(pipe, "__dict__", {})
    kept = namespace.get(_STYLE)
    if kept is not None and not isinstance(kept, dict):
        yield  # the host says what is wrong with it
        return
    namespace[_STYLE] = {**(kept or {}), "delay": _NEVER_S}
    try:
        yield
    finally:
        if kept is None:
            del namespace[_STYLE]
        else:
            namespace[_STYLE] = kept
