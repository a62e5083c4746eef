"""What a self-test says of a device, and the file that keeps it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zluda_sync.core.records.self_test_report import EVENT_RUNGS, RungVerdict, SelfTestReport
from zluda_sync.core.steps.policy import SyncMode

TRUE = RungVerdict("planted-event", True, cost_s=1e-3)
LIES = RungVerdict("planted-event", False, "reports too early")
FIELDS = tuple(SelfTestReport().to_json())
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)


@pytest.mark.parametrize(
    ("report", "mode", "named"),
    [
        (SelfTestReport(rungs=(TRUE,)), SyncMode.RUN_AHEAD, "your GPU reports truthfully"),
        (SelfTestReport(rungs=(LIES,)), SyncMode.EVERY_STEP, "planted-event reports too early"),
        (SelfTestReport(), SyncMode.EVERY_STEP, "none was tried"),
        (
            SelfTestReport(rungs=(RungVerdict("device-synchronize", True),)),
            SyncMode.EVERY_STEP,
            "no quick way to ask this GPU",
        ),
        (
            SelfTestReport(work_s=1.0, queued_s=0.9, rungs=(TRUE,)),
            SyncMode.EVERY_STEP,
            "nothing needs to be done",
        ),
        (SelfTestReport(rungs=(TRUE,), unfinished="it hangs"), SyncMode.EVERY_STEP, "it hangs"),
    ],
    ids=["truthful", "lying", "empty", "synchronize only", "blocking", "unfinished"],
)
def test_the_mode_follows_and_is_explained(report, mode, named):
    """Run-ahead only where a rung that tells steps apart was proved."""
    assert mode is report.mode
    assert named in report.explanation


def test_a_rung_that_lied_in_use_is_trusted_no_more():
    """Whether the self-test knew of it or not; the old report stays as it was."""
    report = SelfTestReport(rungs=(TRUE,))
    for name in ("planted-event", "lagged-wait"):
        verdict = report.distrusting(name, "in use: lied").verdict(name)
        assert (False, "in use: lied") == (verdict.is_truthful, verdict.reason)
    assert SyncMode.EVERY_STEP is report.distrusting("planted-event", "lied").mode
    assert SyncMode.RUN_AHEAD is report.mode


@pytest.mark.parametrize(
    ("costs_s", "first"),
    [
        ((1e-3, 1e-3, 1e-3), 0),
        ((1e-3 + 4e-5, 1e-3, 1e-3), 0),
        ((2e-3, 1e-3, 1e-3), 1),
        ((None, None, 1.0), 2),
    ],
)
def test_the_cheapest_comes_first_and_the_ladder_decides_among_equals(costs_s, first):
    """A difference that nobody feels is none; the order of verdicts does not count."""
    rungs = [RungVerdict(name, True, cost_s=cost) for name, cost in zip(EVENT_RUNGS, costs_s, strict=True)]
    report = SelfTestReport(rungs=tuple(reversed(rungs)))
    assert EVENT_RUNGS[first] == report.event_rung
    assert EVENT_RUNGS[first] == report.usable(EVENT_RUNGS)[0]
    assert sorted(EVENT_RUNGS) == sorted(report.usable(EVENT_RUNGS))


def test_what_is_proven_told_the_truth_to_the_end():
    """Of a test that was not finished nothing is believed."""
    report = SelfTestReport(rungs=(TRUE, RungVerdict("lagged-wait", None), RungVerdict("read-back", False)))
    assert {"planted-event"} == report.proven
    assert frozenset() == SelfTestReport(rungs=(TRUE,), unfinished="it hangs").proven


@given(st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=4))
def test_a_report_that_is_read_can_be_used(changes):
    """Whatever stands in the file: refused, or of use."""
    try:
        report = SelfTestReport.from_json({**SelfTestReport().to_json(), **changes})
    except ValueError:
        return
    assert isinstance(report.mode, SyncMode)
    assert isinstance(report.explanation, str)
    assert report.runs_ahead in (True, False, None)
