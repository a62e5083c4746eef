"""The requests that the host has under way, and which of them a press of Stop means."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from zluda_sync.core.control import Control

#: Requests that were opened and never closed are forgotten beyond this many.
_MAX_OPEN = 64


@dataclass(frozen=True)
class _Request:
    """A request and the thread that runs it.

    Attributes:
        control: what the user wants of it.
        is_implied: whether no phase of the host began it; then its job's end is its own.
        is_errand: whether it makes no pictures, such as loading a model.
    """

    control: Control
    is_implied: bool
    is_errand: bool


class Requests:
    """One request a thread at most. Those of the page open theirs before they wait in the host's queue."""

    def __init__(self) -> None:
        # In order of opening. Replaced, never changed: readers take no lock.
        self._by_thread: dict[int, _Request] = {}
        self._running: Control | None = None
        self._lock = threading.Lock()

    @property
    def own(self) -> Control | None:
        """The control of the request that the calling thread runs, None if it runs none."""
        request = self._by_thread.get(threading.get_ident())
        return request.control if request is not None else None

    @property
    def meant(self) -> Control | None:
        """The control of the request that a press of Stop means, None if nothing is under way.

        The host's buttons and routes name none. It is the one whose job runs; between jobs the oldest that
        makes pictures, for the others wait behind it.
        """
        if self._running is not None:
            return self._running
        requests = self._by_thread.values()
        pictures = [request for request in requests if not request.is_errand]
        return next((request.control for request in pictures or requests), None)

    def open(self, is_errand: bool = False) -> Control:
        """A request begins on the calling thread; what the one before it has left open is over."""
        return self._open(_Request(Control(), is_implied=False, is_errand=is_errand))

    def own_or_implied(self) -> Control:
        """Return the control of the calling thread's request; without one, a job implies one of its own."""
        return self.own or self._open(_Request(Control(), is_implied=True, is_errand=False))

    def close(self, thread_id: int) -> None:
        """The request of a thread is over; one that its job implied goes on till the job ends."""
        request = self._by_thread.get(thread_id)
        if request is not None and not (request.is_implied and request.control is self._running):
            self._remove(thread_id)

    def job_began(self, control: Control) -> None:
        """The job of a request runs: it has left the queue."""
        self._running = control

    def job_ended(self, control: Control) -> None:
        """The job of a request has ended, and with it a request that it implied."""
        if self._running is control:
            self._running = None
        for thread_id, request in self._by_thread.items():
            if request.control is control and request.is_implied:
                self._remove(thread_id)

    def close_all(self) -> None:
        """Forget every request."""
        for thread_id in self._by_thread:
            self._remove(thread_id)

    def _open(self, request: _Request) -> Control:
        thread_id = threading.get_ident()
        self._remove(thread_id)
        with self._lock:
            kept = dict(list(self._by_thread.items())[-_MAX_OPEN + 1 :])
            self._by_thread = {**kept, thread_id: request}
        return request.control

    def _remove(self, thread_id: int) -> None:
        with self._lock:
            request = self._by_thread.get(thread_id)
            self._by_thread = {key: value for key, value in self._by_thread.items() if key != thread_id}
        if request is not None:
            request.control.end_request()
