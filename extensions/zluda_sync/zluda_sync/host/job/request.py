"""A request of the host: where in the host's code it was begun, and whether that code still runs.

The host does not tell the end of a request that fails: no ``state.end`` is called where an error passes. What
is certain is that a function which is on no stack any more has been left.
"""

from __future__ import annotations

import gc
import inspect
import sys
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from types import CodeType, FrameType
from weakref import WeakSet

from zluda_sync.core.progress.cells import RequestCells
from zluda_sync.core.wishes.control import Control

#: What the server of the host calls the threads on which it does what clients ask.
_SERVER_THREAD = "WorkerThread"
#: Code that stands between a request of the host and us: not itself what runs a request.
_BETWEEN = ("zluda_sync.", "contextlib.", "functools.", "torch.", "diffusers.")
#: Functions that begin something for whoever calls them, and return at once.
_BEGINNERS = ("__enter__", "__aenter__", "__init__")
#: One thread at a time looks at the stacks of all.
_LOOKING = threading.RLock()


@dataclass(frozen=True)
class CallSite:
    """The function of the host that has begun something. No frame is kept: it would keep all its variables.

    Attributes:
        thread_id: of the thread.
        codes: of the innermost function; where that is a generator, which may be suspended or go on
            elsewhere, of the function that runs it too.
        is_generator: whether the innermost function is one.
    """

    thread_id: int
    codes: tuple[CodeType, ...]
    is_generator: bool

    @classmethod
    def here(cls) -> CallSite:
        """Return the innermost function of the host on the calling thread's stack."""
        frames = _frames_of_host(sys._getframe(1))
        codes = tuple(frame.f_code for frame in frames[:2])
        is_generator = bool(codes) and bool(codes[0].co_flags & inspect.CO_GENERATOR)
        return cls(threading.get_ident(), codes if is_generator else codes[:1], is_generator)

    def is_around(self) -> bool:
        """Whether the calling thread is within the function now."""
        return self._is_on(sys._getframe(1))

    def is_running(self) -> bool:
        """Whether the function is on the stack still; a generator counts on any thread's."""
        stacks = _find_stacks()
        if self.is_generator:
            return any(self._is_on(frame) for frame in stacks.values())
        return self._is_on(stacks.get(self.thread_id))

    def _is_on(self, frame: FrameType | None) -> bool:
        while frame is not None:
            if frame.f_code in self.codes:
                return True
            frame = frame.f_back
        return False


@dataclass(eq=False)
class Request:
    """A request that is under way.

    Attributes:
        control: what the user wants of it.
        thread_id: of the thread that began it.
        number: in order of opening.
        task_id: of the page's task, None where the host gave none.
        makes_pictures: whether it is one for pictures; others load a model, say.
        is_implied: whether no phase of the host began it; then its job's end is its own.
        has_moved: whether the host has begun anything within it.
        site: what of the host's code runs it, None if that is not known.
        threads: that take part in it.
        cells: the picture calls that it makes.
        asked_at_s: when it was asked for, in seconds since the epoch.
    """

    control: Control
    thread_id: int
    number: int
    task_id: str | None = None
    makes_pictures: bool = True
    is_implied: bool = False
    has_moved: bool = False
    site: CallSite | None = None
    threads: WeakSet[threading.Thread] = field(default_factory=WeakSet)
    cells: RequestCells = field(default_factory=RequestCells)
    asked_at_s: float = field(default_factory=time.time)


def find_request(requests: Iterable[Request], control: Control) -> Request | None:
    """Return the request of this control, None if it is not among them."""
    return next((one for one in requests if one.control is control), None)


def _find_stacks() -> dict[int, FrameType]:
    """Return the innermost frame of each thread.

    Before Python 3.12 the interpreter hangs for ever if it collects garbage in the middle of this while
    another thread begins, ends, or asks the same (python/cpython#106883).
    """
    if sys.version_info >= (3, 12):
        return sys._current_frames()
    with _LOOKING:
        was_collecting = gc.isenabled()
        gc.disable()
        try:
            return sys._current_frames()
        finally:
            if was_collecting:
                gc.enable()


def is_server_thread() -> bool:
    """Whether the calling thread is one of those on which a server does what its clients ask."""
    return type(threading.current_thread()).__name__ == _SERVER_THREAD


def _frames_of_host(frame: FrameType | None) -> list[FrameType]:
    found: list[FrameType] = []
    while frame is not None and len(found) < 2:
        module = f"{frame.f_globals.get('__name__', '')}."
        if not module.startswith(_BETWEEN) and frame.f_code.co_name not in _BEGINNERS:
            found.append(frame)
        frame = frame.f_back
    return found
