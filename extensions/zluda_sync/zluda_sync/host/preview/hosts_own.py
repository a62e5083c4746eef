"""The host's own previews: they launch device work on the thread of whoever asks, and so give way to ours.

Who has chosen the host's method gets it all the same, made on a thread of its own.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any

from zluda_sync.core.guard import Guard
from zluda_sync.core.steps.other_work import OtherWork
from zluda_sync.device.preview.ring import StepFrame
from zluda_sync.device.steps.capture_mode import leave_captures_alone
from zluda_sync.host.hooks.patch_table import Patch, Switch
from zluda_sync.host.job.current import Jobs
from zluda_sync.host.job.host_pass import HostPass
from zluda_sync.host.job.requests import Requests
from zluda_sync.host.preview.previews import Newest, PreviewMaker, Previews

#: What one preview of the host is waited for at the end of a job, in seconds.
END_LIMIT_S = 1.0
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

    def make_host_preview(self, state: Any, shown: HostPass, frame: StepFrame) -> Any:
        """Have the host make its preview of a step now, on the calling thread; None if it makes none.

        Args:
            state: the host's.
            shown: pass of the step.
            frame: what the step has left, in memory of its own: the host's may be used for a later one.
        """
        make = getattr(state, "do_set_current_image", None) or state.set_current_image
        self._thread.is_making = True
        try:
            with self._jobs.pinned.pinning(shown, frame):
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
        if job is None and not state.job and self._requests.meant is None:
            return True  # nothing runs; older versions would show every client what the last job has left
        is_ours = self._previews.are_ours and job is not None and not job.is_broken
        if getattr(self._thread, "is_making", False) or not is_ours:
            return False
        # The host's own value, not the field: whoever reads that has latents kept.
        if vars(state).get("current_latent") is None and state.current_image is not None:
            return False
        control = self._requests.own
        return not (self._jobs.is_driving() and control is not None and control.wants_out())


class HostMadePreviews(PreviewMaker):
    """Has the host make its own preview when somebody looks; whoever looks is not kept waiting.

    The host reads the latents as any client does, so they are those of a finished step. Its own work on the
    device comes behind what is queued, which is what this thread waits for.

    Args:
        make: makes the host's preview of the moment and returns it with its step, None if there is none.
        warn: called once if that fails.
    """

    reads_latents = True

    def __init__(self, make: Callable[[], tuple[int, Any] | None], warn: Callable[[str], None]) -> None:
        self._make = make
        self._guard = Guard.saying(warn)
        self._newest: tuple[int, Any] | None = None
        self._is_wanted = threading.Event()
        self._is_over = False
        self._begun = threading.Lock()  # taken once, and never waited for: clients look on many threads
        self._thread: threading.Thread | None = None

    def look(self) -> None:
        if not self._is_over and self._begun.acquire(blocking=False):
            thread = threading.Thread(target=self._run, name="zluda_sync-previews", daemon=True)
            thread.start()
            self._thread = thread
        self._is_wanted.set()

    def newest(self) -> Newest | None:
        newest = self._newest
        if newest is None:
            return None
        step, image = newest
        return Newest(id(image), step, lambda: [image])

    def close(self) -> None:
        self._is_over = True
        self._is_wanted.set()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(END_LIMIT_S)

    def _run(self) -> None:
        leave_captures_alone()
        while True:
            self._is_wanted.wait()
            self._is_wanted.clear()
            if self._is_over:
                return
            with self._guard.watching("the host's preview failed", self._switch_off):
                self._newest = self._make() or self._newest
                continue
            return

    def _switch_off(self, _error: Exception) -> None:
        self.is_off = True
