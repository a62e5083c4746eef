"""Devices on which a wait holds the queue's lock: no thread of ours holds up the one that queues."""

from __future__ import annotations

import time

import pytest
import torch

from bench.host.presented import waits_hold_the_queue
from modules import emulated_device
from modules.emulated_device import QUEUE
from zluda_sync.core.records.self_test_report import RungVerdict, SelfTestReport
from zluda_sync.core.steps.ledger import Ledger
from zluda_sync.core.steps.policy import BarrierPolicy, SyncMode
from zluda_sync.device.steps.accelerator import Accelerator, device_module
from zluda_sync.device.steps.barrier import StepBarrier
from zluda_sync.device.steps.judge import Judge
from zluda_sync.device.steps.ladder import Ladder, rungs_for
from zluda_sync.device.steps.watcher import DeviceThreads

STEPS, STEP_S, LAUNCHES = 6, 0.05, 20
#: A card on which only a wait tells the truth: the worst case.
QUERIES_LIE = SelfTestReport(
    work_s=0.2,
    queued_s=0.0,
    rungs=(RungVerdict("planted-event", False, "lied"), RungVerdict("lagged-wait", True, cost_s=0.0)),
)


def held_up(backend: str, mode: SyncMode, report: SelfTestReport | None) -> list[str]:
    """Run a loop of steps in a mode; return the launches that somebody else's wait has held up."""
    device = emulated_device.install()
    accelerator, threads = Accelerator(device_module(device), device, backend), DeviceThreads()
    latents, ledger = torch.zeros(1, 4, 2, 2, device=device), Ledger()
    torch.zeros(1, device=device).item()
    with waits_hold_the_queue() as stalls:
        ladder = Ladder(rungs_for(mode, accelerator, report))
        barrier = StepBarrier(BarrierPolicy(mode), ladder, accelerator, threads, Judge(accelerator, ()))
        for _ in range(STEPS):
            for _ in range(LAUNCHES):
                QUEUE.enqueue_delay(STEP_S / LAUNCHES, "a part of a step")
            barrier.pass_step(ledger, latents)
            if ladder.current.waits_beside:  # the watcher is to be in its wait when the next one is queued
                deadline_s = time.monotonic() + 5.0
                while threads.watcher._inside is None and time.monotonic() < deadline_s:
                    time.sleep(0.001)
        assert ledger.wait_completed(STEPS - 1, 20.0)
    threads.stop()
    return stalls.launches


@pytest.mark.parametrize("report", [None, QUERIES_LIE], ids=["untested", "queries lie"])
@pytest.mark.parametrize("mode", [one for one in SyncMode if one is not SyncMode.OFF])
def test_on_rocm_no_launch_is_held_up(mode, report):
    """By the watcher, or by any other thread that waits while the driver queues."""
    assert [] == held_up("rocm", mode, report)


def test_a_watcher_that_waits_would_hold_launches_up():
    """Where nothing is known of the device, and only a wait tells the truth: so the test above can fail."""
    assert held_up("", SyncMode.OBSERVE, QUERIES_LIE)
