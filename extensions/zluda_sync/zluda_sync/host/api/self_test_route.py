"""``/zluda_sync/v1/selftest``: what the self-test has found, and a new one on demand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from fastapi import HTTPException
from pydantic import BaseModel, Field

from zluda_sync.core.errors import SelfTestRefusedError
from zluda_sync.core.records.self_test_report import SelfTestReport
from zluda_sync.host.api.request_origin import OWN_PAGE_ONLY

PATH = "/zluda_sync/v1/selftest"


class RungAnswer(BaseModel):
    """What became of one way to learn that a step is finished."""

    name: str
    is_truthful: bool | None = Field(description="null: not tried")
    reason: str = Field(description="what it did wrong, empty if it is truthful")
    wait_share: float | None = Field(description="time until its report, over the time of the work")
    residual_s: float | None = Field(description="how long the device was still busy after its report")
    cost_s: float | None = Field(description="what it adds to a step")


class ReportAnswer(BaseModel):
    """One self-test."""

    device: str
    versions: dict[str, str]
    taken_at_s: float = Field(description="seconds since the epoch")
    duration_s: float
    is_blocking: bool | None = Field(description="launches wait by themselves: no barrier needed")
    runs_ahead: bool | None = Field(description="thousands of launches can be queued")
    blocking_launch: int | None = Field(description="the launch at which the driver held the host back")
    work_s: float | None = Field(description="time of the work that rungs were held against")
    queued_s: float | None = Field(description="time to queue it")
    frees_interpreter: bool | None = Field(description="a wait on another thread lets Python run")
    event_time_error: float | None = Field(description="of event.elapsed_time, as a share")
    event_rung: str | None = Field(description="the rung in use that tells steps apart, null if none is")
    unfinished: str = Field(description="why it ended early, empty if it did not")
    rungs: list[RungAnswer]


class SelfTestAnswer(BaseModel):
    """What is known of the device."""

    mode: str = Field(description="the mode that `auto` stands for now")
    explanation: str = Field(description="why, in one sentence")
    progress: float | None = Field(description="share of a test that runs now, null if none does")
    report: ReportAnswer | None


def build_answer(
    mode: str, explanation: str, progress: float | None, report: SelfTestReport | None
) -> SelfTestAnswer:
    """Return the answer of both routes."""
    if report is None:
        return SelfTestAnswer(mode=mode, explanation=explanation, progress=progress, report=None)
    known = {name: value for name, value in asdict(report).items() if name in ReportAnswer.model_fields}
    known |= {
        "is_blocking": report.is_blocking,
        "runs_ahead": report.runs_ahead,
        "event_rung": report.event_rung if not report.unfinished else None,
        "versions": dict(report.versions or {}),
    }
    return SelfTestAnswer(mode=mode, explanation=explanation, progress=progress, report=ReportAnswer(**known))


def build_self_test_routes(
    run: Callable[[], SelfTestReport], answer: Callable[[], SelfTestAnswer]
) -> tuple[Callable[[], Any], Callable[..., Any]]:
    """Return what answers GET and POST.

    Args:
        run: runs a test, SelfTestRefusedError if it cannot run now.
        answer: tells what is known.
    """

    def get_selftest() -> Any:
        """Tell which ways to wait told the truth on this device, and what follows from that."""
        return answer()

    def post_selftest(_own: None = OWN_PAGE_ONLY) -> Any:
        """Run the self-test now; takes some seconds, in which the device is busy.

        Raises:
            HTTPException: 403, another site asks; 409, a job or another test runs, or there is nothing to
                test.
        """
        try:
            run()
        except SelfTestRefusedError as refusal:
            raise HTTPException(409, f"no self-test: {refusal}") from refusal
        return answer()

    return get_selftest, post_selftest
