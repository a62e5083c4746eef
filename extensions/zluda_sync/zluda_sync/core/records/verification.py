"""The result of a check of the user's card: what was told of fixed jobs, held against what was true."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any

from zluda_sync.core.records import check_sentences as says
from zluda_sync.core.records.self_test_report import EVENT_RUNGS, SYNCHRONIZE_RUNGS
from zluda_sync.core.steps.policy import SyncMode

VERSION = 1
#: What is kept stays small, whatever a file says.
MOST_TEXT, MOST_VERSIONS, MOST_ROWS, MOST_STEPS = 200, 8, 16, 64
#: A share of the time that is smaller is nothing to speak of.
NOTHING = 0.005
#: A bar may be so many steps behind: what the device does between two looks.
LATEST_STEPS = 1


class Outcome(str, Enum):
    """What came of a check."""

    TRUE = "true"
    EARLY = "early"
    LATE = "late"
    TORN = "torn"
    LOST = "lost"
    BLOCKING = "blocking"
    UNSURE = "unsure"
    UNTOLD = "untold"


class Truth(str, Enum):
    """How it was learned when each step was finished, beside the way that was tried."""

    EVENTS = "timing events"
    MEMORY = "values in memory"
    READ_BACK = "a value read back"


@dataclass(frozen=True)
class VerifiedMode:
    """The fixed job in one mode.

    Attributes:
        mode: the sync mode; ``off`` is the job with nothing of ours.
        host_sync: whether the host waits for the whole device after each step, as SD.Next can.
        wall_s: time of a job, seconds, median.
        bar_error: mean distance of the bar from the true share of time, None without a bar.
        step_error: largest distance of the reported from the truly finished steps, None if no job was judged.
        lead: how often more steps were reported than were finished, None if no job was judged.
        previews: that were compared.
        torn: previews that were not the picture of the step that they named.
        early: previews that came before their step was finished, None if no job was judged.
    """

    mode: SyncMode
    host_sync: bool
    wall_s: float
    bar_error: float | None = None
    step_error: int | None = None
    lead: int | None = None
    previews: int | None = None
    torn: int | None = None
    early: int | None = None


@dataclass(frozen=True)
class CheckTrace:
    """One job in the card's own mode, step by step.

    Attributes:
        mode: the card's own.
        steps: seconds from the job's begin to each launch and completion, and how long the host waited then.
    """

    mode: SyncMode
    steps: tuple[tuple[float, float, float], ...] = ()


@dataclass(frozen=True)
class Verification:
    """One check of a card.

    Attributes:
        device: name of the device.
        versions: what else the result depends on, by name.
        taken_at_s: seconds since the epoch.
        duration_s: how long the check took.
        outcome: in one word.
        rung: the way in which completions were learned in the card's own mode, None if none was left; where
            the bar is early, the way that told so.
        saved_share: what the card's own mode saves against a full wait after each step, as a share of that.
        truth: what it was held against, None if no job was judged.
        rows: one for each mode, with and without the host's own sync.
        trace: of one job.
        blocking_launch: after so many operations the card holds the host back; None if it does at once, or
            not at all.
    """

    device: str
    versions: Mapping[str, str]
    taken_at_s: float
    duration_s: float
    outcome: Outcome
    rung: str | None
    saved_share: float | None
    truth: Truth | None
    rows: tuple[VerifiedMode, ...]
    trace: CheckTrace
    blocking_launch: int | None = None

    @property
    def own(self) -> VerifiedMode | None:
        """The row of the card's own mode, as the extension uses it."""
        return next((row for row in self.rows if row.mode is self.trace.mode and not row.host_sync), None)

    @property
    def sentence(self) -> str:
        """What the user should know, in plain words."""
        error = (self.own.step_error if self.own is not None else None) or 0
        values = {
            "steps": says.tell_steps(error),
            "rung": self.rung or says.SOME_WAY,
            "saving": self._saving,
            "advice": says.EVERY_STEP_HELPS if self._is_every_step_true else says.NO_MODE_HELPS,
            "launches": says.tell_launches(self.blocking_launch or 0),
        }
        template = {
            Outcome.TRUE: says.IS_TRUE,
            Outcome.EARLY: says.IS_EARLY,
            Outcome.LATE: says.IS_LATE,
            Outcome.TORN: says.IS_TORN,
            Outcome.LOST: says.IS_LOST,
            Outcome.BLOCKING: says.HOLDS_BACK if self.blocking_launch is None else says.HOLDS_BACK_LATER,
            Outcome.UNSURE: says.IS_UNSURE,
            Outcome.UNTOLD: says.IS_UNTOLD,
        }[self.outcome]
        return template.format(**values)

    @property
    def _is_every_step_true(self) -> bool:
        """Whether that mode was judged, and never told of a step too early."""
        leads = [row.lead for row in self.rows if row.mode is SyncMode.EVERY_STEP]
        return any(lead == 0 for lead in leads) and not any(leads)

    @property
    def _saving(self) -> str:
        mode, saved = self.trace.mode, self.saved_share
        if mode is not SyncMode.RUN_AHEAD or saved is None:
            return says.NOTHING_APART
        if abs(saved) < NOTHING:
            return says.NO_SAVING
        return (says.COSTS if saved < 0 else says.SAVES).format(share=says.tell_share(abs(saved)))

    def to_json(self) -> dict[str, Any]:
        """Return what is kept, of plain types."""
        tree = _plain(asdict(self))
        return {"version": VERSION, "sentence": self.sentence, **tree}

    @classmethod
    def from_json(cls, tree: Any) -> Verification:
        """Return the check that was kept.

        Raises:
            ValueError: it is of another version, not of this kind, too large, or contradicts itself.
        """
        try:
            if tree["version"] != VERSION:
                raise ValueError(f"not a check of version {VERSION}")
            fields = {name: value for name, value in tree.items() if name not in ("version", "sentence")}
            found = cls(
                **{
                    **fields,
                    "outcome": Outcome(fields["outcome"]),
                    "truth": None if fields["truth"] is None else Truth(fields["truth"]),
                    "rows": tuple(_read_row(row) for row in fields["rows"]),
                    "trace": _read_trace(fields["trace"]),
                }
            )
            found._check()
            if tree["sentence"] != found.sentence:
                raise ValueError("its sentence is not that of its figures")
        except (TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"not a check of a card: {error!r}") from error
        return found

    def _check(self) -> None:
        texts = [self.device, *self.versions.keys(), *self.versions.values()]
        is_right = (
            all(isinstance(text, str) and len(text) <= MOST_TEXT for text in texts)
            and len(self.versions) <= MOST_VERSIONS
            and len(self.rows) <= MOST_ROWS
            and len(self.trace.steps) <= MOST_STEPS
            and all(map(_is_number, (self.taken_at_s, self.duration_s)))
            and (self.saved_share is None or _is_number(self.saved_share))
            and self.rung in (None, *EVENT_RUNGS, *SYNCHRONIZE_RUNGS)
            and (self.blocking_launch is None or _is_count(self.blocking_launch))
        )
        if not is_right:
            raise ValueError("not a check of a card: something in it is of another kind, or too large")


def _read_row(tree: dict[str, Any]) -> VerifiedMode:
    row = VerifiedMode(**{**tree, "mode": SyncMode(tree["mode"])})
    counts = (row.step_error, row.lead, row.previews, row.torn, row.early)
    is_right = (
        isinstance(row.host_sync, bool)
        and _is_number(row.wall_s)
        and (row.bar_error is None or _is_number(row.bar_error))
        and all(count is None or _is_count(count) for count in counts)
    )
    if not is_right:
        raise ValueError("not a check of a card: a row is of another kind")
    return row


def _read_trace(tree: dict[str, Any]) -> CheckTrace:
    trace = CheckTrace(SyncMode(tree["mode"]), tuple(tuple(step) for step in tree["steps"]))
    if not all(len(step) == 3 and all(map(_is_number, step)) for step in trace.steps):
        raise ValueError("not a check of a card: a step is of another kind")
    return trace


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value < 2**31


def _is_number(value: Any) -> bool:
    try:
        return type(value) in (int, float) and math.isfinite(value)
    except OverflowError:  # JSON's whole numbers can be too large for a float
        return False


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, (tuple, list)):
        return [_plain(one) for one in value]
    return round(value, 4) if isinstance(value, float) else value
