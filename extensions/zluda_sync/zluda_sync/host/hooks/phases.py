"""Hooks on the host's ``State.begin`` and ``State.end``, which bracket each phase of a job."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from zluda_sync.core.clock import SYSTEM_CLOCK, Clock
from zluda_sync.core.phase import Phase
from zluda_sync.host.hooks.patch_table import Patch, Switch
from zluda_sync.host.job.alone import find_lone_work
from zluda_sync.host.job.current import Jobs
from zluda_sync.host.job.request import CallSite
from zluda_sync.host.job.requests import Requests
from zluda_sync.host.job.titles import phase_of
from zluda_sync.host.sdnext import SdNext

#: Phases that were begun and never ended are forgotten beyond this many.
_MAX_OPEN = 64


@dataclass(frozen=True)
class _OpenPhase:
    """A phase that was begun and not ended; ``task_id`` is what begin returned, None in older versions."""

    title: str
    task_id: Any
    began_at_s: float
    thread_id: int


class PhaseHooks:
    """Follows the nesting of phases, thread by thread: a page may begin one beside a running job.

    Stop and errors leave phases without their end, and a generator may end one on another thread; what the
    host returns from ``begin`` and gives to ``end`` tells which phase is meant. Older versions of the host
    nest nothing, and name phases by writing ``state.job``.

    Args:
        jobs: told of each phase.
        requests: told of each phase.
        clock: seconds.
        find_model: gives the name of the model that the host is to have.
    """

    def __init__(
        self,
        jobs: Jobs,
        requests: Requests,
        clock: Clock = SYSTEM_CLOCK,
        find_model: Callable[[], str] = lambda: "",
    ) -> None:
        self._jobs = jobs
        self._requests = requests
        self._find_model = find_model
        self._clock = clock
        self._open: list[_OpenPhase] = []
        self._lock = threading.Lock()
        self._thread = threading.local()
        self.newest_title = ""

    def patches(self, state_class: type) -> list[Patch]:
        """Return the patches of both methods."""
        return [
            Patch(state_class, "begin", self._wrap_begin, "learn which phase begins"),
            Patch(state_class, "end", self._wrap_end, "learn which phase ends"),
        ]

    @property
    def innermost_began_at_s(self) -> float | None:
        """When the phase was begun in which the calling thread is, None if it is in none.

        A tab whose work is a generator goes on on another thread: its first job was asked for when the
        request was.
        """
        own = self._of_thread(threading.get_ident())
        if own:
            return own[-1].began_at_s
        control = self._requests.meant
        return control.begun_at_s if control is not None and not control.jobs_begun else None

    @property
    def titles(self) -> tuple[str, ...]:
        """Titles of the phases in which the calling thread is, the outermost first.

        A tab whose work is a generator goes on on another thread; where that is in no phase, all that are
        open are told.
        """
        with self._lock:
            own = self._of_thread(threading.get_ident()) or self._open
            return tuple(phase.title for phase in own)

    @property
    def is_in_transition(self) -> bool:
        """Whether the calling thread is within the host's ``begin`` or ``end``, which reset every field."""
        return getattr(self._thread, "is_in_transition", False)

    def title_written(self, _previous: str, title: str) -> None:
        """The host has written ``state.job``; within begin and end that is no news."""
        if title and not self.is_in_transition:
            self._jobs.phase_began(title, is_bracketed=False)

    def _wrap_begin(self, original: Callable[..., Any], switch: Switch) -> Callable[..., Any]:
        @functools.wraps(original)
        def begin(state: Any, *args: Any, **kwargs: Any) -> Any:
            if not switch.is_on:
                return original(state, *args, **kwargs)
            with self._jobs.guard.watching("keeping a picture that was stopped"):
                self._requests.keep_unfinished(state)
            task_id = self._in_transition(original, state, args, kwargs)
            title = str(args[0] if args else kwargs.get("title", ""))
            is_marked = any((*args[1:], kwargs.get("task_id"), kwargs.get("api")))
            asked_id = kwargs.get("task_id") or next(iter(args[1:]), None)
            page_task = asked_id if isinstance(asked_id, str) else None
            with self._jobs.guard.watching("following a phase"):
                self._began(title, task_id, is_marked, page_task)
            return task_id

        return begin

    def _wrap_end(self, original: Callable[..., Any], switch: Switch) -> Callable[..., Any]:
        @functools.wraps(original)
        def end(state: Any, *args: Any, **kwargs: Any) -> Any:
            if not switch.is_on:
                return original(state, *args, **kwargs)
            result = self._in_transition(original, state, args, kwargs)
            task_id = args[0] if args else kwargs.get("task_id")
            with self._jobs.guard.watching("following a phase"):
                self._ended(state, task_id)
            return result

        return end

    def _began(self, title: str, task_id: Any, is_marked: bool, page_task: str | None) -> None:
        thread_id = threading.get_ident()
        phase = phase_of(title)
        self.newest_title = title
        self._jobs.close_what_was_left()
        if self._requests.forget_left(thread_id):
            self._forget_thread(thread_id)
        is_outermost = self._is_new_request(title, is_marked)
        if is_outermost:
            # What the request before it has left open on this thread will never end.
            self._jobs.request_ended()
            self._forget_thread(thread_id)
        if not self._jobs.is_driving():
            self._requests.begin_phase(
                is_outermost,
                makes_pictures=phase is None,
                task_id=page_task,
                site=CallSite.here(),
            )
        with self._lock:
            self._open.append(_OpenPhase(title, task_id, self._clock(), thread_id))
            del self._open[:-_MAX_OPEN]
        control = self._requests.own
        if control is not None:
            control.begin_phase()
            control.is_loading = phase is Phase.LOAD or (control.is_loading and phase is None)
        self._follow_lone_work(title)
        self._jobs.phase_began(title)
        self._jobs.go_on_stopping()

    def _follow_lone_work(self, title: str) -> None:
        """Follow what the host does without making a picture, where that is all that is under way."""
        own, outermost = self._requests.own, self._of_thread(threading.get_ident())[0]
        if self._jobs.is_free and own is not None and self._requests.meant is own:
            around = [phase.title for phase in self._of_thread(threading.get_ident())[:-1]]
            work = find_lone_work(title, around, self._find_model())
            if work is not None:
                self._jobs.open(work, outermost.began_at_s)

    def _ended(self, state: Any, task_id: Any) -> None:
        with self._lock:
            ended = self._find(task_id)
            if ended is not None:
                position = self._open.index(ended)
                inner = {id(phase) for phase in self._open[position:] if phase.thread_id == ended.thread_id}
                self._open = [phase for phase in self._open if id(phase) not in inner]
        thread_id = ended.thread_id if ended is not None else threading.get_ident()
        own = self._of_thread(thread_id)
        control = self._requests.own
        if control is not None:
            control.is_loading = bool(own) and phase_of(own[-1].title) is Phase.LOAD
        title = ended.title if ended is not None else ""
        whose = next((one.control for one in self._requests.begun if one.thread_id == thread_id), None)
        if ended is None and task_id is None and whose is None:
            whose = control  # all of it, as after an error
        self._jobs.phase_ended(title, is_outermost=not own, whose=whose)
        if not own:
            if self._requests.was_pressed_again(thread_id):
                vars(state).update(interrupted=False, skipped=False)  # the host alone would have forgotten it
            self._requests.close(thread_id)

    def _forget_thread(self, thread_id: int) -> None:
        with self._lock:
            self._open = [phase for phase in self._open if phase.thread_id != thread_id]

    def _is_new_request(self, title: str, is_marked: bool) -> bool:
        """Whether no phase that is still open on this thread can be around this one.

        Requests of the page and of the API are marked. Without a mark, the title of the outermost one tells.
        """
        if self._jobs.is_driving() or phase_of(title) is not None:
            return False
        own = self._of_thread(threading.get_ident())
        return is_marked or (bool(own) and own[0].title == title)

    def _find(self, task_id: Any) -> _OpenPhase | None:
        own = self._of_thread(threading.get_ident())
        if not isinstance(task_id, str):  # older versions: what was begun last
            return own[-1] if own else None
        return next((phase for phase in reversed(self._open) if phase.task_id == task_id), None)

    def _of_thread(self, thread_id: int) -> list[_OpenPhase]:
        return [phase for phase in self._open if phase.thread_id == thread_id]

    def _in_transition(self, original: Callable[..., Any], state: Any, args: Any, kwargs: Any) -> Any:
        self._thread.is_in_transition = True
        try:
            return original(state, *args, **kwargs)
        finally:
            self._thread.is_in_transition = False


class Idleness:
    """Whether the host does nothing. Judges by all that is known; what it cannot tell counts as busy.

    The host clears its fields at the end of a request. One that fails has no end: its last phase stands in
    ``state.job`` for ever. And the step of the last request stands after its end, too.

    Args:
        host: the host.
        jobs: knows the job that is followed.
        requests: knows what runs.
        phases: knows what began last.
    """

    def __init__(self, host: SdNext, jobs: Jobs, requests: Requests, phases: PhaseHooks) -> None:
        self._host = host
        self._jobs = jobs
        self._requests = requests
        self._phases = phases

    @property
    def is_idle(self) -> bool:
        """Whether nothing runs for certain. Any thread."""
        if self._jobs.current is not None or not self._requests.are_all_over:
            return False
        if self._host.is_locked or self._host.page_tasks[0] is not None:
            return False
        # Another extension may name its work by itself, without telling where it begins and ends.
        return self._host.job in ("", self._phases.newest_title)
