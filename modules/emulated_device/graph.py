"""Captured graphs: what is queued once, and then launched again as one command, in ``torch.cuda``'s words."""

from __future__ import annotations

import contextlib
import itertools
import threading
from collections.abc import Iterator
from typing import Any

from modules.emulated_process.frames import Command

from .queue import QUEUE

_numbers = itertools.count()
#: What a graph may hold besides operations.
_RECORDED = (Command.DELAY, Command.BEGIN, Command.HOLD)


class Graph:
    """Operations of one thread, captured and not computed; each replay reads and writes the same tensors."""

    def __init__(self) -> None:
        self._number = next(_numbers)
        self._commands: list[tuple[Any, ...]] = []
        self._definitions: dict[int, tuple[Any, ...]] = {}
        self._held: list[Any] = []
        self._thread: int | None = None
        self._is_captured = False

    @property
    def is_of_this_thread(self) -> bool:
        """Whether this thread captures into it."""
        return self._thread == threading.get_ident()

    def capture_begin(self) -> None:
        """Capture what this thread queues from here on.

        Raises:
            RuntimeError: another capture is under way, or this graph was captured already.
        """
        if QUEUE.recording is not None or self._is_captured:
            raise RuntimeError("a graph is captured once, and one at a time")
        self._thread = threading.get_ident()
        QUEUE.recording = self

    def capture_end(self) -> None:
        """End the capture and hand the graph to the device."""
        QUEUE.recording = self._thread = None
        self._is_captured = True
        for definition in self._definitions.values():
            QUEUE.define(definition)
        QUEUE.note((int(Command.DEFINE_GRAPH), self._number, self._commands))

    def replay(self) -> None:
        """Queue the whole as one launch.

        Raises:
            RuntimeError: nothing was captured.
        """
        if not self._is_captured:
            raise RuntimeError("a graph is replayed after it was captured")
        QUEUE.enqueue((int(Command.REPLAY), self._number))

    def reset(self) -> None:
        """Forget what was captured."""
        if self._is_captured:
            QUEUE.note((int(Command.FREE_GRAPH), self._number))
        self._commands, self._definitions, self._held, self._is_captured = [], {}, [], False

    def records(self, command: tuple[Any, ...], definition: tuple[Any, ...] | None) -> bool:
        """Take a command that this thread queues; False if it is another thread's.

        Raises:
            RuntimeError: such a thing cannot be part of a graph.
        """
        if not self.is_of_this_thread:
            return False
        if command[0] < 0 and command[0] not in _RECORDED:
            raise RuntimeError("CUDA error 901: operation failed due to a previous error during capture")
        self._commands.append(command)
        if definition is not None:
            self._definitions[definition[1]] = definition
        return True

    def hold(self, *tensors: Any) -> None:
        """Keep what the graph reads and writes, as long as there is the graph."""
        if self.is_of_this_thread:
            self._held.append(tensors)


@contextlib.contextmanager
def graph(captured: Graph) -> Iterator[None]:
    """A context in which what this thread queues is captured."""
    captured.capture_begin()
    try:
        yield
    finally:
        captured.capture_end()


def is_current_stream_capturing() -> bool:
    """Whether this thread captures a graph: then a mark or a wait would spoil it."""
    return QUEUE.recording is not None and QUEUE.recording.is_of_this_thread
