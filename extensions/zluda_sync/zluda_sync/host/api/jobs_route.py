"""``/zluda_sync/v1/jobs``: the last jobs, each with every step, and as a trace."""

from __future__ import annotations

from enum import Enum
from typing import Any

from fastapi import HTTPException, Query, Response
from pydantic import BaseModel, Field

from zluda_sync.core.records.job_record import MOST_JOBS, JobRecord
from zluda_sync.core.records.trace import build_chrome_trace
from zluda_sync.host.api.json_answer import build_answer
from zluda_sync.host.job.records import CURRENT, JobRecords

PATH = "/zluda_sync/v1/jobs"
CURRENT_PATH = f"{PATH}/{CURRENT}"
ONE_PATH = f"{PATH}/{{job_id}}"
TRACE_PATH = f"{ONE_PATH}/trace"


class TraceFormat(str, Enum):
    """How to write a trace."""

    JSON = "json"
    CHROME = "chrome"


class JobStop(BaseModel):
    """How a Stop went."""

    phase: str = Field(description="what the host was busy with at the press")
    role: str
    acknowledged_s: float | None = Field(
        None, description="from the press to the first answer that told of it"
    )
    ended_s: float = Field(description="from the press to the end of the job")
    launched_steps: int = Field(description="steps that were queued after the press")
    queued_steps: int = Field(description="steps that were queued and unfinished at the press")


class JobSummary(BaseModel):
    """A job in one line."""

    id: str
    began_at_s: float = Field(description="seconds since the epoch")
    duration_s: float
    outcome: str = Field(description="finished, stopped, skipped, failed or running")
    title: str
    model: str
    device: str
    source: str = Field(description="page, api, script or unknown")
    mode: str
    rung: str | None = None
    profile: str
    profile_reason: str
    steps: int = Field(description="that the device has finished, of the whole job")
    median_step_s: float | None = None
    compile_s: float
    wait_s: float = Field(description="for how long the host waited at barriers")
    preview_s: float
    previews: int
    stop: JobStop | None = None
    notice: str


class JobsAnswer(BaseModel):
    """The last jobs, newest first; the one that runs is the first of all."""

    jobs: list[JobSummary]


class PartAnswer(BaseModel):
    """One phase of one image. All times are seconds since the job's begin."""

    phase: str
    role: str
    image: int = Field(description="zero-based")
    label: str
    began_s: float
    ended_s: float | None = None
    total: int | None = Field(None, description="steps of a denoising pass")
    has_compiled: bool
    launched_at_s: list[float]
    completed_at_s: list[float]
    step_s: list[float] = Field(description="device time of each completed step")
    outliers: list[int] = Field(description="steps that took more than twice the median, the first left out")
    waits: list[list[float]] = Field(description="step, began_s, duration_s")


class PreviewAnswer(BaseModel):
    """A preview that was queued."""

    step: int
    began_s: float
    duration_s: float = Field(description="what it took the host")


class JobAnswer(JobSummary):
    """A job with everything that was timed."""

    previews: list[PreviewAnswer]  # type: ignore[assignment]
    parts: list[PartAnswer]
    bar: list[list[float]] = Field(description="seconds and fraction, as it was shown to whoever looked")
    stock_bar: list[list[float]] = Field(description="what SD.Next would have shown; steps of a stair")


class JobsRoutes:
    """What answers below the path.

    Args:
        records: of the jobs.
    """

    def __init__(self, records: JobRecords) -> None:
        self._records = records

    def get_jobs(self, limit: int = Query(20, ge=1, le=MOST_JOBS)) -> Response:
        """Tell the last jobs, newest first."""
        return build_answer({"jobs": [one.summary_to_json() for one in self._records.recent(limit)]})

    def get_current_job(self) -> Response:
        """Tell everything of the job that runs.

        Raises:
            HTTPException: 404, none does.
        """
        return build_answer(self._find(CURRENT).to_json())

    def get_job(self, job_id: str) -> Response:
        """Tell everything of one job.

        Raises:
            HTTPException: 404, it is not remembered.
        """
        return build_answer(self._find(job_id).to_json())

    def get_trace(self, job_id: str, format: TraceFormat = TraceFormat.JSON) -> Response:  # noqa: A002
        """Give a job as a file: as it is told here, or for ui.perfetto.dev and chrome://tracing.

        Raises:
            HTTPException: 404, it is not remembered.
        """
        record = self._find(job_id)
        is_chrome = format is TraceFormat.CHROME
        tree: Any = build_chrome_trace(record) if is_chrome else record.to_json()
        return build_answer(tree, f"zluda_sync-job-{record.id}{'.trace' if is_chrome else ''}.json")

    def _find(self, job_id: str) -> JobRecord:
        record = self._records.find(job_id)
        if record is None and job_id == CURRENT:
            raise HTTPException(404, "no job runs; GET jobs lists those that are over")
        if record is None:
            raise HTTPException(404, f"no such job; the last {MOST_JOBS} are remembered, GET jobs lists them")
        return record
