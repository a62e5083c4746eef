"""``/zluda_sync/v1/verification``: the check of the card, begun by a POST, and what it has found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fastapi import HTTPException, Response

from zluda_sync.core.answers import answer_from, described
from zluda_sync.core.errors import SelfTestRefusedError
from zluda_sync.core.records.verification import Verification
from zluda_sync.host.api.access import OWN_PAGE_ONLY
from zluda_sync.host.api.json_bodies import build_answer
from zluda_sync.pipeline.card_check.checking import CardChecking

PATH = "/zluda_sync/v1/verification"
STARTED = 202


@dataclass(frozen=True, kw_only=True)
class CheckedModeAnswer:
    """The fixed job in one mode."""

    mode: str
    host_sync: bool = described("the host waits for the whole device after each step")
    wall_s: float = described("time of a job, median")
    bar_error: float | None = described("mean distance of the bar from the true share; null without a bar")
    step_error: int | None = described(
        "largest distance of the reported from the finished steps; null if not judged"
    )
    lead: int | None = described("how often more steps were reported than were finished; null if not judged")
    previews: int | None = described("that were compared with the true latents of their step")
    torn: int | None = described("of these, how many did not show their step")
    early: int | None = described(
        "of these, how many came before their step was finished; null if not judged"
    )


@dataclass(frozen=True, kw_only=True)
class CheckTraceAnswer:
    """One job in the card's own mode."""

    mode: str
    steps: tuple[tuple[float, float, float], ...] = described(
        "seconds from its begin to launch and completion of each step, and how long the host waited then"
    )


@dataclass(frozen=True, kw_only=True)
class CheckAnswer:
    """What a check has found."""

    device: str
    versions: dict[str, str]
    taken_at_s: float = described("seconds since the epoch")
    duration_s: float = described("without the self-test")
    outcome: str = described("true, early, late, torn, lost, blocking, unsure or untold")
    sentence: str = described("the same in plain words")
    rung: str | None = described(
        "the way in which completions were learned in the card's own mode; if early, the way that told so"
    )
    saved_share: float | None = described("what that mode saves against a full wait after each step")
    truth: str | None = described("what it was held against; null if no job could be judged")
    rows: tuple[CheckedModeAnswer, ...]
    trace: CheckTraceAnswer
    blocking_launch: int | None = described(
        "after so many operations the card holds the host back; null if at once, or not at all"
    )


@dataclass(frozen=True, kw_only=True)
class VerificationAnswer:
    """What is known of the check of the card."""

    progress: float | None = described("share of a check that runs now, null if none does")
    doing: str = described("what it does now")
    failure: str = described("why the last check has no result, empty if it has")
    verification: CheckAnswer | None = described(
        "the newest result on this device and driver, null if there is none"
    )


STARTED_RESPONSES: dict[int | str, Any] = {
    STARTED: {"model": VerificationAnswer, "description": VerificationAnswer.__doc__}
}


def tell_verification(found: Verification) -> CheckAnswer:
    """Return a result as the API tells it."""
    return answer_from(
        CheckAnswer,
        found,
        4,
        versions=dict(found.versions),
        rows=tuple(answer_from(CheckedModeAnswer, row, 4) for row in found.rows),
        trace=CheckTraceAnswer(
            mode=found.trace.mode.value,
            steps=tuple((round(a, 4), round(b, 4), round(c, 4)) for a, b, c in found.trace.steps),
        ),
    )


class VerificationRoutes:
    """Answers ``GET`` and ``POST``.

    Args:
        checking: runs the check.
    """

    def __init__(self, checking: CardChecking) -> None:
        self._checking = checking

    def get_verification(self) -> Response:
        """Tell how far a check is, and what the newest one has found."""
        status = self._checking.status
        found = status.verification
        told = tell_verification(found) if found is not None else None
        return build_answer(answer_from(VerificationAnswer, status, 4, verification=told))

    def post_verification(self, _own: None = OWN_PAGE_ONLY) -> Response:
        """Begin to check the card, which takes about a minute, more on a first run; it is busy then.

        Raises:
            HTTPException: 403, another site asks; 409, a job or another check runs, or there is nothing to
                check.
        """
        try:
            self._checking.start()
        except SelfTestRefusedError as refusal:
            raise HTTPException(409, f"no check: {refusal}") from refusal
        answer = self.get_verification()
        answer.status_code = STARTED
        return answer
