"""``GET /zluda_sync/v1/metrics``: for Prometheus, which can watch any number of hosts."""

from __future__ import annotations

from typing import Any

from fastapi import Response

from zluda_sync.core.records.metrics import CONTENT_TYPE, Family, JobMetrics, write_families
from zluda_sync.host.api.json_bodies import NO_STORE
from zluda_sync.host.api.status import SessionStatus
from zluda_sync.host.api.status_answer import StatusAnswer

PATH = "/zluda_sync/v1/metrics"
#: For the description of the API.
RESPONSES: dict[int | str, dict[str, Any]] = {200: {"content": {"text/plain": {}}}}


class MetricsRoute:
    """Answers the route.

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
