"""Stand-in for SD.Next's modules/devices.py: which device computes, and under which backend name.

The emulated asynchronous device goes by the backend name "zluda": it runs behind the host as ZLUDA does.
"""

from __future__ import annotations

import torch

from modules.errors import HostError

backend = "cpu"
device = torch.device("cpu")
dtype = torch.float32
inference_context = torch.no_grad


def select_device(kind: str) -> None:
    """Set `backend` and `device` for `kind`: "emulated", "cuda", "cpu", or "auto" (CUDA, else emulated)."""
    global backend, device
    if kind == "auto":
        kind = "cuda" if torch.cuda.is_available() else "emulated"
    if kind == "cuda":
        if not torch.cuda.is_available():
            raise HostError("Device: no CUDA device found; use --device emulated or --device cpu")
        device = torch.device("cuda")
        backend = "zluda" if torch.cuda.get_device_name().endswith("[ZLUDA]") else "cuda"
    elif kind == "emulated":
        from modules import emulated_device

        backend, device = "zluda", emulated_device.install()
    else:
        backend, device = "cpu", torch.device("cpu")
