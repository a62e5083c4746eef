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


def decide(
    gate: Gate,
    is_zluda: bool,
    report: SelfTestReport | None,
    steps_seen_ahead: int | None = None,
    can_be_tested: bool = True,
) -> Decision:
    """Return whether to act on a device.

    Args:
        gate: as the user has set it.
        is_zluda: whether CUDA calls go through ZLUDA there.
        report: of the device's self-test, None if there was none so far.
        steps_seen_ahead: how far the host was seen ahead in jobs like those to come, None if it was not.
        can_be_tested: whether a self-test can run there at all.
    """
    if is_zluda:
        return Decision(True, "on ZLUDA SD.Next queues work without bound")
    if gate is Gate.ALWAYS:
        return Decision(True, "you have chosen to act on every GPU")
    if gate is Gate.ZLUDA:
        return Decision(
            False, "this device is not on ZLUDA; Settings > ZLUDA Sync > Where to act has other choices"
        )
    if report is not None and report.runs_ahead:
        return Decision(True, f"in the self-test SD.Next could queue {_amount_of(report)} ahead of this GPU")
    if gate is Gate.AUTO and steps_seen_ahead is not None:
        return Decision(True, f"SD.Next was seen {steps_seen_ahead} steps ahead of this GPU with this model")
    if gate is Gate.AUTO and report is None and not can_be_tested:
        return Decision(True, "no self-test can run here; what the GPU reports is checked in each job")
    if report is None or report.runs_ahead is None:
        test = "has not been made so far" if report is None else "could not tell whether SD.Next runs ahead"
        return Decision(False, f"the self-test {test} on this device; see Where to act in Settings")
    held = "by itself" if report.is_blocking else f"after {report.blocking_launch} operations"
    return Decision(False, f"this GPU holds SD.Next back {held}: SD.Next's own progress is true here")


def _amount_of(report: SelfTestReport) -> str:
    return f"{report.probe_launches} operations" if report.probe_launches else "thousands of operations"
