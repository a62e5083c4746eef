"""The accelerator of a job: torch's device module, asked by name at the moment of use."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from types import ModuleType
from typing import Any, Protocol

import torch

#: Kinds of devices that copy asynchronously to pinned memory only.
PINNED_KINDS = ("cuda", "xpu")
#: What a driver or a build of torch raises for a call that it does not have.
_MISSING = (AttributeError, RuntimeError, AssertionError, TypeError, NotImplementedError)


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
        self._index: int | None = None
        self._knows_index = False

    @property
    def name(self) -> str:
        """Name of the device as its driver tells it, empty if it does not."""
        return str(self._ask("get_device_name") or "")

    @property
    def driver_version(self) -> str:
        """Version of the driver below the device module, empty if it does not tell."""
        if self._module is not torch.cuda:
            return ""
        ask = getattr(torch._C, "_cuda_getDriverVersion", None)
        with contextlib.suppress(*_MISSING):
            return str(ask()) if ask is not None else ""
        return ""

    @property
    def is_capturing(self) -> bool:
        """Whether the current stream records a graph: marks and waits would end up in it, or spoil it."""
        return bool(self._ask("is_current_stream_capturing"))

    def make_event(self) -> Event:
        """Return a fresh event. No flags: ZLUDA ignores some and fails on others."""
        event: Event = self._module.Event()
        return event

    def make_timing_event(self) -> Any:
        """Return an event that keeps the time at which it is reached."""
        return self._module.Event(enable_timing=True)

    def record(self, event: Event) -> None:
        """Put ``event`` behind what the calling thread has queued on this device."""
        index = self.device.index if self.device is not None else None
        if index is None or self._current_index() == index:
            event.record()
        else:  # the model is on another device than the one that is current
            event.record(self._module.current_stream(self.device))  # type: ignore[call-arg]

    def bind_stream_wait(self) -> Callable[[], None]:
        """Return what blocks until the calling thread's stream is done; any thread may call that."""
        stream = self._stream()
        wait: Callable[[], None] = stream.synchronize
        return wait

    def bind_device_wait(self) -> Callable[[], None]:
        """Return what blocks until all streams of the device are done; any thread may call that.

        Which device is current differs by thread, so it is named.
        """
        device: Any = self.device
        if device is None or device.index is None:
            device = self._current_index()
        if device is None:
            return lambda: self._module.synchronize()  # noqa: PLW0108  looked up when it is used
        return lambda: self._module.synchronize(device)

    def bind_read(self, tensor: torch.Tensor) -> Callable[[], float]:
        """Return what reads the one element of ``tensor`` behind all that this thread has queued so far."""
        stream = None
        with contextlib.suppress(*_MISSING):
            stream = self._stream()

        def read() -> float:
            with self._on_stream(stream), torch.no_grad():
                return float(tensor.item())

        return read

    def _stream(self) -> Any:
        device = self.device
        if device is None or device.index is None:
            return self._module.current_stream()
        return self._module.current_stream(device)

    def _on_stream(self, stream: Any) -> Any:
        choose = getattr(self._module, "stream", None)
        return choose(stream) if choose is not None and stream is not None else contextlib.nullcontext()

    def _current_index(self) -> int | None:
        """Return which device is current on the thread that queues; asked once, for it asks the driver."""
        if not self._knows_index:
            index = self._ask("current_device")
            self._index = index if isinstance(index, int) else None
            self._knows_index = True
        return self._index

    def _ask(self, name: str) -> Any:
        try:
            return getattr(self._module, name)()
        except _MISSING:
            return None
