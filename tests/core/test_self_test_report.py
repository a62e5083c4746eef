"""What a self-test says of a device, and the file that keeps it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zluda_sync.core.records.self_test_report import EVENT_RUNGS, VERSION, RungVerdict, SelfTestReport
from zluda_sync.core.records.self_test_reports import KEPT, SelfTestReports
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
        (SelfTestReport(rungs=(TRUE,)), SyncMode.RUN_AHEAD, "planted-event told the truth"),
        (SelfTestReport(rungs=(LIES,)), SyncMode.EVERY_STEP, "planted-event reports too early"),
        (SelfTestReport(), SyncMode.EVERY_STEP, "none was tried"),
        (
            SelfTestReport(rungs=(RungVerdict("device-synchronize", True),)),
            SyncMode.EVERY_STEP,
            "no way to tell steps apart",
        ),
        (SelfTestReport(work_s=1.0, queued_s=0.9, rungs=(TRUE,)), SyncMode.EVERY_STEP, "no barrier needed"),
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


def test_another_driver_needs_another_test():
    """Found is what was taken on this device with just these versions."""
    report = SelfTestReport(device="card", versions={"driver": "1"})
    reports = SelfTestReports([report])
    assert report is reports.find("card", {"driver": "1"})
    assert reports.find("card", {"driver": "2"}) is None
    assert reports.find("other", {"driver": "1"}) is None


def test_what_is_kept_is_bounded_and_replaced():
    """The newest stay, one for each device and versions."""
    reports = SelfTestReports()
    for number in range(KEPT + 3):
        reports.keep(SelfTestReport(device=str(number)))
    reports.keep(SelfTestReport(device="10", duration_s=2.0))
    assert [str(number) for number in range(10, 2, -1)] == [kept["device"] for kept in reports.to_json()]
    assert 2.0 == reports.find("10", {}).duration_s


def test_what_is_kept_is_read_again():
    """Over a file of JSON."""
    report = SelfTestReport("card", {"driver": "1"}, 1.0, 2.0, 0.5, 0.1, 9, 0.1, 0.5, 3, (TRUE, LIES), True)
    tree = json.loads(json.dumps(SelfTestReports([report]).to_json()))
    assert report == SelfTestReports.from_json(tree).find("card", {"driver": "1"})


@pytest.mark.parametrize(
    "changes",
    [
        {"work_s": "1", "queued_s": 0.5},
        {"queued_s": [], "work_s": 1.0},
        {"versions": [1]},
        {"versions": {"driver": 1}},
        {"device": None},
        {"unfinished": 3},
        {"duration_s": float("nan")},
        {"work_s": 10**400},
        {"rungs": 3},
        {"rungs": ["planted-event"]},
        {"rungs": [{"name": "planted-event", "is_truthful": True, "cost_s": "dear"}]},
        {"rungs": [{"name": "planted-event", "is_truthful": "no"}]},
        {"rungs": [{"name": ["planted-event"], "is_truthful": True}]},
        {"rungs": [{}]},
        {"surprise": 1},
        {"version": VERSION + 1},
    ],
    ids=str,
)
def test_a_hostile_report_is_refused(changes):
    """When it is read, not in the middle of a job."""
    with pytest.raises(ValueError, match="not a self-test"):
        SelfTestReports.from_json([{**SelfTestReport().to_json(), **changes}])


def test_what_an_older_version_kept_is_dropped_without_a_word():
    """It judged by time alone, and may hold a rung guilty that waited for a preview: tested anew."""
    old = {**SelfTestReport("card", {}).to_json(), "version": VERSION - 1, "what": "it was"}
    tree = [old, SelfTestReport("other", {}).to_json()]
    reports = SelfTestReports.from_json(tree)
    assert (True, False) == (reports.find("card", {}) is None, reports.find("other", {}) is None)


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
