"""The host's fields ``interrupted``, ``skipped`` and ``paused``, kept for as long as their request lasts.

Every button, route and script of the host sets and asks these three, and ``State.begin`` clears them with
each phase. So its class gets a data descriptor for each: what others than the thread of a request write is
kept in the request's control, and what that thread asks is answered from there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from zluda_sync.core.control import Control
from zluda_sync.host.jobs import Jobs
from zluda_sync.host.patches import Patch, Switch
from zluda_sync.host.phase_hooks import PhaseHooks
from zluda_sync.host.requests import Requests
from zluda_sync.host.state_field import StateField


class ControlFields:
    """Builds the three descriptors."""

    def __init__(self, jobs: Jobs, requests: Requests, phases: PhaseHooks) -> None:
        self._jobs = jobs
        self._requests = requests
        self._phases = phases

    def patches(self, state_class: type) -> list[Patch]:
        """Return one patch for each field."""
        return [
            self._patch(state_class, "interrupted", _Interrupted, "keep a Stop over the phases of a request"),
            self._patch(state_class, "skipped", _Skipped, "end the current image only"),
            self._patch(state_class, "paused", _Paused, "keep a pause over the phases of a request"),
        ]

    def hand_over(self, state: Any) -> None:
        """Leave to the host what the user wants of the request that runs, for nobody else keeps it now."""
        control = self._requests.meant
        if control is not None:
            wishes = {
                "interrupted": control.is_stopped,
                "skipped": control.is_skipped,
                "paused": control.is_paused,
            }
            state.__dict__.update({name: True for name, is_wished in wishes.items() if is_wished})

    def _patch(self, state_class: type, name: str, kind: Callable[..., StateField], reason: str) -> Patch:
        def build(original: Any, switch: Switch) -> StateField:
            return kind(name, original, switch, self._jobs, self._requests, self._phases)

        return Patch(state_class, name, build, reason)


class _ControlField(StateField):
    def __init__(
        self, name: str, original: Any, switch: Switch, jobs: Jobs, requests: Requests, phases: PhaseHooks
    ) -> None:
        super().__init__(name, original, switch)
        self._jobs = jobs
        self._requests = requests
        self._phases = phases

    def read(self, own: Any) -> Any:
        control = self._requests.own
        if control is not None:
            return own or self.asked_by_host(control)
        control = self._requests.meant
        return own or (control is not None and self.asked_by_others(control))

    def write(self, state: Any, value: Any) -> None:
        if self._phases.is_in_transition:
            # A phase that saves takes over what it reads: maybe the wish of a user, which is kept elsewhere.
            self.keep(state, value and self.own_value(state))
        elif self._jobs.is_driving():
            self.written_by_host(state, self._requests.own, value)
        elif (control := self._requests.meant) is not None:
            self.wished(control, bool(value))
        else:
            self.keep(state, value)

    def asked_by_host(self, control: Control) -> bool:
        """The thread of a request asks."""
        return self.asked_by_others(control)

    def asked_by_others(self, control: Control) -> bool:
        """A client asks, or a thread that helps with a request."""
        raise NotImplementedError

    def written_by_host(self, state: Any, control: Control | None, value: Any) -> None:
        """The thread that runs a job writes, outside of the beginning and end of a phase."""
        self.keep(state, value)

    def wished(self, control: Control, value: bool) -> None:
        """A client writes."""
        raise NotImplementedError


class _Interrupted(_ControlField):
    def asked_by_host(self, control: Control) -> bool:
        return control.is_host_to_stop()

    def asked_by_others(self, control: Control) -> bool:
        return control.is_stopped

    def written_by_host(self, state: Any, control: Control | None, value: Any) -> None:
        # What fails because an image was left early is no reason to end the others.
        if not (value and control is not None and control.is_skipped and not control.is_stopped):
            self.keep(state, value)

    def wished(self, control: Control, value: bool) -> None:
        if value:
            control.stop()


class _Skipped(_ControlField):
    def asked_by_others(self, control: Control) -> bool:
        return control.is_skipped

    def written_by_host(self, state: Any, control: Control | None, value: Any) -> None:
        self.keep(state, value)
        if control is not None and not value:
            control.unskip()

    def wished(self, control: Control, value: bool) -> None:
        if value:
            control.skip()
        else:
            control.unskip()


class _Paused(_ControlField):
    def asked_by_others(self, control: Control) -> bool:
        return control.is_paused

    def wished(self, control: Control, value: bool) -> None:
        control.pause(value)
