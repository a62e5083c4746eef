"""Hooks on the host's ``State.begin`` and ``State.end``, which bracket each phase of a job."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any

from zluda_sync.core.clock import SYSTEM_CLOCK, Clock
from zluda_sync.host.jobs import Jobs
from zluda_sync.host.patches import Patch, Switch


class PhaseHooks:
    """Follows the nesting of phases, thread by thread: a page may begin one beside a running job.

    Older versions of the host nest nothing, and name phases by writing ``state.job``.
    """

    def __init__(self, jobs: Jobs, clock: Clock = SYSTEM_CLOCK) -> None:
        self._jobs = jobs
        self._clock = clock
        self._thread = threading.local()

    def patches(self, state_class: type) -> list[Patch]:
        """Return the patches of both methods."""
        return [
            Patch(state_class, "begin", self._wrap_begin, "learn which phase begins"),
            Patch(state_class, "end", self._wrap_end, "learn which phase ends"),
        ]

    @property
    def innermost_began_at_s(self) -> float | None:
        """When the phase was begun in which the calling thread is, None if it is in none."""
        stack = self._stack
        return stack[-1][1] if stack else None

    @property
    def is_in_transition(self) -> bool:
        """Whether the calling thread is inside ``begin`` or ``end``, where fields are written one by one."""
        return getattr(self._thread, "is_in_transition", False)

    def title_written(self, title: str) -> None:
        """The host has written ``state.job`` by itself."""
        if title and not self.is_in_transition:
            self._jobs.phase_began(title)

    @property
    def _stack(self) -> list[tuple[str, float]]:
        if not hasattr(self._thread, "stack"):
            self._thread.stack = []
        stack: list[tuple[str, float]] = self._thread.stack
        return stack

    def _wrap_begin(self, original: Callable[..., Any], switch: Switch) -> Callable[..., Any]:
        @functools.wraps(original)
        def begin(state: Any, *args: Any, **kwargs: Any) -> Any:
            if not switch.is_on:
                return original(state, *args, **kwargs)
            result = self._in_transition(original, state, args, kwargs)
            title = str(args[0] if args else kwargs.get("title", ""))
            self._stack.append((title, self._clock()))
            del self._stack[:-32]  # some phases are begun and never ended
            self._jobs.phase_began(title)
            return result

        return begin

    def _wrap_end(self, original: Callable[..., Any], switch: Switch) -> Callable[..., Any]:
        @functools.wraps(original)
        def end(state: Any, *args: Any, **kwargs: Any) -> Any:
            if not switch.is_on:
                return original(state, *args, **kwargs)
            result = self._in_transition(original, state, args, kwargs)
            title = self._stack.pop()[0] if self._stack else ""
            self._jobs.phase_ended(title, is_outermost=not self._stack)
            return result

        return end

    def _in_transition(self, original: Callable[..., Any], state: Any, args: Any, kwargs: Any) -> Any:
        self._thread.is_in_transition = True
        try:
            return original(state, *args, **kwargs)
        finally:
            self._thread.is_in_transition = False
