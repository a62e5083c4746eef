"""Work on the device that belongs to no step: the host's previews, on the threads of whoever looks."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator


class OtherWork:
    """Counts such work, for whoever times the device: what waits behind it waits for no step. Any thread."""

    def __init__(self) -> None:
        self._begun = 0
        self._under_way = 0
        self._has_left_some = False
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def under_way(self) -> Iterator[None]:
        """A context in which such work is queued, and at whose end it has been waited for."""
        with self._lock:
            self._begun += 1
            self._under_way += 1
        has_failed = True
        try:
            yield
            has_failed = False
        finally:
            with self._lock:
                self._under_way -= 1
                # What fails on its way is waited for by nobody, until the next one is.
                self._has_left_some = has_failed

    def watch(self) -> Callable[[], bool]:
        """Return what tells whether any was under way since now."""
        with self._lock:
            begun, is_under_way = self._begun, self._under_way > 0 or self._has_left_some
        return lambda: is_under_way or self._begun != begun
