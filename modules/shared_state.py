"""Stand-in for SD.Next's modules/shared_state.py: what the host says about the running job.

The traps of the original are kept on purpose. Every phase calls `begin`, which zeroes steps, latents
and batch counters and clears `interrupted`, `skipped` and `paused`: a Stop pressed in a phase that does
not look at it is lost. `current_latent` is a live reference to work that may be unfinished.
"""

from __future__ import annotations

import re
import time
import uuid
from typing import Any

from modules import errors
from modules.logger import log


class State:
    """Progress fields, read by the page and the API, written by processing and the step callback."""

    state_history: list[dict] = []
    job_history = 0
    task_history = 0
    image_history = 0
    id: str | int = 0
    results: list = []
    skipped = False
    interrupted = False
    paused = False
    job = ""
    job_no = 0
    job_count = 0
    batch_no = 0
    batch_count = 0
    frame_count = 0
    total_jobs = 0
    job_timestamp = "0"
    _sampling_step = 0
    sampling_steps = 0
    current_latent: Any = None
    current_noise_pred: Any = None
    current_sigma: Any = None
    current_sigma_next: Any = None
    current_image: Any = None
    current_image_sampling_step = -1
    id_live_preview = 0
    textinfo: str | None = None
    prediction_type = "epsilon"
    api = False
    disable_preview = False
    preview_job = -1
    time_start: float | None = None
    duration: float | None = None
    need_restart = False
    server_start = time.time()
    oom = False

    @property
    def sampling_step(self) -> int:
        """Steps that the host has queued in this phase."""
        return self._sampling_step

    @sampling_step.setter
    def sampling_step(self, value: int) -> None:
        self._sampling_step = value

    def skip(self) -> None:
        """Ask the running image to end."""
        log.debug("State: skip requested")
        self.skipped = True

    def interrupt(self) -> None:
        """Ask the running job to end."""
        log.debug("State: interrupt requested")
        self.interrupted = True

    def pause(self) -> None:
        """Pause, or go on."""
        self.paused = not self.paused

    def nextjob(self) -> None:
        """A pass ended: take its last preview and count on."""
        self.do_set_current_image()
        self.job_no += 1
        self.current_image_sampling_step = -1

    def dict(self) -> dict:
        """The fields that /sdapi/v1/progress shows."""
        names = (
            "skipped",
            "interrupted",
            "job",
            "job_count",
            "job_timestamp",
            "job_no",
            "sampling_step",
            "sampling_steps",
        )
        return {name: getattr(self, name) for name in names}

    def status(self) -> Any:
        """What /sdapi/v1/status shows; steps are counted over all passes, times rounded before dividing."""
        from modules import progress
        from modules.api import models

        jobs = max(self.frame_count, self.job_count, self.job_no)
        step, steps = (
            self.sampling_steps * max(self.job_no, 0) + self.sampling_step,
            self.sampling_steps * jobs,
        )
        share = round(min(1, step / steps if steps > 0 else 0), 2)
        elapsed = round(time.time() - self.time_start, 2) if self.time_start is not None else None
        eta = round(round(elapsed / share, 2) - elapsed, 2) if elapsed is not None and share > 0 else None
        status = "running" if self.job != "" else "idle"
        for name in ("skipped", "interrupted", "paused"):
            status = name if getattr(self, name) else status
        return models.ResStatus(
            status=status,
            task=self.job,
            timestamp=self.job_timestamp if self.job != "" else None,
            current=progress.current_task or "",
            id=self.id,
            job=max(self.job_no, 0),
            jobs=jobs,
            total=self.total_jobs,
            step=step,
            steps=steps,
            queued=len(progress.pending_tasks),
            uptime=round(time.time() - self.server_start),
            elapsed=elapsed,
            eta=eta,
            progress=share,
        )

    def history(self, op: str, task_id: str | int | None = None) -> None:
        """Note the beginning or end of a phase."""
        self.state_history.append(
            {
                "id": task_id or self.id,
                "job": self.job.lower(),
                "op": op,
                "timestamp": self.time_start,
                "duration": self.duration,
                "outputs": [],
            }
        )
        del self.state_history[:-1000]

    def find(self, task_id: str | int) -> Any:
        """The newest entry of the history with this id, or None."""
        return next((job for job in reversed(self.state_history) if job["id"] == task_id), None)

    def get_id(self, task_id: str | int | None = None) -> str:
        """`task(abc)` gives `abc`; nothing gives a new id."""
        text = str(task_id) if task_id else uuid.uuid4().hex[:15]
        match = re.search(r"\((.*?)\)", text)
        return match.group(1) if match else text

    def clear(self) -> None:
        """Forget the job's name and counters. Keeps steps, `interrupted` and `skipped`."""
        self.id, self.job = "", ""
        self.job_count = self.job_no = self.frame_count = 0
        self.preview_job = -1
        self.duration = None
        self.paused = False
        self.results = []

    def begin(self, title: str = "", task_id: str | int = 0, api: bool | None = None) -> str:
        """Start a phase and reset everything; returns the id to hand to `end`."""
        self.clear()
        self.interrupted = self.interrupted if title.startswith("Save") else False
        self.skipped = False
        self.job_history += 1
        self.total_jobs += 1
        self.current_image = self.current_latent = self.current_noise_pred = None
        self.current_sigma = self.current_sigma_next = None
        self.current_image_sampling_step = -1
        self.id_live_preview = 0
        self.id = self.get_id(task_id)
        self.job = title
        self.job_count = 1
        self.batch_no = self.batch_count = 0
        self.job_timestamp = time.strftime("%Y%m%d%H%M%S")
        self._sampling_step = 0  # past the property: a reset is not a step
        self.sampling_steps = 0
        self.textinfo = None
        self.prediction_type = "epsilon"
        self.api = bool(api)
        self.time_start = time.time()
        self.history("begin", self.id)
        return self.id

    def end(self, task_id: str | int | None = None, api: bool | None = None) -> None:
        """End the phase with this id; the phase around it is not restored."""
        began = self.find(task_id) if task_id is not None else None
        if began is not None:
            self.id, self.job = began["id"], began["job"]
            self.duration = round(time.time() - began["timestamp"], 3)
        self.time_start = time.time()
        self.api = self.api if api is None else api
        self.history("end", task_id or self.id)
        self.clear()

    def step(self, step: int = 1) -> None:
        """Count queued steps."""
        self.sampling_step += step

    def update(self, job: str, steps: int = 0, jobs: int = 0) -> None:
        """Announce the steps of a pass; the next `begin` forgets them again."""
        self.task_history += 1
        if job == "Ignore":
            return
        self.sampling_steps += steps * jobs
        self.job_count += jobs

    def set_current_image(self) -> bool:
        """Make a preview for the page, unless the phase or the caller rules it out."""
        if self.job in ("VAE", "Upscale") or self.api:
            return False
        return self.do_set_current_image()

    def do_set_current_image(self) -> bool:
        """Make a preview of `current_latent` if its step has none yet; waits for the device."""
        from modules import sd_samplers_common, shared

        if self.disable_preview or self.preview_job == self.job_no:
            return False
        if self.current_image_sampling_step == self.sampling_step or shared.opts.show_progress_type == "None":
            return False
        self.preview_job = self.job_no
        try:
            if self.current_latent is not None:
                self.current_image_sampling_step = self.sampling_step
                self.assign_current_image(sd_samplers_common.samples_to_image_grid(self.current_latent))
                return True
            if self.current_image is not None:
                self.assign_current_image(self.current_image)
                return True
        except Exception as e:  # noqa: BLE001 - a preview must not end a poll
            errors.display(e, "State image")
        finally:
            self.preview_job = -1
        return False

    def assign_current_image(self, image: Any) -> None:
        """Show `image` as the preview."""
        self.current_image = image
        self.id_live_preview += 1
