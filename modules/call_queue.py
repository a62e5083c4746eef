"""Stand-in for SD.Next's modules/call_queue.py: one job at a time, and the wrappers of the page's buttons."""

from __future__ import annotations

import html
import threading
import time
from collections.abc import Callable
from typing import Any

from modules import errors, progress, shared

queue_lock = threading.Lock()


def wrap_gradio_gpu_call(func: Callable, extra_outputs: list, name: str) -> Callable:
    """A button that runs a job: queued, progress under its task id, which is the first argument."""

    def run_task(id_task: str, *args: Any) -> Any:
        progress.pending_tasks[id_task] = time.time()
        with queue_lock:
            progress.start_task(id_task)
            try:
                return func(*args)
            finally:
                progress.finish_task(id_task)

    return wrap_gradio_call(run_task, extra_outputs, name)


def wrap_gradio_call(func: Callable, extra_outputs: list, name: str) -> Callable:
    """A button of any kind; the last output is HTML and shows errors.

    Trap kept: `state.begin` is called without the lock and wipes a running job's fields.
    """

    def run(*args: Any) -> tuple:
        is_task = bool(args) and str(args[0]).startswith("task(")
        jobid = shared.state.begin(name, task_id=args[0] if is_task else 0)
        try:
            *outputs, text = func(*args)
        except Exception as e:  # noqa: BLE001 - the page shows it
            errors.display(e, "gradio call")
            outputs = extra_outputs
            text = f"<div class='error'>{html.escape(f'{type(e).__name__}: {e}')}</div>"
        shared.state.end(jobid)
        return *outputs, text

    return run
