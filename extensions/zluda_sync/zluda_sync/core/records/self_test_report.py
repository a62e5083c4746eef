"""What a self-test has found: which rungs told the truth on this device, at what cost, and what follows."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from zluda_sync.core.steps.policy import SyncMode

#: Reports of version 1 were judged by time alone: they may hold rungs guilty that only waited for others.
VERSION = 2
#: A host that takes this share of the work's time to queue it is held back by the device.
HELD_SHARE = 0.7
#: Rungs in order of preference, by the ladder's names. Event rungs tell steps apart, the others do not.
EVENT_RUNGS = ("passive-counter", "planted-event", "lagged-wait")
SYNCHRONIZE_RUNGS = ("device-synchronize", "stream-synchronize", "read-back")
#: Costs closer than this are the same: seconds a step.
SAME_COST_S = 50e-6


_Check = Callable[[Any], bool]


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_yes_no(value: Any) -> bool:
    return isinstance(value, bool)


def _is_number(value: Any) -> bool:
    # JSON's whole numbers can be too large for a float, and Python reads NaN from it too.
    try:
        return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:
        return False


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_text_by_name(value: Any) -> bool:
    return isinstance(value, dict) and all(_is_text(text) for pair in value.items() for text in pair)


def _or_none(check: _Check) -> _Check:
    return lambda value: value is None or check(value)


#: What a field must be to be taken from a file; a wrong one would break a job long after it was read.
_RUNG_KINDS: Mapping[str, _Check] = {
    "name": _is_text,
    "is_truthful": _or_none(_is_yes_no),
    "reason": _is_text,
    "wait_share": _or_none(_is_number),
    "residual_s": _or_none(_is_number),
    "cost_s": _or_none(_is_number),
}
_REPORT_KINDS: Mapping[str, _Check] = {
    "device": _is_text,
    "versions": _or_none(_is_text_by_name),
    "taken_at_s": _is_number,
    "duration_s": _is_number,
    "work_s": _or_none(_is_number),
    "queued_s": _or_none(_is_number),
    "probe_launches": _or_none(_is_count),
    "probe_queued_s": _or_none(_is_number),
    "probe_total_s": _or_none(_is_number),
    "blocking_launch": _or_none(_is_count),
    "frees_interpreter": _or_none(_is_yes_no),
    "event_time_error": _or_none(_is_number),
    "unfinished": _is_text,
    "was_called_off": _is_yes_no,
}


def _checked(fields: dict[str, Any], kinds: Mapping[str, _Check]) -> dict[str, Any]:
    """Return the fields, ValueError if one is unknown or of the wrong kind."""
    for name, value in fields.items():
        if name not in kinds or not kinds[name](value):
            raise ValueError(f"not a self-test: {name} is {repr(value)[:40]}")
    return fields


@dataclass(frozen=True)
class RungVerdict:
    """What became of one rung.

    Attributes:
        name: of the rung.
        is_truthful: whether it told the truth, None if it was not tried.
        reason: what it did wrong or why it was not tried, empty if it is truthful.
        wait_share: time from queuing to its report, over the time that the work took.
        residual_s: how long the device was still busy after the report, in seconds.
        cost_s: what it adds to a step, in seconds, measured over 20 fake steps.
    """

    name: str
    is_truthful: bool | None
    reason: str = ""
    wait_share: float | None = None
    residual_s: float | None = None
    cost_s: float | None = None


@dataclass(frozen=True)
class SelfTestReport:
    """The result of one self-test.

    Attributes:
        device: name of the device.
        versions: what else the result depends on, by name: driver, torch, ZLUDA.
        taken_at_s: seconds since the epoch.
        duration_s: how long the test took.
        work_s: time of the work that rungs were held against, as a read-back tells it.
        queued_s: time that the host took to queue that work.
        probe_launches: small operations queued behind busy work, to see where launches begin to block.
        probe_queued_s: time that the host took to queue those.
        probe_total_s: time until they and the work before them were done.
        blocking_launch: the first that kept the host waiting, counted from 1 and with those of the work
            before it; None if none did.
        rungs: a verdict for each, R0 first.
        frees_interpreter: whether a synchronize on another thread lets this one run.
        event_time_error: how far event.elapsed_time is from the clock, as a share; None if it has no such.
        unfinished: why the test ended early, empty if it did not.
        was_called_off: whether somebody else needed the device, or the machine was too busy to tell.
    """

    device: str = ""
    versions: Mapping[str, str] | None = None
    taken_at_s: float = 0.0
    duration_s: float = 0.0
    work_s: float | None = None
    queued_s: float | None = None
    probe_launches: int | None = None
    probe_queued_s: float | None = None
    probe_total_s: float | None = None
    blocking_launch: int | None = None
    rungs: tuple[RungVerdict, ...] = ()
    frees_interpreter: bool | None = None
    event_time_error: float | None = None
    unfinished: str = ""
    was_called_off: bool = False

    @property
    def is_blocking(self) -> bool | None:
        """Whether launches wait for the device by themselves, so that none is needed; None if unknown."""
        if self.work_s is None or self.queued_s is None:
            return None
        return self.queued_s >= HELD_SHARE * self.work_s

    @property
    def runs_ahead(self) -> bool | None:
        """Whether the host can queue thousands of operations ahead of the device; None if unknown."""
        if self.is_blocking:
            return False
        if self.probe_queued_s is None or self.probe_total_s is None:
            return None
        if self.probe_queued_s < HELD_SHARE * self.probe_total_s:
            return True
        return False if self.blocking_launch is not None else None

    @property
    def event_rung(self) -> str | None:
        """The cheapest truthful rung that tells steps apart, None if there is none."""
        return self._cheapest(EVENT_RUNGS)

    @property
    def has_no_marks(self) -> bool:
        """Whether rungs were tried that tell steps apart, and none told the truth."""
        tried = [rung for rung in self.rungs if rung.name in EVENT_RUNGS and rung.is_truthful is not None]
        return bool(tried) and self.event_rung is None

    @property
    def proven(self) -> frozenset[str]:
        """Names of the rungs that told the truth."""
        return (
            frozenset(rung.name for rung in self.rungs if rung.is_truthful)
            if not self.unfinished
            else frozenset()
        )

    @property
    def mode(self) -> SyncMode:
        """The mode for a user who has chosen none."""
        has_events = self.event_rung is not None and not self.unfinished and not self.is_blocking
        return SyncMode.RUN_AHEAD if has_events else SyncMode.EVERY_STEP

    @property
    def explanation(self) -> str:
        """Why the mode is what it is, in one sentence for the user."""
        if self.was_called_off:
            return f"the self-test was put off: {self.unfinished}; it is made up for once nothing runs"
        if self.unfinished:
            then = "there is a wait for the GPU after each step"
            return f"the self-test did not finish: {self.unfinished}; {then}"
        if self.is_blocking:
            return "this device waits by itself: nothing needs to be done"
        if self.event_rung is not None:
            return "your GPU reports truthfully what it has finished; one step of head start is safe"
        reasons = [f"{rung.name} {rung.reason}" for rung in self.rungs if rung.name in EVENT_RUNGS]
        why = "; ".join(reasons) or "none was tried"
        return f"no quick way to ask this GPU told the truth ({why}); there is a wait for it after each step"

    def verdict(self, name: str) -> RungVerdict | None:
        """Return the verdict on a rung, None if there is none."""
        return next((rung for rung in self.rungs if rung.name == name), None)

    def usable(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Return those of ``names`` that told the truth, the cheapest first, else in the order given."""
        truthful = [name for name in names if self._is_truthful(name)]
        cheapest = self._cheapest(names)
        return tuple(sorted(truthful, key=lambda name: name != cheapest))

    def distrusting(self, name: str, reason: str) -> SelfTestReport:
        """Return this report with a rung that was found lying in use."""
        rungs = [
            replace(rung, is_truthful=False, reason=reason) if rung.name == name else rung
            for rung in self.rungs
        ]
        if self.verdict(name) is None:
            rungs.append(RungVerdict(name, False, reason))
        return replace(self, rungs=tuple(rungs))

    def to_json(self) -> dict[str, Any]:
        """Return what is kept, of plain types."""
        return {"version": VERSION, **asdict(self)}

    @classmethod
    def from_json(cls, tree: Any) -> SelfTestReport:
        """Return the report that was kept.

        Raises:
            ValueError: it is of another version, or not of this kind.
        """
        if not isinstance(tree, dict) or tree.get("version") != VERSION:
            raise ValueError(f"not a self-test of version {VERSION}")
        fields = {name: value for name, value in tree.items() if name != "version"}
        try:
            rungs = tuple(RungVerdict(**_checked(rung, _RUNG_KINDS)) for rung in fields.pop("rungs", ()))
            return cls(**_checked(fields, _REPORT_KINDS), rungs=rungs)
        except (TypeError, AttributeError) as error:
            raise ValueError(f"not a self-test: {error}") from error

    def _is_truthful(self, name: str) -> bool:
        verdict = self.verdict(name)
        return verdict is not None and verdict.is_truthful is True

    def _cheapest(self, names: tuple[str, ...]) -> str | None:
        costs = {
            rung.name: rung.cost_s if rung.cost_s is not None else float("inf")
            for rung in self.rungs
            if rung.name in names and rung.is_truthful
        }
        if not costs:
            return None
        bound_s = min(costs.values()) + SAME_COST_S
        return next(name for name in names if name in costs and costs[name] <= bound_s)
