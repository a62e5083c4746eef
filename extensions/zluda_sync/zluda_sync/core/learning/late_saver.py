"""Files of what was learned, written soon after it has changed, by a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Protocol

from zluda_sync.core.guard import Guard

#: So long a change waits for further ones, in seconds; so much is lost at most when the host is killed.
PAUSE_S = 1.0
#: What is still to be written is waited for so long when the host ends, in seconds.
END_LIMIT_S = 2.0


class KeptFile(Protocol):
    """A file that is written whole."""

    def save(self, content: Any, /) -> None:
        """Write what is to be in it; tells by itself where it cannot."""


class LateSaver:
    """Writes files later: who changes what is in them neither makes a text of it nor waits for the disk.

    The newest state is written, however many came before it, and one file at a time. The thread lives while
    there is something to write. Any thread.

    Args:
        warn: told in one sentence of what cannot be written.
        pause_s: how long a change waits for further ones.
    """

    def __init__(self, warn: Callable[[str], None], pause_s: float = PAUSE_S) -> None:
        self._guard = Guard.saying(warn)
        self._pause_s = pause_s
        self._due: dict[KeptFile, Callable[[], Any]] = {}
        self._thread: threading.Thread | None = None
        self._is_hurried = threading.Event()
        self._lock = threading.Lock()

    def save(self, file: KeptFile, build_content: Callable[[], Any]) -> None:
        """Have a file written soon; returns at once.

        Args:
            file: to be written.
            build_content: gives the newest of what is in it, on the thread that writes.
        """
        with self._lock:
            self._due[file] = build_content
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="zluda_sync-learned", daemon=True)
                thread.start()
                self._thread = thread

    def flush(self, limit_s: float = END_LIMIT_S) -> None:
        """Have written now what is still to be written, and wait for that, for a limited time."""
        with self._lock:
            thread = self._thread
            if thread is None:
                return
            self._is_hurried.set()
        thread.join(limit_s)

    def _run(self) -> None:
        while True:
            self._is_hurried.wait(self._pause_s)
            with self._lock:
                due, self._due = self._due, {}  # what changes from now on is due again
            for file, build_content in due.items():
                with self._guard.watching("what was learned cannot be saved"):
                    file.save(build_content())
            with self._lock:
                if not self._due:
                    self._thread = None
                    self._is_hurried.clear()
                    return
