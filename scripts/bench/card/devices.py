"""Which device is checked: the machine's own accelerator, or the emulated one."""

from __future__ import annotations

from typing import Any

import torch

from zluda_sync.device.steps.accelerator import Accelerator, accelerator_on, device_module
from zluda_sync.device.steps.waits import TrialLimits
from zluda_sync.device.steps.workload import Workload
from zluda_sync.pipeline.card_check.fixed_job import STEP_S

#: Kinds of accelerators of torch before 2.6, which names none by itself.
_KINDS = ("cuda", "xpu", "mps")


def find_accelerator() -> Accelerator | None:
    """Return the accelerator of this machine, None if torch finds none that can be followed."""
    named = getattr(torch, "accelerator", None)
    if named is not None and named.is_available():
        return accelerator_on(_with_index(torch.device(named.current_accelerator())))
    for kind in _KINDS:
        module: Any = getattr(torch, kind, None)
        if module is not None and module.is_available():
            return accelerator_on(_with_index(torch.device(kind)))
    return None


def install_emulated() -> Accelerator:
    """Return the emulated device."""
    from modules import emulated_device

    device = emulated_device.install()
    return Accelerator(device_module(device), device)


def make_emulated_work(accelerator: Accelerator, device: torch.device, limits: TrialLimits) -> Workload:
    """Return work of the emulated device: it sleeps, so that what else the machine does costs it nothing."""
    import time

    from modules.emulated_device import QUEUE

    class SleepingWork(Workload):
        def queue(self, parts: int = 1) -> None:
            QUEUE.enqueue_delay(STEP_S / parts, "work of a step")
            self._counter.add_(1.0)
            self._expected += 1.0

    return SleepingWork(accelerator, device, limits.wait_to_read, time.perf_counter)


def _with_index(device: torch.device) -> torch.device:
    """Return the device with the index that is current: what is unnamed is another one in each thread."""
    current: Any = getattr(device_module(device), "current_device", None)
    index: Any = current() if current is not None else None
    return torch.device(device.type, index) if isinstance(index, int) else device
