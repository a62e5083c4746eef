"""Waits that block, on threads of their own: a driver that never comes back holds up nobody else.

And the limits of the self-test, which nothing of it outlasts, whatever it waits for.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Any

from zluda_sync.core.clock import Clock
from zluda_sync.device.steps.capture_mode import leave_captures_alone

#: How often a wait looks whether it is still worth it, in seconds.
LOOK_S = 0.05
A_JOB_BEGAN = "a job began"


class BlockingCall:
    """A call that runs on another thread.

    Attributes:
        error: what it raised, None while it runs and if it went well.
    """

    def __init__(self, action: Callable[[], Any]) -> None:
        self._action: Callable[[], Any] | None = action
        self._runs = threading.Lock()  # held until it has ended; made with each step, an Event takes longer
        self._runs.acquire()
        self.error: Exception | None = None

    def wait(self, limit_s: float, given_up: Callable[[], bool] = lambda: False) -> bool:
        """Block until it has ended well and return True, or False once the limit is over or it is given up.

        Raises:
            Exception: whatever the call raised.
        """
        while not self._runs.acquire(timeout=max(0.0, min(limit_s, LOOK_S))):
            limit_s -= LOOK_S
            if limit_s <= 0 or given_up():
                return False
        self._runs.release()  # for whoever else waits
        if self.error is not None:
            raise self.error
        return True

    def run(self) -> None:
        """Make the call."""
        action, self._action = self._action, None  # what it holds, latents among it, ends with it
        try:
            if action is not None:
                action()
        except Exception as error:  # noqa: BLE001  whoever waits is told
            self.error = error
        finally:
            del action
            self._runs.release()


class BlockingWaits:
    """Runs one call after another on a daemon thread.

    A call that is begun while the one before still blocks gets a thread of its own, and the thread left
    behind ends with its call.
    """

    def __init__(self) -> None:
        self._worker: _Worker | None = None
        self._lock = threading.Lock()

    def begin(self, action: Callable[[], Any]) -> BlockingCall:
        """Have ``action`` called on another thread."""
        call = BlockingCall(action)
        with self._lock:
            worker = self._worker
            if worker is not None and worker.is_busy:
                worker.end()
                worker = None
            if worker is None:
                worker = self._worker = _Worker()
            worker.begin(call)
        return call

    def stop(self, limit_s: float = 2.0) -> None:
        """End the thread; waits at most ``limit_s`` seconds for a call that still blocks."""
        with self._lock:
            worker, self._worker = self._worker, None
        if worker is not None:
            worker.end()
            if worker.thread is not threading.current_thread():
                worker.thread.join(limit_s)


class _Worker:
    """A thread with its queue."""

    def __init__(self) -> None:
        self._calls: queue.SimpleQueue[BlockingCall | None] = queue.SimpleQueue()
        self._begun = 0
        self._ended = 0
        self.thread = threading.Thread(target=self._run, name="zluda_sync-waits", daemon=True)
        self.thread.start()

    @property
    def is_busy(self) -> bool:
        return self._ended < self._begun

    def begin(self, call: BlockingCall) -> None:
        self._begun += 1
        self._calls.put(call)

    def end(self) -> None:
        self._calls.put(None)

    def _run(self) -> None:
        leave_captures_alone()
        while (call := self._calls.get()) is not None:
            call.run()
            del call
            self._ended += 1


class CalledOff(Exception):  # noqa: N818  not an error: it is not the moment for a test
    """The test must end now, and be made up for later; the text says why."""


class TrialLimits:
    """Lets nobody wait longer than the test may.

    Args:
        waits: threads for waits that may block for ever.
        is_called_off: asked all the time; True ends the test within the work that is queued.
        clock: to time with.
        limit_s: how long the test may take, in seconds.
    """

    def __init__(
        self, waits: BlockingWaits, is_called_off: Callable[[], bool], clock: Clock, limit_s: float
    ) -> None:
        self._waits = waits
        self._is_called_off = is_called_off
        self._clock = clock
        self._deadline_s = clock() + limit_s

    def begin_anew(self, limit_s: float) -> None:
        """From now on the test may take so many seconds more."""
        self._deadline_s = self._clock() + limit_s

    @property
    def is_over(self) -> bool:
        """Whether the test may not go on."""
        return self._is_called_off() or self._clock() > self._deadline_s

    def check(self) -> None:
        """Pass while the test may go on.

        Raises:
            CalledOff: somebody else needs the device.
            TimeoutError: the time is up.
        """
        if self._is_called_off():
            raise CalledOff(A_JOB_BEGAN)
        if self._clock() > self._deadline_s:
            raise TimeoutError("the device did not answer in time")

    def begin_call(self, action: Callable[[], Any]) -> BlockingCall:
        """Have ``action`` run on a thread, and wait for nothing."""
        return self._waits.begin(action)

    def wait_for(self, action: Callable[[], Any]) -> None:
        """Have ``action`` run on a thread, and wait for it.

        Raises: as :meth:`check`, and whatever ``action`` raises.
        """
        call = self._waits.begin(action)
        while not call.wait(0.05):
            self.check()

    def wait_to_read(self, read: Callable[[], float]) -> float:
        """Return what ``read`` gives, waited for as by :meth:`wait_for`."""
        values: list[float] = []
        self.wait_for(lambda: values.append(read()))
        return values[0]
