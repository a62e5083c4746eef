"""The host's fields in which its scripts say how many pictures they will make.

Each phase that begins sets them anew, so that they are of no use once the first picture is begun.
"""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any

from zluda_sync.host.hooks.patch_table import Patch, StateField, Switch
from zluda_sync.host.hooks.phases import PhaseHooks
from zluda_sync.host.job.current import Jobs
from zluda_sync.host.job.request import find_request
from zluda_sync.host.job.requests import Requests

#: Pictures of scripts and folders; frames of a film, each of which is a cell. And whether they are cells.
_FIELDS = {"job_count": False, "frame_count": True}
#: Code that counts what it does itself: versions of the host count phases and images of a cell there.
_OWN_COUNTS = "modules.processing"
_BETWEEN = ("zluda_sync.", "modules.shared_state")


class DeclaredCounts:
    """Builds the descriptors, which read and write as the host's own fields do."""

    def __init__(self, jobs: Jobs, requests: Requests, phases: PhaseHooks) -> None:
        self._jobs = jobs
        self._requests = requests
        self._phases = phases

    def patches(self, state_class: type) -> list[Patch]:
        """Return one patch for each field that this version of the host has."""
        return [self._patch(state_class, name) for name in _FIELDS if hasattr(state_class, name)]

    def _patch(self, state_class: type, name: str) -> Patch:
        def build(original: Any, switch: Switch) -> StateField:
            return _Field(name, original, switch, self)

        return Patch(state_class, name, build, "learn how many pictures a script will make")

    def take(self, name: str, value: Any) -> None:
        """A value was written by the calling thread."""
        if self._phases.is_in_transition or not isinstance(value, int) or _is_written_by_processing():
            return
        with self._jobs.guard.watching("learning how many pictures come"):
            control = self._requests.own
            request = find_request(self._requests.begun, control) if control is not None else None
            if request is not None:
                request.cells.declare(value, _FIELDS[name])


class _Field(StateField):
    def __init__(self, name: str, original: Any, switch: Switch, counts: DeclaredCounts) -> None:
        super().__init__(name, original, switch)
        self._counts = counts

    def read(self, own: Any) -> Any:
        return own

    def write(self, state: Any, value: Any) -> None:
        self.keep(state, value)
        self._counts.take(self._name, value)


def _is_written_by_processing() -> bool:
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        module = f"{frame.f_globals.get('__name__', '')}."
        if not module.startswith(_BETWEEN):
            return module.startswith(_OWN_COUNTS)
        frame = frame.f_back
    return False
