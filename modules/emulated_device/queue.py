"""The device's work queue: one worker thread, strictly in order.

As in HIP on Windows the queue has no bound: nothing here keeps the host from running ahead.
"""

from __future__ import annotations

import atexit
import threading
import time
from collections.abc import Callable
from queue import SimpleQueue


class DeviceFault(RuntimeError):  # noqa: N818 - CUDA's word for it, too
    """Work on the device failed; the message names the operation."""


class DeviceQueue:
    """Runs what the host enqueues, one item after the other, on a daemon thread started on first use.

    Every item gets a ticket: the 1-based count of items queued so far. An item that raises
    neither stops the worker nor is lost: the next :meth:`wait` raises it as a :class:`DeviceFault`.
    """

    def __init__(self) -> None:
        self._items: SimpleQueue[tuple[Callable[[], object], str] | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._waiters: list[tuple[int, threading.Event]] = []
        self._worker: threading.Thread | None = None
        self._fault: DeviceFault | None = None
        self._closed = False
        self._queued = 0
        self._completed = 0

    @property
    def queued(self) -> int:
        """Items queued so far."""
        return self._queued

    @property
    def completed(self) -> int:
        """Items finished so far, failed ones included; never falls."""
        return self._completed

    def enqueue(self, fn: Callable[[], object], name: str) -> int:
        """Queue ``fn`` behind everything queued before; returns its ticket and never waits."""
        with self._lock:
            if self._worker is None:
                self._start()
            self._queued += 1
            self._items.put((fn, name))
            return self._queued

    def enqueue_delay(self, seconds: float, name: str = "delay") -> int:
        """Queue a kernel that keeps the device busy for ``seconds`` and leaves the host's cores free."""
        return self.enqueue(lambda: time.sleep(seconds), name)

    def wait(self, ticket: int, timeout_s: float | None = None) -> bool:
        """Block, without holding the GIL, until ``ticket`` is finished; False if ``timeout_s`` ran out first.

        Raises:
            DeviceFault: some work failed since the last wait; each failure is raised by one wait.
        """
        if threading.current_thread() is self._worker:
            raise RuntimeError("the device cannot wait for itself: this wait is inside an enqueued function")
        reached = threading.Event()
        with self._lock:
            if self._completed < ticket:
                self._waiters.append((ticket, reached))
            else:
                reached.set()
        if not reached.wait(timeout_s):
            with self._lock:
                self._waiters = [waiter for waiter in self._waiters if waiter[1] is not reached]
            return False
        with self._lock:
            fault, self._fault = self._fault, None
        if fault is not None:
            raise fault
        return True

    def _start(self) -> None:
        self._worker = threading.Thread(target=self._run, name="emulated-device", daemon=True)
        self._worker.start()
        atexit.register(self._close)

    def _run(self) -> None:
        import torch  # here, so that the queue alone can be used and tested without torch

        with torch.inference_mode():
            while (item := self._items.get()) is not None:
                if not self._closed:
                    self._run_one(*item)
                # The worker idles inside get(): without this, the last item's tensors would live until then.
                del item
                self._complete_one()

    def _run_one(self, fn: Callable[[], object], name: str) -> None:
        try:
            fn()
        except DeviceFault as fault:
            self._fault = self._fault or fault
        except BaseException as error:  # noqa: BLE001 - the worker outlives whatever it is given
            wrapped = DeviceFault(f"{name} failed on the device: {error!r}")
            wrapped.__cause__ = error
            self._fault = self._fault or wrapped

    def _complete_one(self) -> None:
        with self._lock:
            self._completed += 1
            if self._waiters:
                for ticket, reached in self._waiters:
                    if ticket <= self._completed:
                        reached.set()
                self._waiters = [waiter for waiter in self._waiters if not waiter[1].is_set()]

    def _close(self) -> None:
        # A daemon thread still inside torch while the interpreter goes away can crash the process.
        self._closed = True
        self._items.put(None)
        if self._worker is not None:
            self._worker.join(timeout=2.0)


QUEUE = DeviceQueue()
