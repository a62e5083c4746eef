"""Stand-in for SD.Next's modules/progress.py: what the page asks for while a job runs.

Same formulas: the share of the running phase is rounded to two places, and the remaining time is computed
from the rounded share.
"""

from __future__ import annotations

import time
from collections import deque

from pydantic import BaseModel

from modules import images, shared

current_task: str | None = None
pending_tasks: dict[str, float] = {}  # waiting for the queue lock, and since when
finished_tasks: deque[str] = deque(maxlen=16)


def start_task(id_task: str) -> None:
    """The task leaves the queue and runs."""
    global current_task
    current_task = id_task
    pending_tasks.pop(id_task, None)


def finish_task(id_task: str) -> None:
    """The task is done; the last 16 are remembered."""
    global current_task
    current_task = None
    finished_tasks.append(id_task)


class ProgressRequest(BaseModel):
    """A poll; `id_live_preview` -1 means that no preview is wanted."""

    id_task: str | None = None
    id_live_preview: int = -1


class InternalProgressResponse(BaseModel):
    """The answer; `progress` is 0 to 1, `eta` in seconds, `live_preview` a data URI."""

    job: str
    textinfo: str | None
    active: bool
    queued: bool
    paused: bool
    completed: bool
    step: int
    steps: int
    progress: float
    eta: float | None
    live_preview: str | None
    id_live_preview: int


def api_progress(req: ProgressRequest) -> InternalProgressResponse:
    """Answer a poll; with a preview wanted and due, this makes it and waits for the device."""
    state = shared.state
    active = req.id_task == current_task or (req.id_task == "undefined" and state.job != "")
    queued = req.id_task in pending_tasks
    step, steps = state.sampling_step, max(state.sampling_steps, 1)
    batch = state.batch_no / state.batch_count if state.batch_no and state.batch_count else 1
    progress = round(min(1, step / steps * batch), 2)
    elapsed_s = time.time() - state.time_start if state.time_start is not None else 0
    live_preview = None
    if active and req.id_live_preview != -1 and state.set_current_image():
        live_preview = (
            f"data:image/jpeg;base64,{images.encode_base64(state.current_image, 'jpeg', quality=60)}"
        )
    return InternalProgressResponse(
        job=state.job,
        textinfo=None if active else "Queued..." if queued else "Waiting...",
        active=active,
        queued=queued,
        paused=state.paused,
        completed=req.id_task in finished_tasks,
        step=step,
        steps=steps,
        progress=progress,
        eta=elapsed_s / progress - elapsed_s if progress > 0 else None,
        live_preview=live_preview,
        id_live_preview=state.id_live_preview,
    )


def setup_progress_api() -> None:
    """Register the route; `api_progress` is looked up now, so a wrapper must be in place before."""
    shared.api.add_api_route("/internal/progress", api_progress, methods=["POST"])
