"""Progress fields of the host that say what the device has finished.

``shared.state`` is read by every client there is: the page, ``/internal/progress``, ``/sdapi/v1/progress``,
``/sdapi/v1/status`` and other extensions. So its class gets a data descriptor for each field concerned: the
thread that runs the job reads and writes the host's own value as ever; every other thread is shown the
device's progress.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from typing import Any

from zluda_sync.device.preview.ring import StepFrame
from zluda_sync.host.hooks.patch_table import Patch, StateField, Switch
from zluda_sync.host.hooks.phases import PhaseHooks
from zluda_sync.host.job.current import Jobs
from zluda_sync.host.job.host_pass import KEPT_FIELDS, HostPass
from zluda_sync.host.preview.previews import Previews

#: Gives the value to show for a pass, from the host's own value.
Show = Callable[[HostPass, Any], Any]
#: Told of each value that is written, and of the one it replaces.
OnWrite = Callable[[Any, Any], None]


class ProgressFields:
    """Builds the descriptors, which share what they have shown to each thread.

    A client reads several fields one after the other while the device goes on; what it is shown must fit
    together: a total not below the step, a noise prediction of the same step as the latents.
    """

    def __init__(self, jobs: Jobs, phases: PhaseHooks, previews: Previews) -> None:
        self._jobs = jobs
        self._phases = phases
        self._previews = previews
        self._seen_by_thread = threading.local()

    def patches(self, state_class: type) -> list[Patch]:
        """Return one patch for each field that this version of the host has."""
        shows: dict[str, Show] = {
            "sampling_step": self._show_step,
            "sampling_steps": self._show_steps,
            "current_latent": self._show_latents,
            "current_noise_pred": lambda shown, own: self._of_shown_frame("noise_pred"),
            "current_sigma": lambda shown, own: self._of_shown_frame("sigma"),
            "current_sigma_next": lambda shown, own: self._of_shown_frame("sigma_next"),
        }
        shows.update({name: _show_kept(name) for name in KEPT_FIELDS})
        on_writes: dict[str, OnWrite] = {
            "sampling_step": self._jobs.count_written,
            "job": self._phases.title_written,
        }

        on_reads: dict[str, Callable[[], None]] = {"current_latent": self._previews.record_latents_read}

        def patch(name: str, show: Show) -> Patch:
            return Patch(
                state_class,
                name,
                lambda original, switch: _Field(
                    name, original, switch, show, on_writes.get(name), on_reads.get(name), self._jobs
                ),
                "show what the device has finished",
            )

        return [patch(name, show) for name, show in shows.items() if hasattr(state_class, name)]

    def _seen(self) -> Any:
        """What the calling thread was shown of the job that runs; servers' threads outlive their jobs."""
        seen, job = self._seen_by_thread, self._jobs.current
        known = getattr(seen, "job", None)
        if known is None or known() is not job:
            seen.job = weakref.ref(job) if job is not None else None
            seen.step, seen.frame = 0, None
        return seen

    def _show_step(self, shown: HostPass, _own: int) -> int:
        pinned = self._pinned_frame
        completed = shown.followed.ledger.completed if pinned is None else pinned.step + 1
        step = shown.first_count + completed
        self._seen().step = step
        return step

    def _show_steps(self, shown: HostPass, _own: int) -> int:
        total = shown.followed.ledger.total or 0
        # Not below the step this thread was shown: /sdapi/v1/progress adds to the field until it is not.
        seen_step: int = self._seen().step
        return max(shown.host_total, shown.first_count + total, seen_step)

    def _show_latents(self, shown: HostPass, own: Any) -> Any:
        pinned = self._pinned_frame
        if pinned is not None:
            return pinned.latents
        frame = shown.frames.finished_frame(shown.followed.ledger.completed)
        # Not kept alive by a poller's thread, which outlives the job.
        self._seen().frame = weakref.ref(frame) if frame is not None else None
        if frame is not None:
            return frame.latents
        # None is kept before somebody reads. The host's own were read before this is asked: if all is
        # finished that was queued until now, they are.
        ledger = shown.followed.ledger
        return own if ledger.launched and ledger.is_drained else None

    @property
    def _pinned_frame(self) -> StepFrame | None:
        pinned = self._jobs.pinned.of
        return pinned[1] if pinned is not None else None

    def _of_shown_frame(self, part: str) -> Any:
        frame: StepFrame | None = self._pinned_frame
        if frame is None:
            seen = self._seen().frame
            frame = seen() if seen is not None else None
        return getattr(frame, part) if frame is not None else None


class _Field(StateField):
    """One progress field.

    Args:
        name: the field.
        original: what stood on the class: a property, or the default of a plain attribute.
        switch: off, the field is as the host made it.
        show: what other threads than the driver see.
        on_write: told of what is written, None where nobody cares.
        on_read: told that another thread than the driver reads it while a job runs, None where nobody cares.
        jobs: knows the current job.
    """

    def __init__(
        self,
        name: str,
        original: Any,
        switch: Switch,
        show: Show,
        on_write: OnWrite | None,
        on_read: Callable[[], None] | None,
        jobs: Jobs,
    ) -> None:
        super().__init__(name, original, switch)
        self._show = show
        self._on_write = on_write
        self._on_read = on_read
        self._jobs = jobs

    def read(self, own: Any) -> Any:
        pinned = self._jobs.pinned.of
        if pinned is not None:
            return self._show(pinned[0], own)
        job = self._jobs.current
        if job is None or job.run.is_driver():
            return own
        with self._jobs.showing(job, f"showing {self._name}"):
            if self._on_read is not None:
                self._on_read()
            shown = job.shown_pass()
            return own if shown is None else self._show(shown, own)
        return own

    def write(self, state: Any, value: Any) -> None:
        previous = self.own_value(state)
        self.keep(state, value)
        if self._on_write is not None:
            with self._jobs.guard.watching(f"following {self._name}"):
                self._on_write(previous, value)


def _show_kept(name: str) -> Show:
    """Return what shows a field as it was when the pass began."""
    return lambda shown, own: shown.kept.get(name, own)
