"""``GET /zluda_sync/v1/metrics``: for Prometheus, which then watches any number of hosts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import Response

from zluda_sync.core.records.metrics import CONTENT_TYPE, Family, JobMetrics, write_families
from zluda_sync.host.api.json_answer import NO_STORE

PATH = "/zluda_sync/v1/metrics"


def build_metrics_route(metrics: JobMetrics, build: Callable[[], dict[str, Any]]) -> Callable[[], Response]:
    """Return what answers the route.

    Args:
        metrics: of the jobs that have ended.
        build: makes the status.
    """

    def get_metrics() -> Response:
        """Tell counters of all jobs that have ended, and the progress of the one that runs."""
        text = write_families([*metrics.families(), *_gauges(build())])
        return Response(text, media_type=CONTENT_TYPE, headers=NO_STORE)

    return get_metrics


def _gauges(status: dict[str, Any]) -> list[Family]:
    """Return what is so now; what is not known has no sample."""
    job, profile = status["job"] or {}, status["profile"] or {"values": {}}
    labels = {
        "version": status["version"],
        "mode": job.get("mode") or profile["values"].get("mode") or "",
        "rung": job.get("rung") or "",
        "device": status["device"] or "",
    }
    return [
        _gauge("acting", "1 if the extension acts.", float(status["is_acting"])),
        _gauge("progress_ratio", "Of the job that runs, 0 to 1.", job.get("fraction")),
        _gauge("eta_seconds", "That the job still takes.", job.get("eta_s")),
        _gauge("run_ahead_steps", "Steps that are queued and not finished.", job.get("run_ahead")),
        Family("zluda_sync_info", "gauge", "What runs here; the value is 1.", (("", labels, 1.0),)),
    ]


def _gauge(name: str, text: str, value: float | None) -> Family:
    if value is None:
        return Family(f"zluda_sync_{name}", "gauge", text, ())
    return Family(f"zluda_sync_{name}", "gauge", text, (("", {}, float(value)),))
