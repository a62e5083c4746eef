"""What the device tells the host, and who waits to hear it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from modules.emulated_process.frames import Reply

Told = Callable[..., None]


class DeviceFault(RuntimeError):  # noqa: N818 - CUDA's word for it, too
    """Work on the device failed; the message names the operation."""


class Inbox:
    """Takes the device's replies in its receiving thread and wakes those that wait for them.

    Attributes:
        lost: what everything raises from here on; None as long as there is a device.
    """

    def __init__(self) -> None:
        self.lost: DeviceFault | None = None
        self._values: deque[tuple[int, Told]] = deque()  # asked for, not here yet
        self._marks: deque[tuple[int, Told]] = deque()
        self._peeks: dict[int, Told] = {}
        self._changed = threading.Condition()
        self._waiters: list[tuple[int, threading.Event]] = []
        self._faults: deque[DeviceFault] = deque()
        self._faults_told = 0

    def expect(self, ticket: int, told: Told, is_mark: bool) -> None:
        """Have the reply to a ticket told; they come in the order of the tickets."""
        (self._marks if is_mark else self._values).append((ticket, told))

    def expect_peek(self, request: int, told: Told) -> None:
        """Have the reply to a question told."""
        self._peeks[request] = told

    def limit_completed(self, completed: int) -> int:
        """Return how many commands are completed for the host: a read is once its value is here."""
        try:
            return min(completed, self._values[0][0] - 1)
        except IndexError:
            return completed

    def has_untold(self, ticket: int) -> bool:
        """Whether a mark up to a ticket is still to be told of."""
        try:
            return self._marks[0][0] <= ticket
        except IndexError:
            return False

    def add_waiter(self, ticket: int) -> threading.Event:
        """Return what is set when the device tells that a ticket is reached, or is lost."""
        reached = threading.Event()
        with self._changed:
            self._waiters.append((ticket, reached))
        if self.lost is not None:
            reached.set()
        return reached

    def drop_waiter(self, reached: threading.Event) -> None:
        """Forget one that waits no longer."""
        with self._changed:
            self._waiters = [waiter for waiter in self._waiters if waiter[1] is not reached]

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._waiters)

    def raise_fault(self, reported: int) -> None:
        """Raise the first fault since the last call; what came with it is not raised again.

        Args:
            reported: how many the device says that it has told of; those under way are waited for.
        """
        if self._faults_told >= reported and not self._faults:
            return
        with self._changed:
            self._changed.wait_for(lambda: self._faults_told >= reported or self.lost is not None)
            if self._faults:
                fault = self._faults[0]
                self._faults.clear()
                raise fault

    def take(self, head: tuple[Any, ...], payload: bytearray) -> None:
        """Take one reply; in the receiving thread."""
        kind, *rest = head
        if kind == Reply.REACHED:
            self._wake(rest[0])
        elif kind == Reply.VALUE:
            if rest[0] is not None:
                self._tell(self._values[0][1], rest[0], payload)
            self._values.popleft()
        elif kind == Reply.MARK:
            self._tell(self._marks[0][1], *rest)
            self._marks.popleft()
        elif kind == Reply.PEEKED:
            self._tell(self._peeks.pop(rest[0]), rest[1], payload)
        else:
            with self._changed:
                self._faults.append(DeviceFault(rest[0]))
                self._faults_told += 1
                self._changed.notify_all()

    def lose(self, message: str) -> None:
        """Wake all: there is no device any more."""
        self.lost = DeviceFault(message)
        self._wake(None)

    def _wake(self, ticket: int | None) -> None:
        with self._changed:
            for wanted, reached in self._waiters:
                if ticket is None or wanted <= ticket:
                    reached.set()
            self._waiters = [waiter for waiter in self._waiters if not waiter[1].is_set()]
            self._changed.notify_all()

    def _tell(self, told: Told, *what: Any) -> None:
        try:
            told(*what)
        except Exception as error:  # noqa: BLE001  one who listens badly does not keep the others from hearing
            fault = DeviceFault(f"{told.__qualname__} failed on what the device told: {error!r}")
            fault.__cause__ = error
            self._faults.append(fault)
