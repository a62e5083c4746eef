"""The accelerator of a job: torch's device module, asked by name at the moment of use."""

from __future__ import annotations

from types import ModuleType
from typing import Any, Protocol

import torch


class Event(Protocol):
    """What is used of ``torch.cuda.Event`` and its likes; ``query`` is True for an event never recorded."""

    def record(self) -> None: ...

    def query(self) -> bool: ...

    def synchronize(self) -> None: ...


def device_module(device: torch.device) -> ModuleType:
    """Return the module that drives ``device``: ``torch.cuda``, ``torch.xpu`` …

    Raises:
        AttributeError: torch has no module for this kind of device.
    """
    get_device_module = getattr(torch, "get_device_module", None)  # torch 2.3 and later
    if get_device_module is not None:
        module: ModuleType = get_device_module(device)
        return module
    fallback: ModuleType = getattr(torch, device.type)
    return fallback


class Accelerator:
    """Makes events and waits, on one device.

    Every attribute of the device module is looked up when it is needed: ZLUDA set-ups replace some of them
    while the program runs.

    Args:
        module: ``torch.cuda`` or another device module.
        device: which of its devices, None for the one that is current.
    """

    def __init__(self, module: Any, device: torch.device | None = None) -> None:
        self._module = module
        self.device = device

    @property
    def name(self) -> str:
        """Name of the device as its driver tells it, empty if it does not."""
        try:
            return str(self._module.get_device_name())
        except (AttributeError, RuntimeError, AssertionError):
            return ""

    def make_event(self) -> Event:
        """Return a fresh event. No flags: ZLUDA ignores some and fails on others."""
        event: Event = self._module.Event()
        return event

    def wait_stream(self) -> None:
        """Block until everything queued on the current stream is done."""
        self._module.current_stream().synchronize()

    def wait_device(self) -> None:
        """Block until everything queued on any stream of the device is done."""
        if self.device is None:
            self._module.synchronize()
        else:
            self._module.synchronize(self.device)
