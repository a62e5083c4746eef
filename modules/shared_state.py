"""Stand-in for SD.Next's modules/shared_state.py: what the host says about the running job.

The traps of the original are kept on purpose. Every phase calls `begin`, which zeroes steps, latents
and batch counters and clears `interrupted`, `skipped` and `paused`: a Stop pressed in a phase that does
not look at it is lost. `current_latent` is a live reference to work that may be unfinished.
"""

from __future__ import annotations

import re
import time
import uuid
from collections import deque
from typing import Any

from modules import errors


class State:
    """Progress fields, read by the page and the API, written by processing and the step callback."""

    state_history: deque[dict[str, Any]] = deque(maxlen=1000)
    id = ""
    job = ""
    job_no = job_count = 0
    batch_no = batch_count = 0
    _sampling_step = sampling_steps = 0
    skipped = interrupted = paused = False
    current_latent: Any = None
    current_noise_pred: Any = None
    current_sigma: Any = None
    current_sigma_next: Any = None
    current_image: Any = None
    current_image_sampling_step = -1
    id_live_preview = 0
    preview_job = -1
    prediction_type = "epsilon"
    time_start: float | None = None

    @property
    def sampling_step(self) -> int:
        """Steps that the host has queued in this phase."""
        return self._sampling_step

    @sampling_step.setter
    def sampling_step(self, value: int) -> None:
        self._sampling_step = value

    def skip(self) -> None:
        """Ask the running image to end."""
        self.skipped = True

    def interrupt(self) -> None:
        """Ask the running job to end."""
        self.interrupted = True

    def pause(self) -> None:
        """Pause, or go on."""
        self.paused = not self.paused

    def step(self, step: int = 1) -> None:
        """Count queued steps."""
        self.sampling_step += step

    def nextjob(self) -> None:
        """A pass ended: take its last preview and count on."""
        self.set_current_image()
        self.job_no += 1
        self.current_image_sampling_step = -1

    def clear(self) -> None:
        """Forget the job's name and counters. Keeps steps, `interrupted` and `skipped`."""
        self.id, self.job = "", ""
        self.job_count = self.job_no = 0
        self.preview_job = -1
        self.paused = False

    def begin(self, title: str = "", task_id: str | int = 0, api: bool | None = None) -> str:
        """Start a phase and reset everything; returns its id: `abc` for the task id `task(abc)`.

        `api` marks a request of the API, whose previews the host leaves out; here it changes nothing.
        """
        self.clear()
        self.interrupted = self.interrupted if title.startswith("Save") else False
        self.skipped = False
        self.current_image = self.current_latent = self.current_noise_pred = None
        self.current_sigma = self.current_sigma_next = None
        self.current_image_sampling_step = -1
        self.id_live_preview = 0
        match = re.search(r"\((.*?)\)", str(task_id))
        self.id = match.group(1) if match else str(task_id or uuid.uuid4().hex[:15])
        self.job = title
        self.job_count = 1
        self.batch_no = self.batch_count = 0
        self._sampling_step = 0  # past the property: a reset is not a step
        self.sampling_steps = 0
        self.prediction_type = "epsilon"
        self.time_start = time.time()
        self.history("begin", self.id)
        return self.id

    def end(self, task_id: str | None = None, api: bool | None = None) -> None:
        """End the phase with this id; the phase around it is not restored."""
        self.time_start = time.time()
        self.history("end", task_id or self.id)
        self.clear()

    def history(self, op: str, task_id: str) -> None:
        """Note the beginning or end of a phase."""
        entry = {"op": op, "id": task_id, "job": self.job.lower(), "timestamp": self.time_start}
        self.state_history.append(entry)

    def set_current_image(self) -> bool:
        """Make a preview of `current_latent`, if it is due, and wait for it; else show `current_image`."""
        from modules import images, shared

        if self.preview_job == self.job_no or shared.opts.show_progress_type == "None":
            return False
        if self.current_image_sampling_step == self.sampling_step:
            return False
        self.preview_job = self.job_no
        try:
            if self.current_latent is not None:
                self.current_image_sampling_step = self.sampling_step
                self.current_image = images.samples_to_image_grid(self.current_latent)
            elif self.current_image is None:
                return False
            self.id_live_preview += 1
            return True
        except Exception as e:  # noqa: BLE001 - a preview must not end a poll
            errors.display(e, "State image")
            return False
        finally:
            self.preview_job = -1
