"""Whether the server that answers is about to end: streams that go on would hold it up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any


def find_leaving() -> Callable[[], bool]:
    """Return what tells whether the server of the running event loop is about to end.

    uvicorn tells no request of it: it waits for all of them, in SD.Next without limit. But the task at the
    bottom of its event loop is a method of the server, whose ``should_exit`` says so. Under another server
    the answer is always no.
    """
    server = next(filter(None, map(_server_of, asyncio.all_tasks())), None)
    return lambda: bool(getattr(server, "should_exit", False))


def _server_of(task: asyncio.Task[Any]) -> Any:
    """Return the server whose method a task runs, None if it runs something else."""
    frame = getattr(task.get_coro(), "cr_frame", None)
    owner = frame.f_locals.get("self") if frame is not None else None
    return owner if hasattr(owner, "should_exit") and hasattr(owner, "servers") else None
