"""What must be known of a device before it is tried, and what follows."""

from __future__ import annotations

import pytest
import torch

from tests.fake_device import FakeDevice
from zluda_sync.core.records.self_test_report import RungVerdict, SelfTestReport
from zluda_sync.core.steps.policy import SyncMode
from zluda_sync.device.steps.accelerator import Accelerator
from zluda_sync.device.steps.device_kinds import KINDS, UNKNOWN, find_kind
from zluda_sync.device.steps.ladder import rungs_for

ALL_TRUE = SelfTestReport(
    work_s=0.2,
    queued_s=0.0,
    rungs=tuple(
        RungVerdict(name, True, cost_s=0.0)
        for name in ("planted-event", "lagged-wait", "device-synchronize", "read-back")
    ),
)
ONLY_WAITS = SelfTestReport(
    work_s=0.2,
    queued_s=0.0,
    rungs=(RungVerdict("planted-event", False, "lied"), RungVerdict("lagged-wait", True, cost_s=0.0)),
)


@pytest.mark.parametrize(
    ("backend", "device", "name", "is_cuda", "hip", "kind"),
    [
        ("zluda", "cuda:0", "AMD Radeon [ZLUDA]", True, "6.2", "zluda"),
        ("", "cuda:0", "AMD Radeon [ZLUDA]", True, "6.2", "zluda"),
        ("rocm", "cuda:0", "AMD Radeon", True, "6.2", "rocm"),
        ("", "cuda:0", "AMD Radeon", True, "6.2", "rocm"),
        ("", "cuda", "NVIDIA", True, None, "cuda"),
        ("ipex", "xpu:0", "Arc", False, None, "ipex"),
        ("", "xpu", "Arc", False, None, "ipex"),
        ("", "mps", "", False, None, "mps"),
        ("quantum", "meta", "", False, None, ""),
        ("", None, "", False, None, ""),
    ],
)
def test_the_hosts_word_comes_first(monkeypatch, backend, device, name, is_cuda, hip, kind):
    """Then the type of torch's device, then the name that ZLUDA gives it, then how torch was built."""
    monkeypatch.setattr(torch.version, "hip", hip, raising=False)
    assert kind == find_kind(backend, torch.device(device) if device else None, name, is_cuda).name


def test_each_difference_has_a_source():
    """Nobody has these cards here; what is said of them can be looked up."""
    assert all(kind.sources for kind in KINDS.values())


@pytest.mark.parametrize("backend", sorted(one for one, kind in KINDS.items() if not kind.may_wait_beside))
@pytest.mark.parametrize("report", [None, ALL_TRUE, ONLY_WAITS])
@pytest.mark.parametrize("mode", [SyncMode.RUN_AHEAD, SyncMode.OBSERVE])
def test_no_thread_waits_beside_one_that_queues_where_that_holds_it_up(backend, report, mode):
    """On ROCm a wait holds the queue's lock; whatever told the truth in a test."""
    accelerator = Accelerator(FakeDevice(), backend=backend)
    rungs = rungs_for(mode, accelerator, report)
    assert rungs
    assert not any(rung.waits_beside for rung in rungs)
    assert any(rung.waits_beside for rung in rungs_for(mode, Accelerator(FakeDevice()), ONLY_WAITS))


@pytest.mark.parametrize("backend", ["rocm", "mps"])
def test_nor_where_a_user_has_asked_for_it(backend):
    """A profile may be made for another card."""
    rungs = rungs_for(SyncMode.OBSERVE, Accelerator(FakeDevice(), backend=backend), None, "lagged-wait")
    assert not any(rung.waits_beside for rung in rungs)


def test_of_an_unknown_device_everything_is_tried():
    """Nothing is forbidden on a guess."""
    assert (True, True, True) == (UNKNOWN.has_marks, UNKNOWN.may_wait_beside, UNKNOWN.times_events)
