"""The self-tests that are kept: found by device and versions, bounded, refused where they are no reports."""

from __future__ import annotations

import json

import pytest

from zluda_sync.core.records.self_test_report import VERSION, RungVerdict, SelfTestReport
from zluda_sync.device.steps.trust_book import KEPT, SelfTestReports

TRUE = RungVerdict("planted-event", True, cost_s=1e-3)
LIES = RungVerdict("planted-event", False, "reports too early")


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
