"""The self-test on every device at hand: the ladder with its figures."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from bench.terminal.bar import TerminalBar
from bench.terminal.self_test_table import build_self_test_table


def run_self_tests(_quick: bool) -> int:
    """Test the emulated device, the CPU, and CUDA where there is one; print what was found.

    Returns 0 if every test was finished, else 1. There is no quicker way.
    """
    from zluda_sync.device.steps.accelerator import Accelerator
    from zluda_sync.device.steps.self_test import SelfTest
    from zluda_sync.device.steps.waits import BlockingWaits

    all_finished = True
    for name, module, device in find_devices():
        bar, waits = TerminalBar(), BlockingWaits()
        try:
            report = SelfTest(Accelerator(module, device), waits, on_progress=bar.show).run()
        finally:
            bar.close()
            waits.stop()
        print(f"\n{report.device or name}: {report.mode.value}: {report.explanation}\n")
        print(build_self_test_table(report))
        all_finished = all_finished and not report.unfinished
    return 0 if all_finished else 1


def find_devices() -> Iterator[tuple[str, object, torch.device]]:
    """Yield name, device module and device of each that can be tested here."""
    from modules import emulated_device
    from zluda_sync.device.steps.accelerator import device_module

    emulated = emulated_device.install()
    yield "emulated", device_module(emulated), emulated
    yield "CPU", torch.cpu, torch.device("cpu")
    if torch.cuda.is_available():
        yield "CUDA", torch.cuda, torch.device("cuda", torch.cuda.current_device())
