"""``GET /zluda_sync/v1/status``, ``…/events`` and ``…/metrics``: one status, told in three ways.

Once, whenever it has changed, and to Prometheus, which can watch any number of hosts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from fastapi import HTTPException, Query, Response
from fastapi.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from zluda_sync.core.records.metrics import CONTENT_TYPE, Family, JobMetrics, write_families
from zluda_sync.host.api.access import OWN_PAGE_ONLY
from zluda_sync.host.api.json_bodies import NO_STORE, build_answer
from zluda_sync.host.api.status import SessionStatus, StatusAnswer
from zluda_sync.host.api.status_feed import MOST_STREAMS, StatusFeed
from zluda_sync.host.preview.previews import Previews

PATH = "/zluda_sync/v1/status"
EVENTS_PATH = "/zluda_sync/v1/events"
USUAL_RATE_HZ, LOWEST_RATE_HZ, HIGHEST_RATE_HZ = 5.0, 0.2, 10.0
#: Of the events, for the description of the API.
EVENTS_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
        "description": "retry: 2000, then event: status with the answer of status as data, and id; "
        "event: heartbeat after 2 s of silence",
    },
    503: {"description": "too many streams are open"},
}
_PREVIEWS = Query(
    False, description="whether previews are to be made for this client, and told of; others are told too"
)
#: A client must take what it is sent within so many seconds, once all buffers are full.
LONGEST_SEND_S = 30.0
#: Neither proxies nor the host's compression hold a stream back.
_HEADERS = {**NO_STORE, "X-Accel-Buffering": "no", "Content-Encoding": "identity"}
METRICS_PATH = "/zluda_sync/v1/metrics"
#: Of the metrics, for the description of the API.
METRICS_RESPONSES: dict[int | str, dict[str, Any]] = {200: {"content": {"text/plain": {}}}}


class StatusRoutes:
    """Answers with the status as it is, or with a stream of its changes.

    Args:
        status: of the session.
        feed: reads it for all streams.
        previews: are made while a stream is to tell of them.
    """

    def __init__(self, status: SessionStatus, feed: StatusFeed, previews: Previews) -> None:
        self._status = status
        self._feed = feed
        self._previews = previews

    def get_status(self) -> Response:
        """Tell what the extension does now, and the progress of the job that runs."""
        status = self._status.build()
        self._status.record_shown(status)  # the panel polls where events do not get through
        return build_answer(status)

    async def get_events(
        self, rate: float = USUAL_RATE_HZ, previews: bool = _PREVIEWS, _own: None = OWN_PAGE_ONLY
    ) -> Response:
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
        return EventStream(self._feed, rate, self._previews.watched() if previews else None)


class EventStream(StreamingResponse):
    """A stream that is counted for as long as it is served, however it ends.

    A client that takes nothing for half a minute is hung up on: it would hold its place, and the end of the
    server, for as long as it likes. ASGI has no word for that, nor for a server that is about to end. Both
    are looked up in uvicorn, which SD.Next is served by; under another server a stream does without.
    """

    def __init__(
        self, feed: StatusFeed, rate_hz: float, while_served: AbstractContextManager[None] | None = None
    ) -> None:
        is_leaving = _watch_for_leaving()
        texts = feed.stream(rate_hz, lambda: self._is_stuck or is_leaving())
        super().__init__(texts, media_type="text/event-stream", headers=_HEADERS)
        self._feed = feed
        self._while_served = while_served or nullcontext()
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
            with self._while_served:
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


class MetricsRoute:
    """Answers with counters and gauges.

    Args:
        status: of the session.
        metrics: of the jobs that have ended.
    """

    def __init__(self, status: SessionStatus, metrics: JobMetrics) -> None:
        self._status = status
        self._metrics = metrics

    def get_metrics(self) -> Response:
        """Tell counters of all jobs that have ended, and the progress of the one that runs."""
        text = write_families([*self._metrics.families(), *_gauges(self._status.build())])
        return Response(text, media_type=CONTENT_TYPE, headers=NO_STORE)


def _gauges(status: StatusAnswer) -> list[Family]:
    """Return what is so now; what is not known has no sample."""
    job = status.job
    labels = {
        "version": status.version,
        "mode": status.profile.values["mode"] if job is None else job.mode,
        "rung": (job.rung if job is not None else None) or "",
        "device": status.device or "",
    }
    return [
        _gauge("acting", "1 if the extension acts.", float(status.is_acting)),
        _gauge("progress_ratio", "Of the job that runs, 0 to 1.", None if job is None else job.fraction),
        _gauge("eta_seconds", "That the job still takes.", None if job is None else job.eta_s),
        _gauge(
            "run_ahead_steps",
            "Steps that are queued and not finished.",
            None if job is None else job.run_ahead,
        ),
        Family("zluda_sync_info", "gauge", "What runs here; the value is 1.", (("", labels, 1.0),)),
    ]


def _gauge(name: str, text: str, value: float | None) -> Family:
    if value is None:
        return Family(f"zluda_sync_{name}", "gauge", text, ())
    return Family(f"zluda_sync_{name}", "gauge", text, (("", {}, float(value)),))
