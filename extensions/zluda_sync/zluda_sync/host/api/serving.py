"""The server that answers: whether it is about to end, and a client that takes nothing any more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from starlette.types import Scope


def find_leaving() -> Callable[[], bool]:
    """Return what tells whether the server of the running event loop is about to end.

    Streams that go on would hold it up: uvicorn waits for all requests, in SD.Next without limit, and tells
    none of them. Under another server the answer is always no.
    """
    server = _find_server()
    return lambda: bool(getattr(server, "should_exit", False))


def hang_up(scope: Scope) -> bool:
    """Drop the connection of a request at once, with all that waits to be sent; False if it is not found.

    A client that lives and does not read keeps whoever sends to it waiting for ever, middleware of the host
    between us and the server included. ASGI has no word for that; uvicorn's connections have a transport.
    """
    state = getattr(_find_server(), "server_state", None)
    for connection in list(getattr(state, "connections", ())):
        if getattr(connection, "scope", None) is scope:
            connection.transport.abort()
            return True
    return False


def _find_server() -> Any:
    """Return uvicorn's server, None under another one.

    The task at the bottom of its event loop is a method of it.
    """
    return next(filter(None, map(_server_of, asyncio.all_tasks())), None)


def _server_of(task: asyncio.Task[Any]) -> Any:
    """Return the server whose method a task runs, None if it runs something else."""
    frame = getattr(task.get_coro(), "cr_frame", None)
    owner = frame.f_locals.get("self") if frame is not None else None
    return owner if hasattr(owner, "should_exit") and hasattr(owner, "servers") else None
