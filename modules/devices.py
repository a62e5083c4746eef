"""Stand-in for SD.Next's modules/devices.py: which device computes, and under which backend name.

The emulated asynchronous device goes by the backend name "zluda": it runs behind the host as ZLUDA does.
"""

from __future__ import annotations

import torch

from modules.errors import HostError

backend = "cpu"
cpu = torch.device("cpu")
device = cpu
dtype = torch.float32
dtype_vae = torch.float32
dtype_unet = torch.float32
inference_context = torch.no_grad


def select_device(kind: str) -> None:
    """Set `backend` and `device` for `kind`: "emulated", "cuda", "cpu", or "auto" (CUDA, else emulated).

    Raises:
        HostError: CUDA was asked for and there is none.
    """
    global backend, device
    if kind == "auto":
        kind = "cuda" if torch.cuda.is_available() else "emulated"
    if kind == "cuda":
        if not torch.cuda.is_available():
            raise HostError("Device: no CUDA device found; use --device emulated or --device cpu")
        backend = "zluda" if has_zluda() else "cuda"
        device = torch.device("cuda")
    elif kind == "emulated":
        from modules import emulated_device

        backend, device = "zluda", emulated_device.install()
    else:
        backend, device = "cpu", cpu


def has_zluda() -> bool:
    """Whether the CUDA device is an AMD card behind ZLUDA."""
    return torch.cuda.is_available() and torch.cuda.get_device_name().endswith("[ZLUDA]")


def get_optimal_device_name() -> str:
    """Name of the device in use, for people."""
    return "CPU" if backend == "cpu" else torch.get_device_module(device).get_device_name()


def torch_gc(force: bool = False, fast: bool = False, reason: str | None = None) -> None:
    """Free cached device memory when forced; otherwise do nothing, so that a phase costs no wait."""
    if force and backend != "cpu":
        torch.get_device_module(device).empty_cache()
