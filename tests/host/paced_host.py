"""Functions of the host on a thread of their own, which a test lets go on from unit to unit."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

WAIT_S = 20.0


class PacedHost:
    """Runs a function of the host, which calls :meth:`pause` before each unit: a tile, or a token.

    Args:
        bench: the host with the extension.
    """

    def __init__(self, bench) -> None:
        self.bench, self.state = bench, bench.state
        self._thread = ThreadPoolExecutor(1)
        self._here, self._go = threading.Semaphore(0), threading.Semaphore(0)
        self._is_closing = False

    def begin(self, function, *args):
        """Begin; it waits before the first unit."""
        self.done = self._thread.submit(function, self, *args)
        self._wait_here()

    def pause(self):
        """On the host's thread: wait for the test."""
        self._here.release()
        assert self._is_closing or self._go.acquire(timeout=WAIT_S)

    def go_on(self, units=1):
        for _ in range(units):
            self._go.release()
            self._wait_here()

    def shown(self):
        return self.bench.session.snapshot()

    def close(self):
        self._is_closing = True
        for _ in range(100):
            self._go.release()
        self._thread.shutdown()

    def _wait_here(self):
        while not self._here.acquire(timeout=0.01):
            if self.done.done():
                self.done.result()
                return
