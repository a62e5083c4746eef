"""The gate: on which devices the extension acts, and why it does or does not."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from zluda_sync.core.records.self_test_report import SelfTestReport


class Gate(str, Enum):
    """On which devices to act."""

    AUTO = "auto"
    ZLUDA = "zluda"
    RUNS_AHEAD = "runs-ahead"
    ALWAYS = "always"


@dataclass(frozen=True)
class Decision:
    """Whether to act on a device.

    Attributes:
        acts: whether.
        why: in one sentence for the user, without a full stop.
    """

    acts: bool
    why: str


@dataclass(frozen=True)
class Known:
    """What is known of a device when it is decided whether to act there.

    Attributes:
        is_zluda: whether CUDA calls go through ZLUDA there.
        report: of its self-test, None if there was none so far.
        unfinished: why a self-test could not be finished, empty if none was.
        can_be_tested: whether a self-test can run there at all.
        steps_seen_ahead: how far the host was seen ahead in jobs like those to come, None if it was not.
        may_sync: whether the host itself waits there after each step, or may be made to.
    """

    is_zluda: bool = False
    report: SelfTestReport | None = None
    unfinished: str = ""
    can_be_tested: bool = True
    steps_seen_ahead: int | None = None
    may_sync: bool = True


def decide(gate: Gate, known: Known) -> Decision:
    """Return whether to act on a device, and why."""
    report = known.report
    if known.is_zluda:
        return Decision(True, "on ZLUDA SD.Next queues work without bound")
    if gate is Gate.ALWAYS:
        return Decision(True, "you have chosen to act on every GPU")
    if gate is Gate.ZLUDA:
        return Decision(
            False, "this device is not on ZLUDA; Settings > ZLUDA Sync > Where to act has other choices"
        )
    why = _why_ahead(gate, known)
    if why and report is not None and not known.may_sync and report.has_no_marks:
        return Decision(
            False,
            "nothing but a full wait tells steps apart on this GPU, and SD.Next's Force synchronize is off",
        )
    if why:
        return Decision(True, why)
    return Decision(False, _why_not(known))


def _why_ahead(gate: Gate, known: Known) -> str:
    """Return how it is known that the host runs ahead, empty if it is not."""
    report = known.report
    if report is not None and report.runs_ahead:
        return f"in the self-test SD.Next could queue {_amount_of(report)} ahead of this GPU"
    if gate is not Gate.AUTO:
        return ""
    if known.steps_seen_ahead is not None:
        return f"SD.Next was seen {known.steps_seen_ahead} steps ahead of this GPU with this model"
    if report is None and not known.can_be_tested:
        return "no self-test can run here; what the GPU reports is checked in each job"
    return ""


def _why_not(known: Known) -> str:
    report = known.report
    if report is None and known.unfinished:
        test = f"the self-test could not be finished on this device: {known.unfinished}"
    elif report is None:
        test = "the self-test is made once SD.Next is idle, and has not been made on this device"
    elif report.runs_ahead is None:
        test = "the self-test could not tell whether SD.Next runs ahead on this device"
    else:
        held = "by itself" if report.is_blocking else f"after {report.blocking_launch} operations"
        return f"this GPU holds SD.Next back {held}: SD.Next's own progress is true here"
    return f"{test}; see Where to act in Settings"


def _amount_of(report: SelfTestReport) -> str:
    return f"{report.probe_launches} operations" if report.probe_launches else "thousands of operations"
