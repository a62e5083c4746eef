"""On which devices the extension acts, and why."""

from __future__ import annotations

from dataclasses import replace

import pytest

from zluda_sync.core.records.self_test_report import RungVerdict, SelfTestReport
from zluda_sync.core.settings.gate import Gate, Known, decide
from zluda_sync.core.settings.settings import DEFAULTS

RUNS_AHEAD = SelfTestReport(
    work_s=0.2,
    queued_s=0.0,
    probe_launches=4200,
    probe_queued_s=0.1,
    probe_total_s=0.4,
    rungs=(RungVerdict("planted-event", True, cost_s=0.0),),
)
HELD = SelfTestReport(work_s=0.2, queued_s=0.0, probe_queued_s=0.5, probe_total_s=0.5, blocking_launch=1024)
BLOCKING = SelfTestReport(work_s=0.2, queued_s=0.2)
REPORTS = (None, RUNS_AHEAD, HELD, BLOCKING)


@pytest.mark.parametrize(
    ("gate", "on_others"),
    [
        ("auto", [False, True, False, False]),
        ("zluda", [False, False, False, False]),
        ("runs-ahead", [False, True, False, False]),
        ("always", [True, True, True, True]),
    ],
)
def test_the_gate_decides_about_other_devices_only(gate, on_others):
    """On ZLUDA it acts at any gate; elsewhere: untested, runs ahead, held after many launches, blocks."""
    assert on_others == [decide(Gate(gate), Known(report=report)).acts for report in REPORTS]
    assert all(decide(Gate(gate), Known(is_zluda=True, report=report)).acts for report in REPORTS)


def test_auto_is_what_nobody_has_to_choose():
    """Whoever installs the extension gets it wherever it helps."""
    assert Gate.AUTO is DEFAULTS.gate


@pytest.mark.parametrize("report", [None, HELD, BLOCKING])
def test_auto_acts_on_what_was_seen_in_use(report):
    """A captured graph runs ahead of a device that holds launches back; only this gate looks for it."""
    found = {gate.value: decide(gate, Known(report=report, steps_seen_ahead=12)).acts for gate in Gate}
    assert {"auto": True, "zluda": False, "runs-ahead": False, "always": True} == found
    assert "12 steps" in decide(Gate.AUTO, Known(report=report, steps_seen_ahead=12)).why


def test_the_reason_names_what_was_measured():
    """In the user's words, with the figure."""
    assert "4200 operations" in decide(Gate.AUTO, Known(report=RUNS_AHEAD)).why
    assert "after 1024 operations" in decide(Gate.AUTO, Known(report=HELD)).why
    assert "by itself" in decide(Gate.AUTO, Known(report=BLOCKING)).why
    assert "Where to act" in decide(Gate.AUTO, Known(report=None)).why


def test_auto_acts_where_no_test_can_run():
    """A host that names a GPU and no device of torch's: then each job is its own test."""
    found = {gate.value: decide(gate, Known(can_be_tested=False)).acts for gate in Gate}
    assert {"auto": True, "zluda": False, "runs-ahead": False, "always": True} == found
    assert not decide(Gate.AUTO, Known(report=HELD, can_be_tested=False)).acts


NO_MARKS = replace(RUNS_AHEAD, rungs=(RungVerdict("planted-event", False, "lied"),))


def test_where_only_a_full_wait_is_true_and_the_host_makes_none_nothing_is_added():
    """Force synchronize is off, and stays off; on ZLUDA the user has the extension for that."""
    assert not decide(Gate.AUTO, Known(report=NO_MARKS, may_sync=False)).acts
    assert decide(Gate.AUTO, Known(report=NO_MARKS, may_sync=True)).acts
    assert decide(Gate.AUTO, Known(report=RUNS_AHEAD, may_sync=False)).acts
    assert decide(Gate.AUTO, Known(is_zluda=True, report=NO_MARKS, may_sync=False)).acts


def test_a_test_that_could_not_be_finished_is_no_test_that_is_still_to_come():
    """Its reason is told, and nobody waits for another."""
    assert "no memory" in decide(Gate.AUTO, Known(unfinished="no memory")).why
    assert "once SD.Next is idle" in decide(Gate.AUTO, Known()).why
