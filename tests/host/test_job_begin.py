"""What follows a job trusts: what was proved, and what became of a rung that failed."""

from __future__ import annotations

import pytest

from zluda_sync.core.errors import RungLiedError, RungSilentError
from zluda_sync.core.records.self_test_report import RungVerdict, SelfTestReport
from zluda_sync.core.steps.policy import BarrierPolicy, SyncMode
from zluda_sync.device.steps.accelerator import Accelerator
from zluda_sync.device.steps.barrier import StepBarrier
from zluda_sync.device.steps.tracker import StepTracker
from zluda_sync.device.steps.trust_book import TrustBook


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (RungLiedError("planted-event", 1.0), ["distrust"]),
        (RungLiedError("planted-event", 1.0, is_certain=False), ["suspect"]),
        (RungSilentError("planted-event", 3, is_certain=True), ["distrust"]),
        (RungSilentError("planted-event", 3, is_certain=False), ["suspect"]),
        (TimeoutError("the machine was busy"), []),
        (RuntimeError("CUDA out of memory"), []),
    ],
    ids=["lied", "may have lied", "silent", "may be silent", "late", "out of memory"],
)
def test_only_what_is_certain_is_kept_for_good(bench, monkeypatch, error, expected):
    """Whatever may have been a preview, a busy machine or a full card costs the rung this job and no more."""
    done = []
    for name in ("distrust", "suspect"):
        monkeypatch.setattr(
            TrustBook, name, lambda self, rung, reason, accelerator, _name=name: done.append(_name)
        )
    accelerator = Accelerator(bench.device)
    session = bench.session
    trust = session._book.trust_in(accelerator, session._guard, lambda failed, successor: None)
    ladder = StepTracker().begin(BarrierPolicy(SyncMode.OBSERVE), accelerator, trust).barrier._ladder
    ladder.demote(ladder.current, error)
    assert expected == done


def test_what_a_kept_test_has_proved_is_not_checked_in_a_job(bench, monkeypatch):
    """Each check costs the device an idle moment in each job."""
    verdicts = (RungVerdict("planted-event", True), RungVerdict("lagged-wait", None))
    monkeypatch.setattr(TrustBook, "find", lambda self, accelerator: SelfTestReport(rungs=verdicts))
    made = []
    monkeypatch.setattr(StepBarrier, "prepare", lambda barrier: made.append(set(barrier._judge.proven)))
    bench.begin("observe")
    assert [{"planted-event"}] == made


def test_what_cannot_be_kept_of_a_rung_never_reaches_the_job(bench, monkeypatch, caplog):
    """A disk that is full, in the middle of a step."""
    monkeypatch.setattr(TrustBook, "distrust", lambda self, rung, reason, accelerator: 1 / 0)
    accelerator, session = Accelerator(bench.device), bench.session
    trust = session._book.trust_in(accelerator, session._guard, lambda failed, successor: None)
    ladder = StepTracker().begin(BarrierPolicy(SyncMode.OBSERVE), accelerator, trust).barrier._ladder
    ladder.demote(ladder.current, RungLiedError("planted-event", 1.0))
    assert "keeping what a rung did failed" in caplog.text
