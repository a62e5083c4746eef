"""Our threads declare that they have nothing to do with graphs that are captured."""

from __future__ import annotations

import threading

import pytest
import torch

from tests.fake_device import FakeDevice
from zluda_sync.core.steps.ledger import Ledger
from zluda_sync.device.steps import capture_mode, watcher
from zluda_sync.device.steps.accelerator import Accelerator
from zluda_sync.device.steps.ladder import Ladder
from zluda_sync.device.steps.rungs import PlantedEvent


class Library:
    """A driver that keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, int]] = []

    def __getattr__(self, name: str):
        return lambda mode: self.told.append((name, mode._obj.value))


@pytest.mark.parametrize(
    ("cuda", "hip", "system", "library", "call"),
    [
        ("12.8", None, "posix", "libcudart.so.12", "cudaThreadExchangeStreamCaptureMode"),
        ("11.8", None, "posix", "libcudart.so.11.0", "cudaThreadExchangeStreamCaptureMode"),
        ("12.8", None, "nt", "cudart64_12.dll", "cudaThreadExchangeStreamCaptureMode"),
        ("11.8", None, "nt", "cudart64_110.dll", "cudaThreadExchangeStreamCaptureMode"),
        (None, "6.4.1", "posix", "libamdhip64.so.6", "hipThreadExchangeStreamCaptureMode"),
        (None, "7.0", "nt", "amdhip64_7.dll", "hipThreadExchangeStreamCaptureMode"),
    ],
)
def test_the_driver_is_told_once(monkeypatch, cuda, hip, system, library, call):
    """The relaxed mode, by the name that torch's runtime has for it."""
    driver = Library()
    monkeypatch.setattr(torch.version, "cuda", cuda)
    monkeypatch.setattr(torch.version, "hip", hip, raising=False)
    monkeypatch.setattr(capture_mode, "SYSTEM", system)

    def find(name: str) -> Library:
        if name != library:
            raise OSError(name)
        return driver

    monkeypatch.setattr(capture_mode, "_loaded", find)
    capture_mode.leave_captures_alone()
    assert [(call, 2)] == driver.told


@pytest.mark.parametrize(("cuda", "hip"), [(None, None), ("11.8", "5.7")])
def test_nothing_is_asked_where_there_are_no_captures(monkeypatch, cuda, hip):
    """On the CPU, and on ZLUDA, whose driver may not know the call."""
    monkeypatch.setattr(torch.version, "cuda", cuda)
    monkeypatch.setattr(torch.version, "hip", hip, raising=False)
    monkeypatch.setattr(capture_mode, "_loaded", pytest.fail)
    capture_mode.leave_captures_alone()


@pytest.mark.skipif(capture_mode.SYSTEM == "nt", reason="another way to ask")
def test_no_library_is_loaded_for_it():
    """Another version of the runtime beside torch's would be worse than a spoilt capture."""
    with pytest.raises(OSError, match="libcurses"):
        capture_mode._loaded("libcurses.so.0")
    assert capture_mode._loaded("libc.so.6")


def test_a_library_that_cannot_be_had_is_done_without(monkeypatch):
    """The thread goes on as it would have before."""
    monkeypatch.setattr(torch.version, "cuda", "99.0")
    monkeypatch.setattr(torch.version, "hip", None, raising=False)
    capture_mode.leave_captures_alone()


def test_the_watcher_declares_it(monkeypatch):
    """It asks the driver about events at any time, that of a capture too."""
    declared = threading.Event()
    monkeypatch.setattr(watcher, "leave_captures_alone", declared.set)
    device, ledger = FakeDevice(), Ledger()
    rung = PlantedEvent(Accelerator(device))
    watching = watcher.CompletionWatcher()
    step = ledger.record_launch()
    watching.watch(Ladder([rung]), rung, rung.plant()[0], ledger, step)
    assert declared.wait(20.0)
    watching.stop()
