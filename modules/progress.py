"""Stand-in for SD.Next's modules/progress.py: what the page asks for while a job runs.

Same fields, same formulas: the share of the running phase is rounded to two places, and the remaining
time is computed from the rounded share.
"""

from __future__ import annotations

import base64
import io
import time

from pydantic import BaseModel, Field

from modules import shared

current_task: str | None = None
pending_tasks: dict[str, float] = {}
finished_tasks: list[str] = []
recorded_results: list[tuple] = []


def start_task(id_task: str | None) -> None:
    """The task leaves the queue and runs."""
    global current_task
    current_task = id_task
    if id_task is not None:
        pending_tasks.pop(id_task, None)


def record_results(id_task: str | None, res: object) -> None:
    """Keep the results of the last two tasks."""
    recorded_results.append((id_task, res))
    del recorded_results[:-2]


def finish_task(id_task: str | None) -> None:
    """The task is done; the last 16 are remembered."""
    global current_task
    if current_task == id_task:
        current_task = None
    finished_tasks.append(str(id_task))
    del finished_tasks[:-16]


def add_task_to_queue(id_job: str) -> None:
    """The task waits for the queue lock."""
    pending_tasks[id_job] = time.time()


class ProgressRequest(BaseModel):
    """A poll; `id_live_preview` -1 means that no preview is wanted."""

    id_task: str | None = Field(default=None)
    id_live_preview: int = Field(default=-1)


class InternalProgressResponse(BaseModel):
    """The answer; `progress` is 0 to 1, `eta` in seconds, `live_preview` a data URI."""

    job: str | None = None
    textinfo: str | None = None
    active: bool
    queued: bool
    paused: bool
    completed: bool
    debug: bool
    step: int | None = None
    steps: int | None = None
    batch_no: int | None = None
    batch_count: int | None = None
    progress: float | None = None
    eta: float | None = None
    live_preview: str | None = None
    id_live_preview: int | None = None


def api_progress(req: ProgressRequest) -> InternalProgressResponse:
    """Answer a poll; with a preview wanted and due, this makes it and waits for the device."""
    state = shared.state
    active = req.id_task == current_task or (req.id_task == "undefined" and len(state.job) > 0)
    queued = req.id_task in pending_tasks
    step, steps = max(state.sampling_step, 0), max(state.sampling_steps, 1)
    batch_no, batch_count = max(state.batch_no, 0), max(state.batch_count, 0)
    batch = batch_no / batch_count if batch_no > 0 and batch_count > 0 else 1
    progress = round(min(1, step / steps * batch), 2)
    elapsed = time.time() - state.time_start if state.time_start is not None else 0
    eta = elapsed / progress - elapsed if progress > 0 else None
    live_preview = None
    if active and req.id_live_preview != -1 and state.set_current_image() and state.current_image is not None:
        buffer = io.BytesIO()
        state.current_image.save(buffer, format="jpeg", quality=60)
        live_preview = f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"
    return InternalProgressResponse(
        job=state.job,
        textinfo=state.textinfo if active else "Queued..." if queued else "Waiting...",
        active=active,
        queued=queued,
        paused=state.paused,
        completed=req.id_task in finished_tasks,
        debug=False,
        step=step,
        steps=steps,
        batch_no=batch_no,
        batch_count=batch_count,
        progress=progress,
        eta=eta,
        live_preview=live_preview,
        id_live_preview=state.id_live_preview,
    )


def setup_progress_api() -> None:
    """Register the route; `api_progress` is looked up now, so a wrapper must be in place before."""
    shared.api.add_api_route(
        "/internal/progress", api_progress, methods=["POST"], response_model=InternalProgressResponse
    )
