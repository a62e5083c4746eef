"""``GET /zluda_sync/v1/status``: why the extension acts or not, what it goes by, and the job that runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import Response
from pydantic import BaseModel, Field

from zluda_sync.host.api.json_answer import build_answer
from zluda_sync.host.api.profiles_route import ProblemAnswer

PATH = "/zluda_sync/v1/status"


class ChosenProfileAnswer(BaseModel):
    """The profile that goes now: of the job that runs, else what Settings say."""

    name: str
    reason: str = Field(description="why this one")
    values: dict[str, Any] = Field(description="mode, depth, rung, preview and so on, as they go")


class SelfTestStatus(BaseModel):
    """What is known of the device, in short."""

    mode: str = Field(description="the mode that auto stands for now")
    explanation: str
    progress: float | None = Field(None, description="share of a test that runs now")


class PageStatus(BaseModel):
    """What the page is to do beside showing the bar."""

    favicon: bool
    notification: bool


class JobStatus(BaseModel):
    """The job that runs. Steps are of the pass that the device is in."""

    id: str
    label: str = Field(description="as the host's page shows it")
    phase: str
    role: str = Field(description="base, hires, refine or detail")
    image: int = Field(description="zero-based, among the batches that are made one after the other")
    images: int
    pass_index: int | None = Field(None, description="zero-based, null before the first pass")
    completed: int = Field(description="steps that the device has finished")
    launched: int = Field(description="steps that the host has queued")
    total: int | None = None
    run_ahead: int
    elapsed_s: float
    fraction: float = Field(description="of the whole job; below 1 until the pictures are there")
    eta_s: float | None = None
    eta_spread_s: float | None = Field(None, description="how far off eta_s may be, either way")
    eta_low_s: float | None = Field(None, description="show a range from here, null where eta_s is enough")
    eta_high_s: float | None = Field(None, description="to here")
    mode: str
    rung: str | None = Field(None, description="how completions are learned")
    is_paused: bool
    ending: str | None = Field(None, description="stop, skip or stop-after-image")
    is_compiling: bool
    silence_s: float | None = Field(None, description="the device has finished nothing for so long")
    notice: str


class StatusAnswer(BaseModel):
    """Everything that changes while the host runs."""

    version: str
    is_acting: bool
    explanation: str = Field(description="why it acts, or why not")
    device: str | None = None
    backend: str = Field(description="the host's word for what it computes on")
    is_zluda: bool
    profile: ChosenProfileAnswer | None = None
    self_test: SelfTestStatus
    problems: list[ProblemAnswer] = Field(description="what in the configuration cannot be used")
    page: PageStatus
    job: JobStatus | None = None


def build_status_route(
    build: Callable[[], dict[str, Any]], record_shown: Callable[[dict[str, Any]], None]
) -> Callable[[], Response]:
    """Return what answers the route.

    Args:
        build: makes the status.
        record_shown: told of each status that is answered: the panel polls it where events do not come.
    """

    def get_status() -> Response:
        """Tell what the extension does now, and the progress of the job that runs."""
        status = build()
        record_shown(status)
        return build_answer(status)

    return get_status
