"""An asynchronous device without a GPU: the host queues, one worker thread computes later, in order.

For the embedded host and for tests. Values truly come late, a read that is too early really is wrong,
and code written for ``torch.get_device_module(device)`` runs on it as it does on CUDA, ROCm or XPU.
Importing this changes nothing in torch; :func:`install` does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.utils.hooks import RemovableHandle

from . import runtime
from .queue import QUEUE, DeviceFault, DeviceQueue
from .tensor import DEVICE_TYPE, EmulatedTensor, launch, peek

__all__ = ["QUEUE", "DeviceFault", "DeviceQueue", "EmulatedTensor", "install", "peek", "slow_down"]

# torch would resize an existing tensor for these, or take attention apart where the CPU has one kernel.
_WHOLE_OPERATIONS = (
    "arange arange.start arange.start_step eye eye.m linspace logspace randperm randperm.generator "
    "tril_indices triu_indices scaled_dot_product_attention"
)
_registrations: list[torch.library.Library] = []


def install() -> torch.device:
    """Register the backend with torch, once per process, and return its device.

    Module.to makes new parameters from here on instead of changing the old ones' data: a tensor
    subclass carries its value beside torch's own storage.
    """
    device_type = torch._C._get_privateuse1_backend_name()
    if not _registrations:
        if device_type != "privateuseone":
            raise RuntimeError(f"torch has room for one such backend, and {device_type!r} has taken it")
        from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

        _setup_privateuseone_for_python_backend(DEVICE_TYPE, backend_module=runtime)
        torch.__future__.set_overwrite_module_params_on_conversion(True)
        _registrations.extend((_register_fallback(), _register_whole_operations()))
    return torch.device(DEVICE_TYPE, 0)


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


def slow_down(
    module: torch.nn.Module, seconds_for: Callable[[tuple[Any, ...], dict[str, Any]], float], name: str
) -> RemovableHandle:
    """Keep the device busy for ``seconds_for(args, kwargs)`` after each forward of ``module``.

    The host returns from the forward at once: the delay is an item on the queue. Remove the handle to end it.
    """

    def queue_delay(module: Any, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        QUEUE.enqueue_delay(seconds_for(args, kwargs), name)

    return module.register_forward_hook(queue_delay, with_kwargs=True)
