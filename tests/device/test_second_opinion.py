"""Another's device, where the environment names one: the ladder ends at what works there, and says so."""

from __future__ import annotations

import sys

import pytest

from bench.campaigns.second_opinion import (
    MOST_LEFT_SHARE,
    STEPS,
    VARIABLE,
    find_second_device,
    run_second_opinion,
)
from zluda_sync.core.records.self_test_report import SYNCHRONIZE_RUNGS


@pytest.mark.timeout(240)
@pytest.mark.skipif(not find_second_device(), reason=f"{VARIABLE}=MODULE:DEVICE names no device")
def test_steps_are_told_truly_on_another_device(capsys: pytest.CaptureFixture[str]):
    """Every step is told in every mode, none too early, by a way that the self-test does not call a liar."""
    opinion = run_second_opinion(find_second_device())
    with capsys.disabled():
        sys.stdout.write(f"\n{opinion.text}\n")
    verdicts = {rung.name: rung.is_truthful for rung in opinion.report.rungs}
    assert "" == opinion.report.unfinished
    assert True in verdicts.values()
    rows = [row for row in opinion.rows if row["mode"] != "bare loop"]
    assert {STEPS} == {row["told"] for row in rows}
    assert all(float(row["left_share"] or 0.0) <= MOST_LEFT_SHARE for row in rows)
    assert all(verdicts.get(str(row["rung"])) is not False for row in rows)
    fallen = [row for row in rows if row["tested"] == "before" and row["mode"] != "every-step"]
    assert all("failed, using" in str(row["notice"]) for row in fallen if row["rung"] in SYNCHRONIZE_RUNGS)
    assert {""} == {row["notice"] for row in rows if row["tested"] == "after"}
