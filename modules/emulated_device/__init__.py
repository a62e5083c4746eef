"""An asynchronous device without a GPU: the host queues, a process of its own computes later, in order.

For the embedded host and for tests. Values truly come late, a read that is too early really is wrong,
and code written for ``torch.get_device_module(device)`` runs on it as it does on CUDA, ROCm or XPU.
Importing this changes nothing in torch and starts nothing; :func:`install` does both.
"""

from __future__ import annotations

import torch

from . import faults, runtime
from .inbox import DeviceFault
from .marks import Gate, Marks, enqueue_mark, slow_down
from .queue import QUEUE, DeviceQueue
from .tensor import DEVICE_TYPE, DEVICES, EmulatedTensor, launch, peek

__all__ = [
    "QUEUE",
    "DeviceFault",
    "DeviceQueue",
    "EmulatedTensor",
    "Gate",
    "Marks",
    "enqueue_mark",
    "faults",
    "find_obstacle",
    "install",
    "peek",
    "runtime",
    "slow_down",
]

# torch would resize an existing tensor for these, or take apart what is one kernel on the CPU.
_WHOLE_OPERATIONS = (
    "arange arange.start arange.start_step eye eye.m linspace logspace randperm randperm.generator "
    "tril_indices triu_indices scaled_dot_product_attention linear group_norm layer_norm"
)
_registrations: list[torch.library.Library] = []


def find_obstacle() -> str:
    """Return in words why this torch cannot have the device, empty if it can."""
    if not hasattr(torch.utils.backend_registration, "_setup_privateuseone_for_python_backend"):
        return f"torch {torch.__version__} takes no device that is written in Python, newer ones do"
    device_type = torch._C._get_privateuse1_backend_name()
    if not _registrations and device_type != "privateuseone":
        return f"torch has room for one such backend, and {device_type!r} has taken it"
    return ""


def install() -> torch.device:
    """Register the backend with torch, once per process, and return its device.

    Module.to makes new parameters from here on instead of changing the old ones' data: a tensor
    subclass carries its value beside torch's own storage.

    Raises:
        RuntimeError: this torch cannot have it.
    """
    if obstacle := find_obstacle():
        raise RuntimeError(obstacle)
    if not _registrations:
        from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

        _setup_privateuseone_for_python_backend(DEVICE_TYPE, backend_module=runtime)
        torch.__future__.set_overwrite_module_params_on_conversion(True)
        _registrations.extend((_register_fallback(), _register_whole_operations()))
        DEVICES.append(torch.device(DEVICE_TYPE, 0))
        QUEUE.start()
    return DEVICES[0]


def _register_fallback() -> torch.library.Library:
    library = torch.library.Library("_", "IMPL")
    library.fallback(launch, "PrivateUse1")
    # Autocast is accepted and casts nothing: the CPU gains nothing from smaller types.
    library.fallback(torch.library.fallthrough_kernel, "AutocastPrivateUse1")
    return library


def _register_whole_operations() -> torch.library.Library:
    library = torch.library.Library("aten", "IMPL")
    for name in (*_WHOLE_OPERATIONS.split(), "copy_"):
        base_name, _, overload = name.partition(".")
        op = getattr(getattr(torch.ops.aten, base_name), overload or "default")
        library.impl(name, lambda *args, _op=op, **kwargs: launch(_op, *args, **kwargs), "PrivateUse1")
    return library
