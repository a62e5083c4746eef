"""Which accelerator the host computes on, and whether it is ZLUDA."""

from __future__ import annotations

from typing import Any

import torch

from zluda_sync.device.accelerator import Accelerator, device_module
from zluda_sync.host.sdnext import SdNext

_CUDA_BACKENDS = ("zluda", "rocm", "cuda")


def accelerator_of(host: SdNext) -> Accelerator | None:
    """Return the accelerator that the host computes on, None if it computes on the CPU.

    The host's word comes first: its device if that is no CPU, else what its backend stands for. No tensor is
    ever asked where it lives.
    """
    device = host.device
    if isinstance(device, torch.device) and device.type != "cpu":
        return Accelerator(device_module(device), device)
    if host.backend in _CUDA_BACKENDS:
        return Accelerator(torch.cuda)
    return None


def is_zluda(host: SdNext) -> bool:
    """Return whether CUDA calls go through ZLUDA to an AMD card.

    The host says so since it knows ZLUDA; versions before go by the name that ZLUDA gives to devices.
    """
    if host.backend == "zluda":
        return True
    return host.backend in _CUDA_BACKENDS and _cuda_name(host).endswith("[ZLUDA]")


def _cuda_name(host: SdNext) -> str:
    """Return the name of the host's own device: another one in the machine may be no ZLUDA's."""
    cuda: Any = torch.cuda
    device = host.device
    is_cuda = isinstance(device, torch.device) and device.type == "cuda"
    try:
        return Accelerator(cuda, device if is_cuda else None).name if cuda.is_available() else ""
    except (RuntimeError, AssertionError):
        return ""
