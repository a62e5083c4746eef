"""Everything by which others watch the session: status, events, jobs, traces, metrics."""

from __future__ import annotations

from typing import Any

from fastapi import Response

from zluda_sync.core.records.metrics import JobMetrics
from zluda_sync.host.api import events_route, jobs_route, metrics_route, status_route
from zluda_sync.host.api.status import SessionStatus
from zluda_sync.host.api.status_feed import StatusFeed
from zluda_sync.host.job.records import JobRecords
from zluda_sync.host.sdnext import SdNext

_TAGS = ["ZLUDA Sync"]


def add_monitoring_routes(
    host: SdNext, status: SessionStatus, feed: StatusFeed, records: JobRecords, metrics: JobMetrics
) -> None:
    """Serve what can be watched. Every one of these is asked again and again, so no rate limit counts it.

    Versions of 2026 count requests by their very path, so that each job has a limit of its own, which nobody
    reaches; the one that runs is asked by a path that is not counted.

    Args:
        host: serves the routes.
        status: of the session.
        feed: the same for streams.
        records: of the jobs.
        metrics: of the jobs that have ended.
    """
    jobs = jobs_route.JobsRoutes(records)
    json_only: dict[str, Any] = {"response_class": Response, "methods": ["GET"], "tags": _TAGS}
    get_status = status_route.build_status_route(status.build, status.record_shown)
    get_metrics = metrics_route.build_metrics_route(metrics, status.build)
    table: list[tuple[str, Any, dict[str, Any]]] = [
        (status_route.PATH, get_status, _described(status_route.StatusAnswer)),
        (events_route.PATH, events_route.build_events_route(feed), {"responses": events_route.RESPONSES}),
        (jobs_route.PATH, jobs.get_jobs, _described(jobs_route.JobsAnswer)),
        (jobs_route.CURRENT_PATH, jobs.get_current_job, _described(jobs_route.JobAnswer)),
        (jobs_route.ONE_PATH, jobs.get_job, _described(jobs_route.JobAnswer)),
        (jobs_route.TRACE_PATH, jobs.get_trace, {"responses": {200: _download()}}),
        (metrics_route.PATH, get_metrics, {"responses": {200: {"content": {"text/plain": {}}}}}),
    ]
    for path, endpoint, description in table:
        host.add_route(path, endpoint, is_polled=True, **json_only, **description)


def _described(model: Any) -> dict[str, Any]:
    return {"responses": {200: {"model": model}}}


def _download() -> dict[str, Any]:
    return {"content": {"application/json": {}}, "description": "the record, or Chrome's trace event format"}
