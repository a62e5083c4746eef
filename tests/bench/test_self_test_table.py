"""The self-test's table says what was found, and nothing that was not."""

from __future__ import annotations

from bench.terminal.self_test_table import build_self_test_table
from zluda_sync.core.records.self_test_report import RungVerdict, SelfTestReport


def test_each_rung_has_a_line_with_its_verdict():
    """A liar is told from one that was not tried, and says what it did."""
    rungs = (
        RungVerdict("planted-event", True, "", 0.98, 0.0004, 0.00002),
        RungVerdict("read-back", False, "does not return"),
        RungVerdict("lagged-wait", None),
    )
    lines = build_self_test_table(SelfTestReport(work_s=0.2, queued_s=0.002, rungs=rungs)).splitlines()
    assert ["planted-event", "truthful", "0.98", "0.40", "20"] == lines[2].split()
    assert "LIES OR FAILS" in lines[3] and "does not return" in lines[3]
    assert "not tried" in lines[4]


def test_what_was_not_measured_is_not_said():
    """A device that blocks by itself is put to no further test."""
    text = build_self_test_table(SelfTestReport(work_s=0.2, queued_s=0.2))
    assert "launches" not in text and "elapsed_time" not in text
    assert "queued in 200.0 ms" in text
