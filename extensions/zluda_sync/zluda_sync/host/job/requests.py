"""The requests that the host has under way, and which of them a press of Stop means."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from itertools import count
from typing import Any

from zluda_sync.core.clock import SYSTEM_CLOCK
from zluda_sync.core.wishes.control import Control
from zluda_sync.core.wishes.request_wishes import Ending
from zluda_sync.core.wishes.stop_echo import StopEcho
from zluda_sync.host.job.arrivals import Arrivals
from zluda_sync.host.job.request import CallSite, Request, is_server_thread

#: Requests that were opened and never closed are forgotten beyond this many.
_MAX_OPEN = 64
#: Of so many that are over it is known that they were there.
_MOST_ENDED = 256


class Requests:
    """Knows who runs which request.

    The host runs one at a time, behind a lock. Those of the page begin before they wait for it; those of the
    API and of some tabs when they have it. A tab whose work is a generator goes on on another thread after
    each of its steps: a thread that begins something outside of any request of its own takes part in the one
    that runs.

    A request that fails ends without a word: what has left the host's code that began it is over.

    Args:
        is_waiting: whether the page's task of this id still waits for the host's lock.
        press: sets the host's own flag for Stop or Skip; False if it stood already.
        is_host_locked: whether the host's lock is held: then a request that is on no stack, because it is a
            generator between two steps, may still run.

    Attributes:
        pressed_for: the control that the newest press was meant for, None before the first. The host has one
            flag for all of its requests.
        echo: tells a press for the request that was just stopped from one for the next.
        arrivals: calls of the host's API, which wait before the host begins a request for them.
        ended: controls of the newest requests that are over, of those that have a name.
    """

    def __init__(
        self,
        is_waiting: Callable[[str], bool] = lambda task_id: False,
        press: Callable[[Ending], bool] = lambda ending: False,
        is_host_locked: Callable[[], bool] = lambda: False,
    ) -> None:
        self._is_waiting = is_waiting
        self._press = press
        self._is_host_locked = is_host_locked
        self.pressed_for: Control | None = None
        self.echo = StopEcho()
        self.ended: deque[Control] = deque(maxlen=_MOST_ENDED)
        self.arrivals = Arrivals(self._new_control, self._end)
        # Replaced, never changed: readers take no lock.
        self._by_thread: dict[int, Request] = {}
        self._running: Control | None = None
        self._numbers = count()
        self._has_seen_one = False
        self._lock = threading.Lock()

    @property
    def own(self) -> Control | None:
        """The control of the request that the calling thread runs, or a part of it; None if it runs none.

        Not that of a request that the thread has left: servers give their threads other work in between.
        """
        request = self._by_thread.get(threading.get_ident())
        if request is None:
            return None
        if request.control is self._running:  # an identity is given again once its thread has ended
            return request.control if threading.current_thread() in request.threads else None
        return request.control if request.site is None or request.site.is_around() else None

    @property
    def meant(self) -> Control | None:
        """The control of the request that a press of Stop means, None if nothing is under way.

        The host's buttons and routes name none. It is the one whose job runs; between jobs the newest that
        makes pictures and does not wait.
        """
        running = self._running  # once: its job may end between two looks
        if running is not None:
            return running
        request = self._likeliest()
        return request.control if request is not None else None

    def keep_unfinished(self, state: Any) -> None:
        """A phase begins, which clears the picture that the host has in the place of a stopped one.

        A script may go on to its next cell all the same, which is then not made, and expect a picture.
        """
        control = self.own
        if control is not None and control.stopped_at_s is not None:
            picture = vars(state).get("current_image")
            if picture is not None:
                control.unfinished_picture = picture

    @property
    def are_all_over(self) -> bool:
        """Whether every request that was seen has ended; False before the first one."""
        return self._has_seen_one and self._running is None and self._likeliest() is None

    def is_meant_for_another(self, control: Control) -> bool:
        """Whether the newest press was meant for another request than this, and that one is under way."""
        pressed_for = self.pressed_for
        if pressed_for is None or pressed_for is control:
            return False
        return self.is_under_way(pressed_for)

    def is_under_way(self, control: Control) -> bool:
        """Whether the request of this control has not ended."""
        requests = set(self._by_thread.values())
        return any(request.control is control and self._is_alive(request) for request in requests)

    @property
    def begun(self) -> frozenset[Request]:
        """Requests that the host has begun; one that failed may be among them, see :meth:`is_under_way`."""
        return frozenset(self._by_thread.values())

    def waits(self, request: Request) -> bool:
        """Whether a request waits for the host's lock, as those of the page do after their begin."""
        return request.task_id is not None and self._is_waiting(request.task_id)

    def begin_phase(
        self,
        is_outermost: bool,
        makes_pictures: bool,
        task_id: str | None,
        site: CallSite | None = None,
    ) -> None:
        """The host begins a phase on the calling thread.

        Args:
            is_outermost: whether it begins a request for certain; else it may be a part of the one that runs.
            makes_pictures: whether a request that begins with it is one for pictures.
            task_id: of the page's task, None where the host gave none.
            site: what of the host's code begins it, None if that is not known.
        """
        thread_id = threading.get_ident()
        request = self._by_thread.get(thread_id)
        if request is None and not is_outermost:
            request = self._joined(thread_id)
        if request is None or is_outermost:
            self._open(
                Request(
                    self.arrivals.own_control() if makes_pictures else self._new_control(),
                    thread_id,
                    next(self._numbers),
                    task_id,
                    makes_pictures,
                    site=site,
                )
            )
        else:
            request.has_moved = True

    def forget_left(self, thread_id: int) -> bool:
        """Forget the request of a thread if it has left it, and return whether there was one."""
        request = self._by_thread.get(thread_id)
        if request is None or self._is_alive(request):
            return False
        self._remove_failed(request)
        return True

    def has_left(self, control: Control) -> bool:
        """Whether what began the request of this control has been left, though a job of it is followed."""
        requests = {request for request in self._by_thread.values() if request.control is control}
        return not any(request.site is None or self._is_site_running(request.site) for request in requests)

    def own_or_implied(self) -> Control:
        """Return the control for a job that begins on the calling thread."""
        thread_id = threading.get_ident()
        self.forget_left(thread_id)
        request = self._by_thread.get(thread_id) or self._joined(thread_id)
        if request is None:
            request = self._open(
                Request(
                    self.arrivals.own_control(),
                    thread_id,
                    next(self._numbers),
                    is_implied=True,
                    site=CallSite.here(),
                )
            )
        request.has_moved = True
        return request.control

    def close(self, thread_id: int) -> None:
        """A thread has ended all that it began: its own request, or its part in another's."""
        request = self._by_thread.get(thread_id)
        if request is None or request.control is self._running:
            return  # a job of it runs: what has ended lay within that, and nothing around it on this thread
        if request.thread_id == thread_id:
            self._remove(request)
            self.echo.record_ended(request.control, request.control.was_stopped)
        else:
            with self._lock:
                self._by_thread = {key: one for key, one in self._by_thread.items() if key != thread_id}

    def job_began(self, control: Control) -> None:
        """The job of a request runs: it has the host's lock, so whatever else does not wait was left open."""
        self._running = control
        for request in set(self._by_thread.values()):
            if request.control is not control and not self.waits(request) and request.has_moved:
                self._remove_failed(request)

    def job_ended(self, control: Control) -> None:
        """The job of a request has ended, and with it a request that it implied."""
        if self._running is control:
            self._running = None
        self.echo.record_ended(control, control.was_stopped)
        for request in set(self._by_thread.values()):
            if request.control is control and request.is_implied:
                self._remove(request)

    def close_all(self) -> None:
        """Forget every request."""
        for request in set(self._by_thread.values()):
            self._remove(request)

    def was_pressed_again(self, thread_id: int) -> bool:
        """Whether the host's flag stands for a request of this thread's own because we have set it again."""
        request = self._by_thread.get(thread_id)
        if request is None or request.thread_id != thread_id:
            return False
        return request.control.was_pressed_again and request.control is self.pressed_for

    def _new_control(self) -> Control:
        def press(ending: Ending) -> None:
            self.pressed_for = control
            if self._press(ending):
                control.was_pressed_again = True

        control = Control(press=press, begun_at_s=SYSTEM_CLOCK())
        return control

    def _is_alive(self, request: Request) -> bool:
        if request.site is None or request.control is self._running:
            return True
        return self._is_site_running(request.site)

    def _is_site_running(self, site: CallSite) -> bool:
        return site.is_running() or (site.is_generator and self._is_host_locked())

    def _likeliest(self) -> Request | None:
        """Return the request that runs, by all that is known."""
        return max(
            filter(self._is_alive, self._by_thread.values()),
            key=lambda one: (one.makes_pictures, not self.waits(one), one.has_moved, one.number),
            default=None,
        )

    def _joined(self, thread_id: int) -> Request | None:
        """Have a thread take part in the request that runs, if one does and can have gone on there."""
        request = self._likeliest()
        if request is None or self.waits(request) or not request.makes_pictures or request.is_implied:
            return None
        is_handed_on = request.site is not None and request.site.is_generator
        if is_server_thread() and not is_handed_on:
            return None  # the server has given it work of its own
        with self._lock:
            request.threads.add(threading.current_thread())
            self._by_thread = {**self._by_thread, thread_id: request}
        return request

    def _open(self, request: Request) -> Request:
        before = self._by_thread.get(request.thread_id)
        if before is not None and before.thread_id == request.thread_id:
            self._remove(before)  # of another's the thread only took part
        while len(self._by_thread) >= _MAX_OPEN:
            self._remove(next(iter(self._by_thread.values())))
        with self._lock:
            self._has_seen_one = True
            request.threads.add(threading.current_thread())
            request.control.name = request.task_id or request.control.name
            self._by_thread = {**self._by_thread, request.thread_id: request}
        return request

    def _remove_failed(self, request: Request) -> None:
        """Forget a request that has ended without a word."""
        self.echo.record_failed(request.control)
        self._remove(request)

    def _remove(self, request: Request) -> None:
        with self._lock:
            self._by_thread = {key: one for key, one in self._by_thread.items() if one is not request}
        self._end(request.control)

    def _end(self, control: Control) -> None:
        control.end_request()
        if control.id or control.name:
            self.ended.append(control)
