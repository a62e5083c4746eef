"""The host's own previews, which launch device work on the thread of whoever asks, give way to ours."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any

from zluda_sync.core.steps.other_work import OtherWork
from zluda_sync.host.hooks.patch_table import Patch, Switch
from zluda_sync.host.job.current import Jobs
from zluda_sync.host.job.requests import Requests
from zluda_sync.host.preview.previews import Previews

_METHODS = ("set_current_image", "do_set_current_image")


class PreviewPatches:
    """Builds the replacements of the methods of the host's state that make its preview.

    Attributes:
        other_work: knows when the host makes one, which keeps the device busy beside the steps.
    """

    def __init__(self, jobs: Jobs, requests: Requests, previews: Previews) -> None:
        self._jobs = jobs
        self._requests = requests
        self._previews = previews
        self._thread = threading.local()
        self.other_work = OtherWork()

    def patches(self, state_class: type) -> list[Patch]:
        """Return one patch for each method that this version of the host has."""
        return [
            Patch(state_class, name, self._wrap, "make no previews on the threads of clients")
            for name in _METHODS
            if hasattr(state_class, name)
        ]

    def make_host_preview(self, state: Any) -> Any:
        """Have the host make its preview now, on the calling thread; None if it makes none."""
        make = getattr(state, "do_set_current_image", None) or state.set_current_image
        self._thread.is_making = True
        try:
            return state.current_image if make() else None
        finally:
            self._thread.is_making = False

    def _wrap(self, original: Callable[..., bool], switch: Switch) -> Callable[..., bool]:
        @functools.wraps(original)
        def make_preview(state: Any, *args: Any, **kwargs: Any) -> bool:
            if switch.is_on and self._replaces(state):
                return False
            with self.other_work.under_way():
                return original(state, *args, **kwargs)

        return make_preview

    def _replaces(self, state: Any) -> bool:
        """Whether the preview that is asked for is one of ours.

        Not where the host gives a ready image instead of latents, and not where it needs one itself: in the
        place of a picture that is stopped it delivers its own preview.
        """
        if self._jobs.is_delivered_elsewhere():
            return True  # the job is over, and what it has left would be looked at by the host's own means
        job = self._jobs.current
        is_ours = self._previews.replace_the_hosts and job is not None and not job.is_broken
        if getattr(self._thread, "is_making", False) or not is_ours:
            return False
        # The host's own value, not the field: whoever reads that has latents kept.
        if vars(state).get("current_latent") is None and state.current_image is not None:
            return False
        control = self._requests.own
        return not (self._jobs.is_driving() and control is not None and control.wants_out())
