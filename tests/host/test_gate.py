"""On which devices the extension acts."""

from __future__ import annotations

import threading

import pytest
import torch

from modules import call_queue, devices, progress, shared
from tests.host.test_job_records import picture
from tests.options import ENABLED, GATE, MODE
from zluda_sync.core.records.self_test_report import RungVerdict, SelfTestReport
from zluda_sync.device.steps.accelerator import Accelerator
from zluda_sync.host import acting as acting_module
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
        ("auto", "zluda", None, True),
        ("auto", "cuda", None, False),
        ("auto", "rocm", HOLDS_BACK, False),
        ("auto", "rocm", RUNS_AHEAD, True),
        ("auto", "ipex", RUNS_AHEAD, True),
        ("auto", "mps", RUNS_AHEAD, True),
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
    monkeypatch.setattr(acting_module, "accelerator_of", lambda host: None)
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


def test_where_no_test_can_run_each_job_is_one(bench, monkeypatch):
    """SD.Next names a GPU, and no device of torch's: nobody would ever know."""
    card = Accelerator(bench.device, backend="rocm")
    monkeypatch.setattr(acting_module, "accelerator_of", lambda host: card)
    monkeypatch.setattr(devices, "backend", "rocm")
    bench.session.reconcile()
    assert bench.session.is_acting
    assert "no self-test can run" in bench.session.status.build().explanation


def test_a_job_that_was_seen_ahead_is_the_last_without_us(bench, monkeypatch, caplog):
    """A compiled model on a device that holds launches back: noticed from beside, and followed then."""
    monkeypatch.setattr(devices, "backend", "cuda")
    monkeypatch.setattr(bench.session._book, "find", lambda accelerator: HOLDS_BACK)
    shared.opts.data.update({ENABLED: True, MODE: "auto", GATE: "auto"})
    with caplog.at_level("INFO"):
        bench.session.begin_job(picture())
        assert (False, True) == (bench.session.is_acting, bench.session.patches.is_empty)
        shared.state.sampling_step = 0
        probe = bench.session._acting._probe
        shared.state.sampling_step = 1
        bench.wait_until(lambda: probe._first)
        shared.state.sampling_step = 20
        bench.wait_until(lambda: "steps ahead" in caplog.text)
        bench.session.end_job()
    bench.session.begin_job(picture())
    assert bench.session.is_acting
    assert "with this model" in bench.session.status.build().explanation
    bench.session.end_job()


def test_the_probe_ends_with_its_job(bench, monkeypatch):
    """No thread is left behind, and none is begun where nothing may be found."""
    monkeypatch.setattr(devices, "backend", "cuda")
    monkeypatch.setattr(bench.session._book, "find", lambda accelerator: HOLDS_BACK)
    for gate, watches in (("auto", True), ("zluda", False), ("runs-ahead", False)):
        shared.opts.data.update({ENABLED: True, MODE: "auto", GATE: gate})
        bench.session.begin_job(picture())
        assert watches is (bench.session._acting._probe is not None)
        bench.session.end_job()
        assert bench.session._acting._probe is None
    shared.opts.data.update({GATE: "auto"})
    bench.session.begin_job(picture())
    bench.session.close()  # SD.Next ends in the middle of a job
    bench.wait_until(lambda: "zluda_sync-probe" not in [one.name for one in threading.enumerate()])


def test_the_log_says_on_which_device_and_why(bench, monkeypatch, caplog):
    """Once each."""
    card = Accelerator(bench.device, backend="rocm")
    monkeypatch.setattr(acting_module, "accelerator_of", lambda host: card)
    monkeypatch.setattr(devices, "backend", "rocm")
    shared.opts.data.update({ENABLED: True, MODE: "auto", GATE: "auto"})
    with caplog.at_level("INFO"):
        for report in (HOLDS_BACK, RUNS_AHEAD, RUNS_AHEAD):
            monkeypatch.setattr(bench.session._book, "find", lambda accelerator, report=report: report)
            bench.session.reconcile()
    said = [record.getMessage() for record in caplog.records]
    assert ["not active on ROCm", "active, mode run-ahead on ROCm"] == [
        text.partition("ZLUDA Sync: ")[2].partition(":")[0] for text in said if "active" in text
    ]


def test_the_log_has_the_last_word(bench, monkeypatch, caplog):
    """A model that runs ahead, one that does not, and the first again."""
    monkeypatch.setattr(devices, "backend", "cuda")
    shared.opts.data.update({ENABLED: True, MODE: "auto", GATE: "auto"})
    with caplog.at_level("INFO"):
        for report in (RUNS_AHEAD, HOLDS_BACK, RUNS_AHEAD, RUNS_AHEAD):
            monkeypatch.setattr(bench.session._book, "find", lambda accelerator, report=report: report)
            bench.session.reconcile()
    said = [record.getMessage() for record in caplog.records if "active" in record.getMessage()]
    assert [False, True, False] == ["not active" in text for text in said]


@pytest.mark.parametrize(("backend", "mode"), [("mps", "observe"), ("cuda", "every-step")])
def test_no_wait_is_added_where_the_host_itself_makes_none(bench, monkeypatch, backend, mode):
    """SD.Next waits after each step on some backends only, whatever its setting says."""
    monkeypatch.setattr(devices, "backend", backend)
    shared.opts.data.update({ENABLED: True, MODE: "auto", GATE: "always", "torch_sync": True})
    acting = bench.session._acting
    assert mode == acting.policy(bench.session.profile_choice.settings, acting.find_accelerator()).mode.value


def test_no_self_test_comes_between_phases_of_what_runs(bench, monkeypatch):
    """A download that ends within a model's load leaves the host without a job's name; its lock is held."""
    session = bench.session
    assert session._is_idle()
    with call_queue.queue_lock:
        assert not session._is_idle()
    monkeypatch.setattr(progress, "current_task", "task(somebody)")
    assert not session._is_idle()
