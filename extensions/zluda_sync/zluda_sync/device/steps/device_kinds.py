"""In what kinds of devices differ, each with its source: the one place where a device is asked what it is.

What can be seen by trying is tried, by the self-test and in use; here stands only what must be known before:
what would hang, hold up the host or be believed wrongly if it were tried.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch

#: How the name of a device ends that is driven through ZLUDA.
ZLUDA_SUFFIX = "[ZLUDA]"


@dataclass(frozen=True)
class DeviceKind:
    """One kind of device.

    Attributes:
        name: as SD.Next names its backend.
        title: for the user.
        has_marks: whether torch can tell when such a device has finished something.
        may_wait_beside: whether one thread may wait for the device while another one queues work.
        times_events: whether the time between two events may be asked for; whether it is true is tried.
        sources: of all this.
    """

    name: str
    title: str
    has_marks: bool = True
    may_wait_beside: bool = True
    times_events: bool = True
    sources: tuple[str, ...] = ()


KINDS: Mapping[str, DeviceKind] = {
    kind.name: kind
    for kind in (
        DeviceKind(
            "zluda",
            "ZLUDA",
            sources=("lshqqytiger/ZLUDA 3.9.5: cuEventElapsedTime",),
        ),
        DeviceKind(
            "rocm",
            "ROCm",
            # A wait on one thread holds the queue's lock, which each launch on another needs.
            may_wait_beside=False,
            sources=("ROCm/rocm-systems #11678", "ROCm/rocm-systems #4672"),
        ),
        DeviceKind("cuda", "CUDA", sources=("CUDA Runtime API: API synchronization behavior",)),
        DeviceKind(
            "ipex",
            "Intel XPU",
            sources=("pytorch/pytorch #131840", "pytorch/pytorch #140873"),
        ),
        DeviceKind(
            "mps",
            "Apple MPS",
            may_wait_beside=False,  # waiting for one event can stall; waiting for the device does not
            times_events=False,  # may wait for ever: nobody wakes it after a device wait
            sources=("Emmi-AI/noether #178", "pytorch/pytorch #162874"),
        ),
        DeviceKind(
            "directml",
            "DirectML",
            has_marks=False,
            times_events=False,
            sources=("torch-directml 0.2: torch.get_device_module has nothing for its device",),
        ),
    )
}
#: Types of torch's devices that copy asynchronously to pinned memory only (CUDA Runtime API, as above;
#: SYCL 2020, 4.8: unified shared memory).
PINNED_TYPES = ("cuda", "xpu")
#: What nothing is known of: everything is tried.
UNKNOWN = DeviceKind("", "this GPU")
#: By the type of torch's device, where that says it all.
_BY_TYPE = {"xpu": "ipex", "mps": "mps"}


def find_kind(backend: str, device: torch.device | None, name: str, is_cuda_module: bool) -> DeviceKind:
    """Return the kind of a device: by the host's word, else by torch's.

    Args:
        backend: as the host names it, empty if it does not.
        device: torch's, None if none is named.
        name: as the driver tells it.
        is_cuda_module: whether ``torch.cuda`` drives it.
    """
    if backend in KINDS:
        return KINDS[backend]
    if device is not None and device.type in _BY_TYPE:
        return KINDS[_BY_TYPE[device.type]]
    if name.endswith(ZLUDA_SUFFIX):
        return KINDS["zluda"]
    if is_cuda_module:
        # ZLUDA set-ups have this version too, so the name comes first.
        return KINDS["rocm" if getattr(torch.version, "hip", None) else "cuda"]
    return UNKNOWN
