"""What killed, hung, slow and full cards do, done to the emulated one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from modules.emulated_process.frames import Counter

from .memory import MEMORY
from .queue import QUEUE

#: NVIDIA's driver lets a program queue about so many operations.
LAUNCHES_OF_A_DRIVER = 1024


def kill() -> None:
    """End the device as a crash of its driver would: every wait ends with a fault, and so does all else."""
    QUEUE.start().kill()


@contextlib.contextmanager
def hung() -> Iterator[None]:
    """A context in which the device begins nothing more of its queue; what it has begun comes to its end."""
    numbers = QUEUE.start().numbers
    numbers[Counter.IS_HUNG] = 1
    try:
        yield
    finally:
        numbers[Counter.IS_HUNG] = 0


@contextlib.contextmanager
def slow(times: float) -> Iterator[None]:
    """A context in which everything takes the device so many times as long."""
    numbers = QUEUE.start().numbers
    before, numbers[Counter.SLOWNESS] = numbers[Counter.SLOWNESS], round(1000 * times)
    try:
        yield
    finally:
        numbers[Counter.SLOWNESS] = before


@contextlib.contextmanager
def memory_limited(spare_bytes: int) -> Iterator[None]:
    """A context in which so much memory is left, and more than that fails to be allocated."""
    before, MEMORY.limit_bytes = MEMORY.limit_bytes, MEMORY.allocated_bytes + spare_bytes
    try:
        yield
    finally:
        MEMORY.limit_bytes = before


@contextlib.contextmanager
def launches_limited(most: int = LAUNCHES_OF_A_DRIVER) -> Iterator[None]:
    """A context in which a launch waits while so many are queued; none may be with 0."""
    before, QUEUE.most_pending = QUEUE.most_pending, most
    try:
        yield
    finally:
        QUEUE.most_pending = before
