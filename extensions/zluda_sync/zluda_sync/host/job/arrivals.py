"""Calls of the host's API from their arrival to their answer: until the host begins one, it waits in line.

The host says nothing of a call that waits for its lock: what it does begins only when it has that.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field

from zluda_sync.core.clock import SYSTEM_CLOCK
from zluda_sync.core.wishes.control import Control


@dataclass(eq=False)
class Arrival:
    """One call.

    Attributes:
        control: for the request that the host will begin for it.
        asked_at_s: when it came, in seconds since the epoch.
        is_begun: whether the host has begun a request for it, and so knows of it.
    """

    control: Control
    asked_at_s: float = field(default_factory=time.time)
    is_begun: bool = False


#: The call that the running code answers. Threads on which a server does what was asked inherit it.
_ANSWERED: ContextVar[Arrival | None] = ContextVar("zluda_sync_arrival", default=None)


class Arrivals:
    """Knows the calls that are being answered. Any thread; readers need no lock.

    Args:
        new_control: makes the control for a request.
        record_over: told of the control of a call that the host has begun nothing for, at its end.
    """

    def __init__(self, new_control: Callable[[], Control], record_over: Callable[[Control], None]) -> None:
        self._new_control = new_control
        self._record_over = record_over
        self._all: frozenset[Arrival] = frozenset()  # replaced, never changed
        self._lock = threading.Lock()

    @property
    def controls(self) -> tuple[Control, ...]:
        """Of all calls that are being answered, whether begun or not, and over or not."""
        return tuple(one.control for one in self._all)

    @property
    def waiting(self) -> tuple[Arrival, ...]:
        """Those that the host has not begun."""
        return tuple(one for one in self._all if not one.is_begun)

    @contextlib.contextmanager
    def answering(self, name: str) -> Iterator[None]:
        """A context in which one call is answered.

        Args:
            name: that its caller has given it, empty if none.
        """
        arrival = Arrival(self._new_control())
        arrival.control.name = name
        with self._lock:
            self._all |= {arrival}
        token = _ANSWERED.set(arrival)
        try:
            yield
        finally:
            _ANSWERED.reset(token)
            with self._lock:
                self._all -= {arrival}
                was_begun, arrival.is_begun = arrival.is_begun, True
            if not was_begun:
                self._record_over(arrival.control)

    def own_control(self) -> Control:
        """Return the control for a request that the host begins on the calling thread.

        That of the call which the thread answers, once: what the host begins afterwards for the same call is
        another request. Else a new one.
        """
        arrival = _ANSWERED.get()
        if arrival is None:  # as for the page and for scripts
            return self._new_control()
        with self._lock:
            if arrival.is_begun or arrival not in self._all:
                return self._new_control()
            arrival.is_begun = True
        arrival.control.begun_at_s = SYSTEM_CLOCK()
        return arrival.control
