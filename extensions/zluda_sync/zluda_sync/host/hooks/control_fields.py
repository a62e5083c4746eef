"""The host's flags ``interrupted``, ``skipped`` and ``paused``, and the wishes that are kept beside them.

Every button, route and script of the host sets and asks these three, and ``State.begin`` clears them with
each phase. They stay the host's: what the thread of a request writes and reads is what it would be without
us. Its class gets a data descriptor for each, which notes what others press in the request's control, and
shows it to them for as long as the request lasts.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from zluda_sync.core.wishes.control import Control
from zluda_sync.core.wishes.request_wishes import Ending
from zluda_sync.host.hooks.patch_table import Patch, StateField, Switch
from zluda_sync.host.hooks.phases import PhaseHooks
from zluda_sync.host.job.current import Jobs
from zluda_sync.host.job.request import is_server_thread
from zluda_sync.host.job.requests import Requests


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
        if self._phases.is_in_transition:  # a phase that saves takes over what it reads
            return own
        control = self._requests.own
        if control is not None:
            return self.answer(control, own)
        control = self._requests.meant
        return own if control is None else self.show(control, own)

    def write(self, state: Any, value: Any) -> None:
        if self._phases.is_in_transition:
            self.keep(state, value)
            if not value:
                self.clear_by_phase()
        elif (own_control := self._requests.own) is not None:
            self.write_by_host(state, own_control, value)
        elif (control := self._requests.meant) is not None:
            self.press(state, control, bool(value))
        else:
            self.press_idle(state, value)

    def answer(self, control: Control, own: Any) -> Any:
        """Return what the thread of a request is answered, and note that it knows."""
        return own

    def show(self, control: Control, own: Any) -> Any:
        """Return what a client is told, or a thread that helps with a request."""
        raise NotImplementedError

    def clear_by_phase(self) -> None:
        """A phase begins, on any thread, and has cleared the flag."""

    def write_by_host(self, state: Any, control: Control, value: Any) -> None:
        """The thread of a request writes, outside of the beginning and end of a phase."""
        self.keep(state, value)

    def press(self, state: Any, control: Control, value: bool) -> None:
        """Somebody else writes."""
        raise NotImplementedError

    def press_idle(self, state: Any, value: Any) -> None:
        """Somebody writes while nothing runs."""
        self.keep(state, value)


class _EndingField(_ControlField):
    """The flag of a wish that ends something."""

    ending: Ending

    def clear_by_phase(self) -> None:
        for control in {self._requests.own, self._requests.meant}:
            if control is not None:
                control.forget(self.ending)

    def write_by_host(self, state: Any, control: Control, value: Any) -> None:
        self.keep(state, value)
        if not value:
            control.withdraw(self.ending)


class _Interrupted(_EndingField):
    ending = Ending.STOP

    def own_value(self, state: Any) -> Any:
        control = self._requests.own if self._switch.is_on else None
        if control is not None:
            control.pay_flag()
        return super().own_value(state)

    def answer(self, control: Control, own: Any) -> Any:
        # The host has one flag for all: a request that waits is not stopped with the one that runs.
        is_anothers = own and not control.is_stopped and self._requests.is_meant_for_another(control)
        is_to_stop = control.answer_interrupted(bool(own) and not is_anothers)
        return own if own and is_to_stop else is_to_stop

    def show(self, control: Control, own: Any) -> Any:
        return own or control.is_stopped

    def write_by_host(self, state: Any, control: Control, value: Any) -> None:
        has_failed = sys.exc_info()[0] is not None
        if value and has_failed and control.is_skipped and not control.is_stopped:
            return  # what fails because an image was left early is no reason to end the others
        if value:
            self._requests.pressed_for = control
            control.begin_phase()  # a script says so in full knowledge of its picture
        super().write_by_host(state, control, value)

    def press(self, state: Any, control: Control, value: bool) -> None:
        if not value:
            self.write_by_host(state, control, value)
        elif not (
            self._requests.echo.record_press(control, control.begun_at_s)
            or control.is_answered_stop_repeated()
        ):
            self._requests.pressed_for = control
            # A model that is loaded by halves would fail the next request.
            if not (control.is_loading or control.is_stop_repeated()):
                self.keep(state, True)
            control.stop()

    def press_idle(self, state: Any, value: Any) -> None:
        # A thread of a script's own keeps and restores the flag.
        if not (value and is_server_thread() and self._requests.echo.record_press(None, None)):
            self.keep(state, value)


class _Skipped(_EndingField):
    ending = Ending.SKIP

    def write_by_host(self, state: Any, control: Control, value: Any) -> None:
        if value:
            control.take_over_skip()
        else:
            control.withdraw(self.ending)
        self.keep(state, value)

    def answer(self, control: Control, own: Any) -> Any:
        return own if not own or control.answer_skipped(True) else False

    def show(self, control: Control, own: Any) -> Any:
        return own or control.is_skipped

    def press(self, state: Any, control: Control, value: bool) -> None:
        if not value:
            self.write_by_host(state, control, value)
        elif control.skip():
            self.keep(state, True)


class _Paused(_ControlField):
    def write_by_host(self, state: Any, control: Control, value: Any) -> None:
        self.keep(state, value)
        if not value and control.is_paused:
            control.pause(False)

    def show(self, control: Control, own: Any) -> Any:
        return control.is_paused or (own and not control.is_stopped)

    def press(self, state: Any, control: Control, value: bool) -> None:
        self.keep(state, value)
        control.pause(value)
