"""Settings that the user changes while a request has set them for itself: they go again when it has ended."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

#: How often a thread that waits for a request to end looks whether it shall still wait, and how long that is
#: waited for, in seconds.
LOOK_S, CLOSE_LIMIT_S = 0.1, 2.0


@dataclass(frozen=True)
class Wish:
    """What the user has chosen for one option.

    Attributes:
        value: the choice.
        before: what stood in the memory and in the file: the host puts one of these back.
    """

    value: Any
    before: tuple[Any, ...]

    def is_undone(self, value: Any) -> bool:
        """Whether the host has put an old value back, and not the user another one."""
        return value != self.value and value in self.before


class PutBack:
    """Waits for the request that runs, after which the host puts back what stood before it.

    Args:
        find_queue: gives the lock that the host holds while a request runs, None if there is none.
        settle: called with all wishes while no request runs, on a thread of its own.
    """

    def __init__(self, find_queue: Callable[[], Any], settle: Callable[[Mapping[str, Wish]], None]) -> None:
        self._find_queue = find_queue
        self._settle = settle
        self._wishes: dict[str, Wish] = {}
        self._thread: threading.Thread | None = None
        self._closing = threading.Event()
        self._lock = threading.Lock()

    @property
    def is_request_running(self) -> bool:
        """Whether the host's options may be a request's own for the moment."""
        queue = self._find_queue()
        return queue is not None and queue.locked()

    def find(self, name: str) -> Wish | None:
        """Return what was wished of an option during the request that runs, None if nothing was."""
        return self._wishes.get(name)

    def remember(self, wishes: Mapping[str, Wish]) -> None:
        """See to it that these go when the request that runs has ended."""
        with self._lock:
            self._wishes.update(wishes)
            if self._thread is None:
                self._closing.clear()
                self._thread = threading.Thread(target=self._wait, name="zluda_sync-put-back", daemon=True)
                self._thread.start()

    def forget_if_changed(self, values: Mapping[str, Any]) -> None:
        """The user has changed options by hand: what differs from the wish is the newer wish."""
        with self._lock:
            wishes = self._wishes.items()
            self._wishes = {name: wish for name, wish in wishes if values.get(name, wish.value) == wish.value}

    def close(self) -> None:
        """Wait no longer; the file has every wish already."""
        self._closing.set()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(CLOSE_LIMIT_S)

    def _wait(self) -> None:
        queue = self._find_queue()
        while not queue.acquire(timeout=LOOK_S):
            if self._closing.is_set():
                with self._lock:
                    self._thread = None
                return
        try:
            with self._lock:
                wishes, self._wishes, self._thread = self._wishes, {}, None
            if wishes:
                self._settle(wishes)
        finally:
            queue.release()
