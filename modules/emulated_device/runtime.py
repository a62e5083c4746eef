"""The device's run-time functions in ``torch.cuda``'s words; ``install()`` names it ``torch.emulated``.

There is one device with one in-order queue, so that choosing a device or a stream changes nothing.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import torch

from modules.emulated_process.frames import Command

from .graph import Graph, graph, is_current_stream_capturing
from .marks import enqueue_mark
from .memory import MEMORY
from .queue import QUEUE

__all__ = ["Graph", "graph", "is_current_stream_capturing"]

_TOLD_LIMIT_S = 10.0
DEVICE_NAME = "Emulated asynchronous device [ZLUDA]"


class Event:
    """A mark in the queue. Unrecorded, or once the device has passed it, :meth:`query` is True."""

    def __init__(
        self, enable_timing: bool = False, blocking: bool = False, interprocess: bool = False
    ) -> None:
        self._enable_timing = enable_timing
        self._ticket = 0
        self._reached = _Reached()

    def record(self, stream: Stream | None = None) -> None:
        if not self._enable_timing:
            self._ticket = QUEUE.enqueue((int(Command.MARK), False))
            return
        # One of its own: an earlier record that is still queued must not date this one.
        self._reached = _Reached()
        self._ticket = enqueue_mark(self._reached.take)

    def query(self) -> bool:
        return QUEUE.completed >= self._ticket

    def synchronize(self) -> None:
        QUEUE.wait(self._ticket)

    def wait(self, stream: Stream | None = None) -> None:
        """Work queued from here on runs after the event: one in-order queue does so by itself."""

    def elapsed_time(self, end_event: Event) -> float:
        """Milliseconds between two completed events.

        Raises:
            ValueError: an event does not time, or was never recorded.
            RuntimeError: an event has not been reached yet.
        """
        if not (self._enable_timing and end_event._enable_timing and self._ticket and end_event._ticket):
            raise ValueError("both events must be created with enable_timing=True and recorded")
        if not (self.query() and end_event.query()):
            raise RuntimeError("device not ready: an event has not been reached yet")
        return (end_event._reached.wait_time_s() - self._reached.wait_time_s()) * 1000.0


class _Reached:
    """When the device passed a mark, by its own clock; told a moment after it has."""

    def __init__(self) -> None:
        self._told = threading.Event()
        self._time_s = 0.0

    def take(self, time_s: float, completed: int) -> None:
        self._time_s = time_s
        self._told.set()

    def wait_time_s(self) -> float:
        if not self._told.wait(_TOLD_LIMIT_S):
            raise RuntimeError("the device did not tell when it reached an event")
        return self._time_s


class Stream:
    """The device has one in-order queue; every stream is that queue."""

    def __init__(self, device: Any = None, priority: int = 0) -> None:
        self.priority = priority

    @property
    def device(self) -> torch.device:
        return torch.device("emulated", 0)

    def synchronize(self) -> None:
        QUEUE.wait(QUEUE.queued)

    def query(self) -> bool:
        return QUEUE.completed >= QUEUE.queued

    def record_event(self, event: Event | None = None) -> Event:
        event = event or Event()
        event.record(self)
        return event

    def wait_event(self, event: Event) -> None:
        """Nothing to do: one in-order queue."""

    def wait_stream(self, stream: Stream) -> None:
        """Nothing to do: one in-order queue."""


_default_stream = Stream()


def default_stream(device: Any = None) -> Stream:
    """The stream that stands for the one queue."""
    return _default_stream


current_stream = default_stream


def set_stream(stream: Stream) -> None:
    """Choose a stream."""


@contextlib.contextmanager
def stream(stream: Stream | None) -> Iterator[None]:
    """Choose a stream."""
    yield


@contextlib.contextmanager
def device(device: Any) -> Iterator[None]:
    """Choose a device."""
    yield


def synchronize(device: Any = None) -> None:
    """Wait for everything queued so far; raises what failed there."""
    QUEUE.wait(QUEUE.queued)


def is_available() -> bool:
    """Whether there is a device: always."""
    return True


def is_initialized() -> bool:
    """Whether the device may be used: always."""
    return True


def init() -> None:
    """Nothing to do: the device's process starts with the first command."""


def device_count() -> int:
    """The number of devices."""
    return 1


def current_device() -> int:
    """The index of the one device."""
    return 0


def set_device(device: Any) -> None:
    """Choose a device."""


def get_device_name(device: Any = None) -> str:
    """The name, which ends as device names do under ZLUDA."""
    return DEVICE_NAME


def get_device_capability(device: Any = None) -> tuple[int, int]:
    """The CUDA capability that ZLUDA reports."""
    return (8, 8)


def get_device_properties(device: Any = None) -> SimpleNamespace:
    """The properties that hosts look at."""
    major, minor = get_device_capability()
    return SimpleNamespace(name=DEVICE_NAME, total_memory=mem_get_info()[1], major=major, minor=minor)


def get_amp_supported_dtype() -> list[torch.dtype]:
    """The dtypes that autocast may use."""
    return [torch.float16, torch.bfloat16]


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """Whether bfloat16 works: the CPU computes it."""
    return True


def mem_get_info(device: Any = None) -> tuple[int, int]:
    """Free and total bytes: of a limit that was set, else those of the host, where device memory is.

    (0, 0) if the system does not say.
    """
    if MEMORY.limit_bytes is not None:
        return max(0, MEMORY.limit_bytes - MEMORY.allocated_bytes), MEMORY.limit_bytes
    try:
        page = os.sysconf("SC_PAGE_SIZE")
        return page * os.sysconf("SC_AVPHYS_PAGES"), page * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return (0, 0)


def memory_allocated(device: Any = None) -> int:
    """Bytes of the values that the host can name; what an operation needs in between is not counted."""
    return MEMORY.allocated_bytes


memory_reserved = memory_allocated


def max_memory_allocated(device: Any = None) -> int:
    """The most that ever was allocated, since :func:`reset_peak_memory_stats`."""
    return MEMORY.most_bytes


max_memory_reserved = max_memory_allocated


def memory_stats(device: Any = None) -> dict[str, Any]:
    """No statistics are kept."""
    return {}


def empty_cache() -> None:
    """Nothing to do: nothing is cached."""


def reset_peak_memory_stats(device: Any = None) -> None:
    """Count the most anew."""
    MEMORY.most_bytes = MEMORY.allocated_bytes


def ipc_collect() -> None:
    """Nothing to do: nothing is shared."""


# Random numbers come from torch's CPU generator, so that pictures match those of a run on the CPU.


def manual_seed(seed: int) -> None:
    """Seed the CPU generator."""
    torch.default_generator.manual_seed(int(seed))


def manual_seed_all(seed: int) -> None:
    """torch.manual_seed calls this for every device; the CPU generator it seeds is ours too."""


def get_rng_state(device: Any = None) -> torch.Tensor:
    """The CPU generator's state."""
    return torch.default_generator.get_state()


def set_rng_state(new_state: torch.Tensor, device: Any = None) -> None:
    """Set the CPU generator's state."""
    torch.default_generator.set_state(new_state)


def _is_in_bad_fork() -> bool:
    return False
