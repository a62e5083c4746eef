"""``/zluda_sync/v1/jobs``: the last jobs, each with every step, and as a trace."""

from __future__ import annotations

from enum import Enum
from typing import Any

from fastapi import HTTPException, Query, Response

from zluda_sync.core.records.job_answers import JobsAnswer, summarize_job, tell_job
from zluda_sync.core.records.job_record import JobRecord
from zluda_sync.core.records.kept_jobs import MOST_KEPT
from zluda_sync.core.records.trace import build_chrome_trace
from zluda_sync.host.api.json_bodies import build_answer
from zluda_sync.host.job.records import CURRENT, JobRecords

PATH = "/zluda_sync/v1/jobs"
CURRENT_PATH = f"{PATH}/{CURRENT}"
ONE_PATH = f"{PATH}/{{job_id}}"
TRACE_PATH = f"{ONE_PATH}/trace"
#: Of a trace, for the description of the API.
TRACE_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {"application/json": {}},
        "description": "the answer of jobs/{job_id}, or Chrome's trace event format",
    }
}


_MODEL = Query("", max_length=200, description="only jobs of this checkpoint; * stands for anything")
_SINCE = Query(None, description="only jobs that began then or later, in seconds since the epoch")


class TraceFormat(str, Enum):
    """How to write a trace."""

    JSON = "json"
    CHROME = "chrome"


class JobsRoutes:
    """Answers everything below the path.

    Args:
        records: of the jobs.
    """

    def __init__(self, records: JobRecords) -> None:
        self._records = records

    def get_jobs(
        self, limit: int = Query(20, ge=1, le=MOST_KEPT), model: str = _MODEL, since: float | None = _SINCE
    ) -> Response:
        """List the last jobs, newest first; those of before a restart too."""
        found = self._records.recent(limit, model, since)
        return build_answer(JobsAnswer(jobs=tuple(map(summarize_job, found))))

    def get_current_job(self) -> Response:
        """Tell everything about the job that runs.

        Raises:
            HTTPException: 404, none does.
        """
        return build_answer(tell_job(self._find(CURRENT)))

    def get_job(self, job_id: str) -> Response:
        """Tell everything about one job.

        Raises:
            HTTPException: 404, it is not remembered.
        """
        return build_answer(tell_job(self._find(job_id)))

    def get_trace(self, job_id: str, format: TraceFormat = TraceFormat.JSON) -> Response:  # noqa: A002
        """Give a job as a file: as it is told here, or for ui.perfetto.dev and chrome://tracing.

        Raises:
            HTTPException: 404, it is not remembered.
        """
        record = self._find(job_id)
        if format is TraceFormat.CHROME:
            return build_answer(build_chrome_trace(record), f"zluda_sync-job-{record.id}.trace.json")
        return build_answer(tell_job(record), f"zluda_sync-job-{record.id}.json")

    def _find(self, job_id: str) -> JobRecord:
        record = self._records.find(job_id)
        if record is None and job_id == CURRENT:
            raise HTTPException(404, "no job runs; GET jobs lists those that are over")
        if record is None:
            raise HTTPException(404, f"no such job; the last {MOST_KEPT} are remembered, GET jobs lists them")
        return record
