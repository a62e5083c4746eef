"""``/zluda_sync/v1/selftest``: what the self-test has found, and a new one on demand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fastapi import HTTPException, Response

from zluda_sync.core.answers import answer_from, described
from zluda_sync.core.errors import SelfTestRefusedError
from zluda_sync.core.records.self_test_report import SelfTestReport
from zluda_sync.core.settings.settings import DEFAULTS
from zluda_sync.device.steps.accelerator import Accelerator
from zluda_sync.device.steps.self_testing import SelfTesting
from zluda_sync.host.api.access import OWN_PAGE_ONLY
from zluda_sync.host.api.json_bodies import build_answer

PATH = "/zluda_sync/v1/selftest"


@dataclass(frozen=True, kw_only=True)
class RungAnswer:
    """What became of one way to learn that a step is finished."""

    name: str
    is_truthful: bool | None = described("null: not tried")
    reason: str = described("what it did wrong, empty if it is truthful")
    wait_share: float | None = described("time until its report, over the time of the work")
    residual_s: float | None = described("how long the device was still busy after its report")
    cost_s: float | None = described("what it adds to a step")


@dataclass(frozen=True, kw_only=True)
class ReportAnswer:
    """One self-test."""

    device: str
    versions: dict[str, str]
    taken_at_s: float = described("seconds since the epoch")
    duration_s: float
    is_blocking: bool | None = described("launches wait by themselves: nothing is needed")
    runs_ahead: bool | None = described("thousands of launches can be queued")
    blocking_launch: int | None = described("the launch at which the driver held the host back")
    work_s: float | None = described("time of the work that rungs were held against")
    queued_s: float | None = described("time to queue it")
    frees_interpreter: bool | None = described("a wait on another thread lets Python run")
    event_time_error: float | None = described("of event.elapsed_time, as a share")
    event_rung: str | None = described("the rung in use that tells steps apart, null if none is")
    unfinished: str = described("why it ended early, empty if it did not")
    was_called_off: bool = described("the GPU was needed, or the machine busy: it is made up for")
    rungs: tuple[RungAnswer, ...]


@dataclass(frozen=True, kw_only=True)
class SelfTestAnswer:
    """What is known of the device."""

    mode: str = described("the mode that `auto` stands for now")
    explanation: str = described("why, in one sentence")
    progress: float | None = described("share of a test that runs now, null if none does")
    report: ReportAnswer | None


def tell_report(report: SelfTestReport) -> ReportAnswer:
    """Return a report as the API tells it: a test that ended early has put no rung in use."""
    return answer_from(
        ReportAnswer,
        report,
        versions=dict(report.versions or {}),
        event_rung=report.event_rung if not report.unfinished else None,
        rungs=tuple(answer_from(RungAnswer, one) for one in report.rungs),
    )


class SelfTestRoutes:
    """Answers ``GET`` and ``POST``.

    Args:
        self_testing: keeps the reports, and runs a test.
        find_accelerator: gives what the host computes on, None if that is the CPU.
    """

    def __init__(self, self_testing: SelfTesting, find_accelerator: Callable[[], Accelerator | None]) -> None:
        self._self_testing = self_testing
        self._find_accelerator = find_accelerator

    def get_selftest(self) -> Response:
        """Tell which ways to wait told the truth on this device, and what follows from that."""
        accelerator, progress = self._find_accelerator(), self._self_testing.progress
        report = self._self_testing.book.find(accelerator)
        if report is None and accelerator is not None:
            report = self._self_testing.book.find_unfinished(accelerator)
        answer = SelfTestAnswer(
            mode=DEFAULTS.policy(report).mode.value,
            explanation=self._self_testing.explain(accelerator),
            progress=progress[0] if progress is not None else None,
            report=tell_report(report) if report is not None else None,
        )
        return build_answer(answer)

    def post_selftest(self, _own: None = OWN_PAGE_ONLY) -> Response:
        """Run the self-test now; takes some seconds, in which the device is busy.

        Raises:
            HTTPException: 403, another site asks; 409, a job or another test runs, or there is nothing to
                test.
        """
        try:
            self._self_testing.run_now()
        except SelfTestRefusedError as refusal:
            raise HTTPException(409, f"no self-test: {refusal}") from refusal
        return self.get_selftest()
