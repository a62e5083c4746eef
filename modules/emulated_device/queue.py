"""The device's work queue: commands for the device's process, strictly in order.

As in HIP on Windows the queue has no bound, unless it is given one: nothing here keeps the host from running
ahead.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from modules.emulated_process.frames import Command, Control, Counter

from .inbox import Inbox
from .memory import FREED
from .process import DeviceProcess

#: So many launches go to the device together, at most.
_MOST_TOGETHER = 64
#: What is kept back for others to come goes to the device after so many seconds.
_KEPT_BACK_S = 0.002

Definition = tuple[Any, ...]


class DeviceQueue:
    """Sends what the host enqueues to the device, which is started on first use.

    Every command gets a ticket: the 1-based count of commands queued so far. One that fails neither stops the
    device nor is lost: the next :meth:`wait` raises it as a :class:`DeviceFault`. When the device is gone,
    everything raises that.

    Args:
        freed: handles whose values the host has no more use for; they are freed in the queue's order.

    Attributes:
        most_pending: launches that may be queued; the host waits for room. None for no bound.
    """

    def __init__(self, freed: deque[int] | None = None) -> None:
        self._freed = deque[int]() if freed is None else freed
        self._lock = threading.RLock()
        self._process: DeviceProcess | None = None
        self._numbers: Any = (0,) * len(Counter)
        self._pending: list[Any] = []
        self._defined: set[int] = set()
        self._late = threading.Event()
        self._is_late = False
        self._queued = 0
        self._inbox = Inbox()
        self.recording: Any = None
        self.most_pending: int | None = None

    @property
    def queued(self) -> int:
        """Commands queued so far."""
        return self._queued

    @property
    def completed(self) -> int:
        """Commands finished so far, failed ones included; never falls.

        A read counts once the host has the value.

        Raises:
            DeviceFault: the device is lost.
        """
        if self._pending:
            self._flush()
        if self._inbox.lost is not None:
            raise self._inbox.lost
        return self._inbox.limit_completed(self._numbers[Counter.COMPLETED])

    def enqueue(
        self,
        command: tuple[Any, ...],
        definition: Definition | None = None,
        payload: memoryview | bytes = b"",
        told: Callable[..., None] | None = None,
    ) -> int:
        """Queue a command behind everything queued before; return its ticket. Without a bound it never waits.

        Args:
            command: of :class:`Command`, or a call of what ``definition`` defines.
            definition: what the device must know before; sent once.
            payload: bytes that belong to it.
            told: called in the receiving thread with what the device tells of it.

        Raises:
            DeviceFault: the device is lost.
        """
        if self.recording is not None and self.recording.records(command, definition):
            return self._queued
        with self._lock:
            if self._process is None:
                self._start()
            if self._inbox.lost is not None:
                raise self._inbox.lost
            pending = self._pending
            self._queued = ticket = self._queued + 1
            if definition is not None and definition[1] not in self._defined:
                self.define(definition)
            if told is not None:
                self._inbox.expect(ticket, told, command[0] == Command.MARK)
            if len(payload):
                self._flush()
                self._send([command], payload)
            else:
                pending.append(command)
                # A device that is about to run dry gets each launch at once; a busy one gets many together.
                ahead = ticket - len(pending) - self._numbers[Counter.COMPLETED]
                if len(pending) * 2 >= ahead or len(pending) >= _MOST_TOGETHER:
                    self._flush()
                elif not self._is_late:
                    self._is_late = True
                    self._late.set()
        if self.most_pending is not None:
            self.wait(ticket - self.most_pending)
        return ticket

    def refuse_in_graph(self, what: str) -> None:
        """Raise where this thread records a graph: what the host would wait for, or send, is not part of one.

        Raises:
            RuntimeError: it does.
        """
        if self.recording is not None and self.recording.is_of_this_thread:
            raise RuntimeError(f"CUDA error 900: {what} is not permitted when a graph is captured")

    def define(self, definition: Definition) -> None:
        """Have the device know a plan before what is queued from here on."""
        with self._lock:
            if definition[1] not in self._defined:
                self._defined.add(definition[1])
                self._pending.append(definition)

    def note(self, command: tuple[Any, ...]) -> None:
        """Send what takes no ticket, in its place in the order."""
        with self._lock:
            if self._process is not None and self._inbox.lost is None:
                self._pending.append(command)

    def enqueue_delay(self, seconds: float, name: str = "delay") -> int:
        """Queue a kernel that keeps the device busy for ``seconds`` and leaves the host's cores free.

        ``name`` says to readers what it stands for.
        """
        return self.enqueue((int(Command.DELAY), seconds))

    def enqueue_failure(self, name: str) -> int:
        """Queue a kernel that fails; the fault names it."""
        return self.enqueue((int(Command.FAIL), name))

    def wait(self, ticket: int, timeout_s: float | None = None) -> bool:
        """Block, without holding the GIL, until ``ticket`` is finished; False if ``timeout_s`` ran out first.

        What was to be told by then has been told.

        Raises:
            DeviceFault: some work failed since the last wait, each failure is raised by one wait; or the
                device is lost.
        """
        self.refuse_in_graph("a wait")
        if self._process is not None and threading.current_thread() is self._process.receiver:
            raise RuntimeError("the device cannot wait for itself: this wait is inside what it tells")
        if (self.completed < ticket or self._inbox.has_untold(ticket)) and not self._wait_reached(
            ticket, timeout_s
        ):
            return False
        if self._inbox.lost is not None:
            raise self._inbox.lost
        self._inbox.raise_fault(self._numbers[Counter.FAULTS])
        return True

    def ask(self, *question: Any) -> None:
        """Ask the device beside the queue, behind everything that is queued by now."""
        with self._lock:
            self._flush()
            if self._process is not None and self._inbox.lost is None:
                with suppress(OSError):  # the receiver tells that it is lost
                    self._process.send(question)

    def peek(self, handle: int) -> tuple[Any, bytearray]:
        """Return what the device's memory holds now; the head is None where nothing was written."""
        found: list[tuple[Any, bytearray]] = []
        arrived = threading.Event()
        request = -id(arrived)

        def take(head: Any, payload: bytearray) -> None:
            found.append((head, payload))
            arrived.set()

        self._inbox.expect_peek(request, take)
        self.ask(int(Control.PEEK), request, handle)
        while not arrived.wait(0.1):
            if self._inbox.lost is not None:
                raise self._inbox.lost
        return found[0]

    def start(self) -> DeviceProcess:
        """Start the device's process if there is none: it loads torch while the host does other things."""
        with self._lock:
            if self._process is None:
                self._start()
            assert self._process is not None
            return self._process

    def close(self) -> None:
        """End the device's process; from here on it is lost."""
        if self._process is not None:
            self._process.close()
            self._inbox.lose("the device was closed")
            self._late.set()

    def _wait_reached(self, ticket: int, timeout_s: float | None) -> bool:
        reached = self._inbox.add_waiter(ticket)
        self.ask(int(Control.WAIT), ticket)
        if reached.wait(timeout_s):
            return True
        self._inbox.drop_waiter(reached)
        return False

    def _start(self) -> None:
        self._process = DeviceProcess(self._inbox.take, self._inbox.lose)
        self._numbers = self._process.numbers
        threading.Thread(target=self._flush_late, name="emulated-device-late", daemon=True).start()

    def _flush(self) -> None:
        with self._lock:
            freed = self._freed
            if freed:
                self._pending.append((int(Command.FREE), tuple(freed.popleft() for _ in range(len(freed)))))
            if self._pending:
                pending, self._pending = self._pending, []
                self._send(pending)

    def _send(self, commands: list[Any], payload: memoryview | bytes = b"") -> None:
        if self._inbox.lost is None and self._process is not None:
            with suppress(OSError):  # the receiver tells that it is lost
                self._process.send(commands, payload)

    def _flush_late(self) -> None:
        while self._inbox.lost is None:
            self._late.wait()
            self._late.clear()
            time.sleep(_KEPT_BACK_S)
            with self._lock:
                self._is_late = False
                self._flush()


QUEUE = DeviceQueue(FREED)
