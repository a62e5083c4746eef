"""Which accelerator the host computes on, and whether it is ZLUDA: then also when that compiles kernels."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from zluda_sync.device.steps.accelerator import Accelerator, accelerator_on
from zluda_sync.device.steps.device_kinds import KINDS, ZLUDA_SUFFIX
from zluda_sync.host.sdnext import SdNext

_CUDA_BACKENDS = ("zluda", "rocm", "cuda")
#: What of torch drives the devices of other backends.
_MODULES = {"ipex": "xpu", "mps": "mps"}
#: Names used by ZLUDA 3.9 and by later ones; a write-ahead log changes before the file itself does.
_NAMES = ("zluda.db-wal", "zluda.db", "zluda2.db-wal", "zluda2.db")


def accelerator_of(host: SdNext) -> Accelerator | None:
    """Return the accelerator that the host computes on, None if there is none that can be followed.

    The host's word comes first: its device if that is no CPU, else what its backend stands for. No tensor is
    ever asked where it lives. Never raises: what torch does not know, as DirectML's device, is not followed.
    """
    device, backend = host.device, host.backend
    if isinstance(device, torch.device) and device.type != "cpu":
        return accelerator_on(device, backend)
    if backend in _CUDA_BACKENDS:
        return Accelerator(torch.cuda, backend=backend)
    module = getattr(torch, _MODULES.get(backend, ""), None) if device is not None else None
    return Accelerator(module, backend=backend) if module is not None and _has_driver(module) else None


def _has_driver(module: Any) -> bool:
    """Whether there is such a device: SD.Next says ``mps`` on a Mac that has none, too.

    Events that are not torch's own come with a driver that is not, either.
    """
    has_own = not str(getattr(module.Event, "__module__", "torch.")).startswith("torch.")
    if module is getattr(torch, "mps", None):
        return has_own or torch.backends.mps.is_available()
    return has_own or bool(module.is_available())


def explain_no_accelerator(host: SdNext) -> str:
    """Return in one sentence for the user why :func:`accelerator_of` has found nothing to follow."""
    device, backend = host.device, host.backend
    if isinstance(device, torch.device) and device.type != "cpu":
        kind = KINDS.get(backend)
        is_known = kind is not None and not kind.has_marks
        name = kind.title if kind is not None and is_known else f'a device of the kind "{device.type}"'
        return f"SD.Next computes on {name}, and torch cannot tell when that has finished: nothing to follow"
    if backend == "openvino":
        return "SD.Next computes with OpenVINO, which torch does not see into: there is nothing to follow"
    if device is None:
        return "SD.Next has chosen no device so far: there is nothing to follow"
    return "SD.Next computes on the CPU: there is nothing to follow"


def is_zluda(host: SdNext) -> bool:
    """Return whether CUDA calls go through ZLUDA to an AMD card.

    The host says so since it knows ZLUDA; versions before go by the name that ZLUDA gives to devices.
    """
    if host.backend == "zluda":
        return True
    return host.backend in _CUDA_BACKENDS and _cuda_name(host).endswith(ZLUDA_SUFFIX)


def _cuda_name(host: SdNext) -> str:
    """Return the name of the host's own device: another one in the machine may be no ZLUDA's."""
    cuda: Any = torch.cuda
    device = host.device
    is_cuda = isinstance(device, torch.device) and device.type == "cuda"
    try:
        return Accelerator(cuda, device if is_cuda else None).name if cuda.is_available() else ""
    except Exception:  # noqa: BLE001  a driver may fail in every way
        return ""


def cache_files() -> tuple[Path, ...]:
    """Return where ZLUDA keeps compiled kernels, whether or not there is anything yet."""
    root = os.environ.get("LOCALAPPDATA") or os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return tuple(Path(root, "ZLUDA", "ComputeCache", name) for name in _NAMES)


class KernelCache:
    """Tells when ZLUDA compiles kernels, which takes minutes on a first run.

    ZLUDA says so on file descriptor 2 only, which nobody can read from here; its cache is written meanwhile.
    Costs a few file look-ups when asked, which is only during a long silence.
    """

    def __init__(self, files: Sequence[Path]) -> None:
        self._files = files

    def was_written_within(self, seconds: float) -> bool:
        """Return whether kernels were compiled during the last ``seconds``."""
        since_s = time.time() - seconds
        return any(_written_at_s(file) > since_s for file in self._files)


def _written_at_s(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except OSError:
        return 0.0
