"""The status as it is told, by the API and to the panel: one frozen answer, made anew for each look."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from zluda_sync.core.answers import described


@dataclass(frozen=True, kw_only=True)
class ProblemAnswer:
    """Something in the configuration that cannot be used."""

    where: str = described("file and entry, or the setting")
    text: str = described("what is wrong, what is used instead, and the remedy")


@dataclass(frozen=True, kw_only=True)
class ChosenProfileAnswer:
    """The profile in use: that of the job that runs, else the one that Settings choose."""

    name: str
    reason: str = described("why this one")
    values: dict[str, Any] = described("mode, depth, rung, preview and so on, as they are in use")


@dataclass(frozen=True, kw_only=True)
class SelfTestStatus:
    """What is known of the device, in short."""

    mode: str = described("the mode that auto stands for now")
    explanation: str
    progress: float | None = described("share of a test that runs now")


@dataclass(frozen=True, kw_only=True)
class PageStatus:
    """What the page is to do beside showing the bar."""

    favicon: bool
    notification: bool


@dataclass(frozen=True, kw_only=True)
class JobStatus:
    """The job that runs. Steps are those of the pass that the device is in."""

    id: str
    label: str = described("as the host's page shows it")
    phase: str
    role: str = described("base, hires, refine or detail")
    image: int = described("zero-based, among the batches that are made one after the other")
    images: int
    pass_index: int | None = described("zero-based, null before the first pass")
    completed: int = described("steps that the device has finished")
    launched: int = described("steps that the host has queued")
    total: int | None
    run_ahead: int = described("steps that are queued and not finished")
    elapsed_s: float
    fraction: float = described("of the whole job; below 1 until the pictures are there")
    eta_s: float | None
    eta_spread_s: float | None = described("how far off eta_s may be, either way")
    eta_low_s: float | None = described("of the range to show instead; null where eta_s is enough")
    eta_high_s: float | None = described("of the range to show instead; null where eta_s is enough")
    mode: str
    rung: str | None = described("how completions are learned")
    is_paused: bool
    ending: str | None = described("stop, skip or stop-after-image")
    is_compiling: bool
    silence_s: float | None = described(
        "time in which the device has finished nothing, null if that is usual"
    )
    notice: str


@dataclass(frozen=True, kw_only=True)
class StatusAnswer:
    """Everything that changes while the host runs."""

    version: str
    is_acting: bool
    explanation: str = described("why it acts, or why not")
    device: str | None
    backend: str = described("the host's word for what it computes on")
    is_zluda: bool
    profile: ChosenProfileAnswer
    self_test: SelfTestStatus
    problems: tuple[ProblemAnswer, ...] = described("what in the configuration cannot be used")
    page: PageStatus
    job: JobStatus | None
