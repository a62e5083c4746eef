"""The accelerator of a job: torch's device module, asked by name when it is used; what its errors mean."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from types import ModuleType
from typing import Any, Protocol

import torch

from zluda_sync.device.steps.device_kinds import DeviceKind, find_kind

#: Without any of these torch cannot tell when a device has finished something.
_MEANS = ("Event", "synchronize")
#: What a driver or a build of torch raises for a call that it does not have.
_MISSING = (AttributeError, RuntimeError, AssertionError, TypeError, NotImplementedError)
NO_MEMORY = "the GPU is out of memory"
#: In the words of CUDA, HIP, their libraries, torch and Windows; compared in lower case.
_OF_MEMORY = (
    "out of memory",
    "outofmemory",
    "memoryallocation",
    "alloc_failed",
    "not enough memory",
    "cannot allocate memory",
)
_BUSY = ("busy or unavailable", "devicesunavailable", "device is busy", "device busy", "deviceinuse")
_LOST = (
    "device lost",
    "device_lost",
    "device removed",
    "device_removed",
    "device hung",
    "device not responding",
    "launch failure",
    "launch timed out",
    "illegal memory access",
    "context is destroyed",
    "uncorrectable ecc",
    "device-side assert",
)


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
    while the program runs. Which device is current is each thread's own, so the device is named in every
    call, unless the host itself names it without an index and leaves it to its threads.

    Args:
        module: ``torch.cuda`` or another device module.
        device: which of its devices, None for the one that is current.
        backend: as the host names it, empty if it does not.
    """

    def __init__(self, module: Any, device: torch.device | None = None, backend: str = "") -> None:
        self._module = module
        self.device = device
        self._backend = backend

    @property
    def kind(self) -> DeviceKind:
        """What must be known of such devices before anything is tried."""
        return find_kind(self._backend, self.device, self.name, self._module is torch.cuda)

    @property
    def name(self) -> str:
        """Name of the device as its driver tells it, empty if it does not."""
        return str(self._ask_of_device("get_device_name") or "")

    @property
    def has_named_device(self) -> bool:
        """Whether it is known where work of ours could be queued, as a self-test does."""
        return self.device is not None and self.device.type != "cpu"

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
        """Whether the device's current stream records a graph: marks and waits would get into it."""
        device = self.device
        try:
            ask = self._module.is_current_stream_capturing
            if device is None or device.index is None or self._current_index() in (None, device.index):
                return bool(ask())
            with self._module.device(device):  # it knows the current device only
                return bool(ask())
        except _MISSING:
            return False

    @property
    def free_bytes(self) -> int | None:
        """Memory that could be had on the device: what the driver has free, and what torch keeps unused.

        None if the device module does not tell.
        """
        found = self._ask_of_device("mem_get_info")
        if not found or not found[1]:  # a total of 0: the system does not say
            return None
        kept, used = self.kept_bytes, self._ask_of_device("memory_allocated")
        unused = kept - used if isinstance(kept, int) and isinstance(used, int) else 0
        return int(found[0]) + max(0, unused)

    @property
    def kept_bytes(self) -> int | None:
        """Memory of the device that torch keeps, in use or not; None if the device module does not tell."""
        kept = self._ask_of_device("memory_reserved")
        return kept if isinstance(kept, int) else None

    def give_back(self, kept_before: int | None) -> None:
        """Give memory that torch keeps unused back to the driver, if it keeps more than ``kept_before``.

        What others have made torch keep is left to them: they would have to fetch it anew.
        """
        kept = self.kept_bytes
        if kept is None or kept_before is None or kept > kept_before:
            with contextlib.suppress(*_MISSING):
                self._module.empty_cache()

    def make_event(self) -> Event:
        """Return a fresh event. No flags: ZLUDA ignores some and fails on others."""
        event: Event = self._module.Event()
        return event

    def make_timing_event(self) -> Any:
        """Return an event that keeps the time at which it is reached."""
        return self._module.Event(enable_timing=True)

    def record(self, event: Event) -> None:
        """Put ``event`` behind what the calling thread has queued on this device."""
        device = self.device
        current_stream = getattr(self._module, "current_stream", None)
        if device is None or device.index is None or current_stream is None:
            event.record()
        else:
            event.record(current_stream(device))  # type: ignore[call-arg]

    def bind_stream_wait(self) -> Callable[[], None]:
        """Return what blocks until the calling thread's stream is done; any thread may call that."""
        stream = self._stream()
        wait: Callable[[], None] = stream.synchronize
        return wait

    def bind_device_wait(self) -> Callable[[], None]:
        """Return what blocks until all streams of the device are done; any thread may call that."""
        device: Any = self.device
        if device is None or device.index is None:
            device = self._current_index()
        if device is None:
            return lambda: self._module.synchronize()  # noqa: PLW0108  looked up when it is used
        return lambda: self._module.synchronize(device)

    def bind_read(self, tensor: torch.Tensor) -> Callable[[], float]:
        """Return what reads the one element of ``tensor`` behind all that this thread has queued so far.

        A blocking copy to ordinary memory, which no driver can answer before it has the value. Not
        ``tensor.item()``: in CUDA builds of newer torch that goes over pinned memory and waits for the
        stream, so that it is no stronger than a wait for the stream.
        """
        stream = None
        with contextlib.suppress(*_MISSING):
            stream = self._stream()
        # Another thread writes to it, outside of the inference mode in which a host may call this.
        with torch.inference_mode(False):
            memory = torch.zeros(tensor.shape, dtype=tensor.dtype, device="cpu")

        def read() -> float:
            with self._on_stream(stream), torch.no_grad():
                memory.copy_(tensor)
            return float(memory)

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
        """Return which device is current on the calling thread."""
        try:
            index = self._module.current_device()
        except _MISSING:
            return None
        return index if isinstance(index, int) else None

    def _ask_of_device(self, name: str) -> Any:
        """Return what a function of the module says of the device, None if it does not know that."""
        device = self.device
        try:
            ask = getattr(self._module, name)
            if device is not None and device.index is not None:
                with contextlib.suppress(TypeError):  # some modules know one device only, and take no name
                    return ask(device)
            return ask()
        except _MISSING:
            return None


def accelerator_on(device: torch.device, backend: str = "") -> Accelerator | None:
    """Return the accelerator of a device, None where torch cannot tell when it has finished something.

    That is the CPU, which blocks by itself, and what torch does not know, as DirectML's device. Never raises.

    Args:
        device: torch's.
        backend: as the host names it, empty if it does not.
    """
    if device.type == "cpu" or not find_kind(backend, device, "", is_cuda_module=False).has_marks:
        return None
    try:
        module = device_module(device)
    except Exception:  # noqa: BLE001  torch and what drivers register with it fail in many ways
        return None
    has_means = any(getattr(module, name, None) is not None for name in _MEANS)
    return Accelerator(module, device, backend) if has_means else None


def explain_environment(error: BaseException) -> str:
    """Return in some words what was wrong with the device when ``error`` was raised, empty if nothing was.

    Out of memory, in use by another program, lost: whoever called it then is not to blame.
    """
    if isinstance(error, MemoryError) or any("OutOfMemory" in kind.__name__ for kind in type(error).__mro__):
        return NO_MEMORY
    text = str(error).lower()
    for words, meaning in (
        (_OF_MEMORY, NO_MEMORY),
        (_BUSY, "another program has the GPU"),
        (_LOST, "the GPU was lost"),
    ):
        if any(word in text for word in words):
            return meaning
    return ""
