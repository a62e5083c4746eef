"""Frames on the pipes between host and device: a head in marshal's format, and bytes that go as they are.

Nothing here is pickled: what crosses is numbers, words and bytes, and the same on every system.
"""

from __future__ import annotations

import marshal
import mmap
import struct
import sys
import threading
from enum import IntEnum
from pathlib import Path
from typing import Any, BinaryIO

_LENGTHS = struct.Struct("<IQ")
_NUMBERS = 8


class Counter(IntEnum):
    """Places in the memory that both processes see; each holds one whole number."""

    COMPLETED = 0
    FAULTS = 1
    IS_HUNG = 2
    #: In thousandths: 1000 is as fast as it is.
    SLOWNESS = 3
    STARTED = 4


class Control(IntEnum):
    """What the host asks beside the queue, answered whatever the queue is busy with."""

    WAIT = 0
    OPEN = 1
    PEEK = 2


class Command(IntEnum):
    """What the host queues; a call of an operation begins with the number of its plan instead.

    Those before STORE take no ticket.
    """

    DEFINE = -1
    FREE = -2
    DEFINE_GRAPH = -3
    FREE_GRAPH = -4
    STORE = -5
    WRITE = -6
    READ = -7
    FETCH = -8
    ASK = -9
    MARK = -10
    DELAY = -11
    BEGIN = -12
    HOLD = -13
    GATE = -14
    FAIL = -15
    REPLAY = -16


class Reply(IntEnum):
    """What the device tells."""

    STARTED = 0
    REACHED = 1
    VALUE = 2
    MARK = 3
    FAULT = 4
    PEEKED = 5


class Frames:
    """One direction of a pipe, or both; frames of several threads do not mix."""

    def __init__(self, source: BinaryIO | None, target: BinaryIO | None) -> None:
        self._source = source
        self._target = target
        self._lock = threading.Lock()

    def write(self, head: Any, payload: memoryview | bytes = b"") -> None:
        """Write one frame; waits for room in the pipe.

        Raises:
            OSError: the other side is gone.
        """
        assert self._target is not None
        packed = marshal.dumps(head)
        parts = [memoryview(_LENGTHS.pack(len(packed), len(payload)) + packed)]
        if len(payload):
            parts.append(memoryview(payload))
        with self._lock:
            for part in parts:
                written = 0
                while written < len(part):
                    written += self._target.write(part[written:]) or 0

    def wait_frame(self) -> tuple[Any, bytearray]:
        """Read one frame: head and payload.

        Raises:
            EOFError: the other side is gone.
        """
        assert self._source is not None
        lengths = self._source.read(_LENGTHS.size)
        if len(lengths) < _LENGTHS.size:
            raise EOFError
        head_bytes, payload_bytes = _LENGTHS.unpack(lengths)
        head = self._source.read(head_bytes)
        payload = bytearray(payload_bytes)
        if len(head) < head_bytes or (payload_bytes and not self._fill(payload)):
            raise EOFError
        return marshal.loads(head), payload

    def _fill(self, payload: bytearray) -> bool:
        assert self._source is not None
        return bool(self._source.readinto(payload) == len(payload))  # type: ignore[attr-defined]


class SharedCounters:
    """Whole numbers that host and device see without asking each other."""

    def __init__(self, name: str) -> None:
        size = 8 * _NUMBERS
        if sys.platform == "win32":
            self._memory = mmap.mmap(-1, size, tagname=name)
        else:
            with Path(name).open("r+b") as file:
                self._memory = mmap.mmap(file.fileno(), size)
        self.numbers = memoryview(self._memory).cast("q")
