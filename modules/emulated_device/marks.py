"""What is put on the device's queue besides operations: gates, marks, and the time that a module takes."""

from __future__ import annotations

import itertools
import threading
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils.hooks import RemovableHandle

from modules.emulated_process.frames import Command, Control

from .queue import QUEUE, DeviceQueue

GATE_LIMIT_S = 60.0
_numbers = itertools.count()


class Gate(threading.Event):
    """Where the device stands still until somebody sets it, or a minute has gone by.

    As a context it is set at the end.
    """

    def __init__(self, queue: DeviceQueue = QUEUE) -> None:
        super().__init__()
        self._queue = queue
        self._number = next(_numbers)

    def __enter__(self) -> Gate:
        return self

    def __exit__(self, *exception: object) -> None:
        self.set()

    def put(self, limit_s: float = GATE_LIMIT_S) -> int:
        """Have the device stand still here, in its queue's order; return the ticket."""
        return self._queue.enqueue((int(Command.GATE), self._number, limit_s))

    def set(self) -> None:
        """Let the device go on, also if it comes here later."""
        super().set()
        self._queue.ask(int(Control.OPEN), self._number)


class Marks:
    """Marks in the queue; how many of them the device has passed is seen without asking it."""

    def __init__(self, queue: DeviceQueue = QUEUE) -> None:
        self._queue = queue
        self._tickets: list[int] = []

    def put(self) -> int:
        """Leave one behind everything that is queued; return its ticket."""
        ticket = self._queue.enqueue((int(Command.MARK), False))
        self._tickets.append(ticket)
        return ticket

    def __len__(self) -> int:
        return bisect_right(self._tickets, self._queue.completed)


def enqueue_mark(on_reached: Callable[[float, int], Any], queue: DeviceQueue = QUEUE) -> int:
    """Have it told when the device was here, by its own clock, and how many commands it had completed.

    ``on_reached`` is called in the queue's receiving thread; the clock is that of ``time.perf_counter``.
    """

    def tell(time_s: float, completed: int) -> None:
        on_reached(time_s - queue.start().clock_ahead_s, completed)

    return queue.enqueue((int(Command.MARK), True), told=tell)


@dataclass(frozen=True)
class SlowDown:
    """A module that was slowed down; :meth:`remove` ends it."""

    before: RemovableHandle
    after: RemovableHandle

    def remove(self) -> None:
        """Let the module be as fast as it is."""
        self.before.remove()
        self.after.remove()


def slow_down(
    module: torch.nn.Module,
    seconds_for: Callable[[tuple[Any, ...], dict[str, Any]], float],
    name: str,
    idle_costs: bool = False,
) -> SlowDown:
    """Make each forward of ``module`` take the device ``seconds_for(args, kwargs)``, computing included.

    The host returns from the forward at once: the rest of the time is waited for on the device, so that a
    job takes the same whatever the CPU beneath is busy with. Remove the handle to end it.

    Where ``idle_costs``, time in which the device had nothing queued comes on top, as on a card: a host that
    waits in the middle of the forward makes it longer.
    """
    number = next(_numbers)

    def queue_start(module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        QUEUE.enqueue((int(Command.BEGIN), number))

    def queue_rest(module: Any, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        QUEUE.enqueue((int(Command.HOLD), number, float(seconds_for(args, kwargs)), idle_costs))

    before = module.register_forward_pre_hook(queue_start, with_kwargs=True)
    after = module.register_forward_hook(queue_rest, with_kwargs=True)
    return SlowDown(before, after)
