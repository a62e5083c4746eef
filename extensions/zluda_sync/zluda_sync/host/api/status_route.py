"""``GET /zluda_sync/v1/status`` and ``…/events``: the same status, once or whenever it has changed."""

from __future__ import annotations

from typing import Any

from fastapi import HTTPException, Response

from zluda_sync.host.api.access import OWN_PAGE_ONLY
from zluda_sync.host.api.event_stream import EventStream
from zluda_sync.host.api.json_bodies import build_answer
from zluda_sync.host.api.status import SessionStatus
from zluda_sync.host.api.status_feed import MOST_STREAMS, StatusFeed

PATH = "/zluda_sync/v1/status"
EVENTS_PATH = "/zluda_sync/v1/events"
USUAL_RATE_HZ, LOWEST_RATE_HZ, HIGHEST_RATE_HZ = 5.0, 0.2, 10.0
#: Of the events, for the description of the API.
EVENTS_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
        "description": "retry: 2000, then event: status with the answer of status as data, and id; "
        "event: heartbeat after 15 s of silence",
    },
    503: {"description": "too many streams are open"},
}


class StatusRoutes:
    """Answers both routes.

    Args:
        status: of the session.
        feed: reads it for all streams.
    """

    def __init__(self, status: SessionStatus, feed: StatusFeed) -> None:
        self._status = status
        self._feed = feed

    def get_status(self) -> Response:
        """Tell what the extension does now, and the progress of the job that runs."""
        status = self._status.build()
        self._status.record_shown(status)  # the panel polls where events do not get through
        return build_answer(status)

    async def get_events(self, rate: float = USUAL_RATE_HZ, _own: None = OWN_PAGE_ONLY) -> Response:
        """Tell the status whenever it has changed, as server-sent events; ends after ten minutes.

        Raises:
            HTTPException: 403, another site asks, which could hold all streams; 422, a rate that cannot be
                served; 503, too many streams are open.
        """
        if not LOWEST_RATE_HZ <= rate <= HIGHEST_RATE_HZ:
            raise HTTPException(
                422, f"rate must be {LOWEST_RATE_HZ} to {HIGHEST_RATE_HZ:.0f} events a second"
            )
        if self._feed.streams >= MOST_STREAMS:
            raise HTTPException(503, f"{MOST_STREAMS} streams are open: close some, or poll status instead")
        return EventStream(self._feed, rate)
