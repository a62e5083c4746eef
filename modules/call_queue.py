"""Stand-in for SD.Next's modules/call_queue.py: one job at a time, and the wrappers of the page's buttons."""

from __future__ import annotations

import html
import threading
import time
from collections.abc import Callable
from typing import Any

from modules import errors, progress, shared

queue_lock = threading.Lock()


def task_id_of(args: tuple) -> str | None:
    """The page's first argument if it is a task id, `task(...)`."""
    return args[0] if args and isinstance(args[0], str) and args[0].startswith("task(") else None


def wrap_queued_call(func: Callable) -> Callable:
    """Call `func` when no job runs."""

    def queued(*args: Any, **kwargs: Any) -> Any:
        with queue_lock:
            return func(*args, **kwargs)

    return queued


def wrap_gradio_gpu_call(
    func: Callable, extra_outputs: list | None = None, name: str | None = None
) -> Callable:
    """A button that runs a job: queued, progress under its task id, errors as HTML in the last output."""

    def run_task(*args: Any, **kwargs: Any) -> Any:
        id_task = task_id_of(args)
        if id_task is not None:
            progress.add_task_to_queue(id_task)
        with queue_lock:
            progress.start_task(id_task)
            try:
                res = func(*args, **kwargs)
                progress.record_results(id_task, res)
                return res
            finally:
                progress.finish_task(id_task)

    return wrap_gradio_call(run_task, extra_outputs=extra_outputs, add_stats=True, name=name or func.__name__)


def wrap_gradio_call(
    func: Callable, extra_outputs: list | None = None, add_stats: bool = False, name: str | None = None
) -> Callable:
    """A button of any kind.

    Trap kept: `state.begin` is called without the lock and wipes a running job's fields.
    """

    def run(*args: Any, **kwargs: Any) -> tuple:
        began_s = time.perf_counter()
        jobid = shared.state.begin(name or func.__name__, task_id=task_id_of(args) or 0)
        try:
            res = list(func(*args, **kwargs))
        except Exception as e:  # noqa: BLE001 - the page shows it
            errors.display(e, "gradio call")
            error = html.escape(f"{type(e).__name__}: {e}")
            res = [*(extra_outputs or [])[:-1], f"<div class='error'>{error}</div>"]
        shared.state.end(jobid)
        if add_stats and res and isinstance(res[-1], str):
            res[-1] += f"<div class='performance'>Time: {time.perf_counter() - began_s:.2f}s</div>"
        return tuple(res)

    return run
