"""``GET /zluda_sync/v1/events``: the status as server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from fastapi import HTTPException
from fastapi.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from zluda_sync.host.api.json_answer import NO_STORE
from zluda_sync.host.api.request_origin import OWN_PAGE_ONLY
from zluda_sync.host.api.serving import find_leaving, hang_up
from zluda_sync.host.api.status_feed import MOST_STREAMS, StatusFeed

PATH = "/zluda_sync/v1/events"
#: A client must take what it is sent within so many seconds, once all buffers are full.
LONGEST_SEND_S = 30.0
USUAL_RATE_HZ, LOWEST_RATE_HZ, HIGHEST_RATE_HZ = 5.0, 0.2, 10.0
#: Neither proxies nor the host's compression hold a stream back.
_HEADERS = {**NO_STORE, "X-Accel-Buffering": "no", "Content-Encoding": "identity"}
#: For the description of the API.
RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
        "description": "retry: 2000, then event: status with the answer of status as data, and id; "
        "event: heartbeat after 15 s of silence",
    },
    503: {"description": "too many streams are open"},
}


class EventStream(StreamingResponse):
    """A stream that is counted for as long as it is served, however it ends.

    A client that takes nothing for half a minute is hung up on: it would hold its place, and the end of the
    server, for as long as it likes.
    """

    def __init__(self, feed: StatusFeed, rate_hz: float) -> None:
        is_leaving = find_leaving()
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
                hang_up(scope)

        self._feed.streams += 1
        try:
            await super().__call__(scope, receive, send_in_time)
        finally:
            self._feed.streams -= 1


def build_events_route(feed: StatusFeed) -> Callable[..., Any]:
    """Return what answers the route."""

    async def get_events(rate: float = USUAL_RATE_HZ, _own: None = OWN_PAGE_ONLY) -> StreamingResponse:
        """Tell the status whenever it has changed, as server-sent events; ends after ten minutes.

        Raises:
            HTTPException: 403, another site asks, which could hold all streams; 422, a rate that cannot be
                served; 503, too many streams are open.
        """
        if not LOWEST_RATE_HZ <= rate <= HIGHEST_RATE_HZ:
            raise HTTPException(
                422, f"rate must be {LOWEST_RATE_HZ} to {HIGHEST_RATE_HZ:.0f} events a second"
            )
        if feed.streams >= MOST_STREAMS:
            raise HTTPException(503, f"{MOST_STREAMS} streams are open: close some, or poll status instead")
        return EventStream(feed, rate)

    return get_events
