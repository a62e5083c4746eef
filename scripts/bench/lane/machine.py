"""What the lane runs on: the device, its versions, and what the self-test says of it."""

from __future__ import annotations

import contextlib
import importlib.metadata
import platform
import shutil
import subprocess
import sys
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.lane.report import Report
from bench.terminal.self_test_table import build_self_test_table

PACKAGES = ("torch", "triton", "diffusers", "transformers", "accelerate", "numpy", "gradio", "fastapi")
_ASK_LIMIT_S = 15.0


def describe_machine(report: Report) -> None:
    """Keep which device this is, and every version that figures may depend on."""
    version_of: Any = importlib.metadata.version
    machine: dict[str, Any] = {"system": platform.platform(), "python": platform.python_version()}
    for package in PACKAGES:
        machine[package] = "none"
        with contextlib.suppress(LookupError, ImportError):
            machine[package] = version_of(package)
    report.text("machine", _lines(machine), machine=machine)  # torch may fail to load
    import torch

    device = find_device()
    found: dict[str, Any] = {"device": device.type}
    with report.case("asking the device"):
        accelerator = build_accelerator(device)
        found |= {"device": accelerator.name, "driver": accelerator.driver_version or "unknown"}
        found |= {"free memory, bytes": accelerator.free_bytes}
    if device.type == "cuda":
        with report.case("the card's properties"):
            cudnn: Any = torch.backends.cudnn
            properties: Any = torch.cuda.get_device_properties(device)
            found |= {
                "CUDA of torch": torch.version.cuda,
                "cuDNN": cudnn.version(),
                "capability": f"{properties.major}.{properties.minor}",
                "multiprocessors": properties.multi_processor_count,
                "memory, bytes": properties.total_memory,
            }
        with report.case("nvidia-smi"):
            found["nvidia-smi"] = _ask_nvidia()
    report.text("device", _lines(found), machine=found)


def test_device(report: Report) -> None:
    """Run the self-test, and keep its report for the parts that follow."""
    from zluda_sync.device.steps.self_test import SelfTest
    from zluda_sync.device.steps.trust_book import TrustBook
    from zluda_sync.device.steps.waits import BlockingWaits

    accelerator, waits = build_accelerator(find_device()), BlockingWaits()
    found = SelfTest(accelerator, waits).run()
    waits.stop()
    report.text(
        f"{accelerator.name}, driver {accelerator.driver_version or 'unknown'}: {found.mode.value}: "
        f"{found.explanation}",
        build_self_test_table(found),
        rungs={rung.name: rung.is_truthful for rung in found.rungs},
        runs_ahead=found.runs_ahead,
        unfinished=found.unfinished,
    )
    book = TrustBook(book_in(report.out / "book"), warnings.warn)
    book.take(accelerator, replace(found, versions=book.versions_of(accelerator)))


def book_in(folder: Path) -> Path:
    """Return where `track` keeps self-tests in its folder."""
    return folder / "zluda_sync" / "selftest.json"


def lend_book(report: Report, folder: Path) -> None:
    """Copy the self-test's report to a folder for `track`; without one nothing is trusted there unchecked."""
    target = book_in(folder)
    target.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileNotFoundError):
        shutil.copyfile(book_in(report.out / "book"), target)


def find_device() -> Any:
    """Return the CUDA device, else the emulated one, as torch names it."""
    import torch

    if torch.cuda.is_available():
        return torch.device("cuda", torch.cuda.current_device())
    from modules.emulated_device import install

    return install()


def build_accelerator(device: Any) -> Any:
    """Return the extension's view of a device."""
    from zluda_sync.device.steps.accelerator import Accelerator, device_module

    return Accelerator(device_module(device), device)


def _ask_nvidia() -> str:
    program = shutil.which("nvidia-smi")
    if program is None:
        return "not found"
    asked = "name,driver_version,clocks.sm,clocks.mem,power.limit,memory.total"
    command = [program, f"--query-gpu={asked}", "--format=csv,noheader"]
    run = subprocess.run(command, capture_output=True, text=True, timeout=_ASK_LIMIT_S, check=False)
    return run.stdout.strip().replace("\n", "; ") or f"ended with {run.returncode}"


def _lines(values: dict[str, Any]) -> str:
    return "\n".join(f"{name}: {value}" for name, value in values.items()) + f"\nprogram: {sys.executable}"
