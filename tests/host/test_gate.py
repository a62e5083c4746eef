"""On which devices the extension acts."""

from __future__ import annotations

import pytest
import torch

from modules import devices, shared
from tests.options import ENABLED, GATE, MODE
from zluda_sync.core.records.self_test_report import RungVerdict, SelfTestReport
from zluda_sync.host import session as session_module
from zluda_sync.host.accelerator import is_zluda
from zluda_sync.host.sdnext import SdNext

RUNS_AHEAD = SelfTestReport(
    work_s=0.2,
    queued_s=0.001,
    probe_queued_s=0.1,
    probe_total_s=0.5,
    rungs=(RungVerdict("planted-event", True),),
)
HOLDS_BACK = SelfTestReport(
    work_s=0.2, queued_s=0.001, probe_queued_s=0.5, probe_total_s=0.5, blocking_launch=1024
)


@pytest.mark.parametrize(
    ("gate", "backend", "report", "acts"),
    [
        ("zluda", "zluda", None, True),
        ("zluda", "cuda", RUNS_AHEAD, False),
        ("runs-ahead", "cuda", None, False),
        ("runs-ahead", "cuda", HOLDS_BACK, False),
        ("runs-ahead", "cuda", RUNS_AHEAD, True),
        ("runs-ahead", "zluda", HOLDS_BACK, True),
        ("always", "cuda", None, True),
    ],
)
def test_the_gate_decides(bench, monkeypatch, gate, backend, report, acts):
    """ZLUDA always; others only by what was measured, or by the user's word."""
    monkeypatch.setattr(devices, "backend", backend)
    monkeypatch.setattr(bench.session._book, "find", lambda accelerator: report)
    shared.opts.data.update({ENABLED: True, MODE: "auto", GATE: gate})
    bench.session.reconcile()
    assert acts is bench.session.is_acting


def test_without_a_device_there_is_nothing_to_act_on(bench, monkeypatch):
    """On the CPU even `always` installs nothing."""
    monkeypatch.setattr(devices, "backend", "cpu")
    monkeypatch.setattr(devices, "device", torch.device("cpu"))
    monkeypatch.setattr(session_module, "accelerator_of", lambda host: None)
    shared.opts.data.update({ENABLED: True, MODE: "observe", GATE: "always"})
    bench.session.reconcile()
    assert not bench.session.is_acting


def test_the_hosts_own_card_decides_whether_it_is_zluda(bench, monkeypatch):
    """With ``--device-id 1`` the name of another card, which is the current one, says nothing."""
    names = ["NVIDIA GeForce", "AMD Radeon [ZLUDA]"]
    monkeypatch.setattr(devices, "backend", "cuda")
    monkeypatch.setattr(devices, "device", torch.device("cuda", 1))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(
        torch.cuda, "get_device_name", lambda device=None: names[device.index if device else 0]
    )
    assert is_zluda(SdNext())
    monkeypatch.setattr(devices, "device", torch.device("cuda", 0))
    assert not is_zluda(SdNext())
