"""One stream of server-sent events, from its first byte to its end, however that comes about.

ASGI has no word for a server that is about to end, nor for a client that is to be dropped. Both are looked up
in uvicorn, which SD.Next is served by; under another server a stream does without.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from fastapi.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from zluda_sync.host.api.json_bodies import NO_STORE
from zluda_sync.host.api.status_feed import StatusFeed

#: A client must take what it is sent within so many seconds, once all buffers are full.
LONGEST_SEND_S = 30.0
#: Neither proxies nor the host's compression hold a stream back.
_HEADERS = {**NO_STORE, "X-Accel-Buffering": "no", "Content-Encoding": "identity"}


class EventStream(StreamingResponse):
    """A stream that is counted for as long as it is served, however it ends.

    A client that takes nothing for half a minute is hung up on: it would hold its place, and the end of the
    server, for as long as it likes.
    """

    def __init__(self, feed: StatusFeed, rate_hz: float) -> None:
        is_leaving = _watch_for_leaving()
        texts = feed.stream(rate_hz, lambda: self._is_stuck or is_leaving())
        super().__init__(texts, media_type="text/event-stream", headers=_HEADERS)
        self._feed = feed
        self._is_stuck = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_in_time(message: Message) -> None:
            if self._is_stuck:
                return
            try:
                await asyncio.wait_for(send(message), LONGEST_SEND_S)
            except asyncio.TimeoutError:  # in Python 3.10 another one than the built-in
                self._is_stuck = True
                _hang_up(scope)

        self._feed.streams += 1
        try:
            await super().__call__(scope, receive, send_in_time)
        finally:
            self._feed.streams -= 1


def _watch_for_leaving() -> Callable[[], bool]:
    """Return what tells whether the server of the running event loop is about to end.

    Streams that go on would hold it up: uvicorn waits for all requests, in SD.Next without limit, and tells
    none of them.
    """
    server = _find_server()
    return lambda: bool(getattr(server, "should_exit", False))


def _hang_up(scope: Scope) -> None:
    """Drop the connection of a request at once, with all that waits to be sent.

    A client that lives and does not read keeps whoever sends to it waiting for ever, middleware of the host
    between us and the server included.
    """
    state = getattr(_find_server(), "server_state", None)
    for connection in list(getattr(state, "connections", ())):
        if getattr(connection, "scope", None) is scope:
            connection.transport.abort()


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
