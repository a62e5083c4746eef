"""Device memory: cells that hold nothing usable until the worker has written them."""

from __future__ import annotations

from typing import NamedTuple

import torch

from .queue import DeviceFault


class Spec(NamedTuple):
    """What the host knows of a tensor before the device has computed it."""

    shape: tuple[int, ...]
    stride: tuple[int, ...]
    dtype: torch.dtype

    @classmethod
    def of(cls, tensor: torch.Tensor) -> Spec:
        return cls(tuple(tensor.shape), tensor.stride(), tensor.dtype)

    def empty(self, device: str) -> torch.Tensor:
        return torch.empty_strided(self.shape, self.stride, dtype=self.dtype, device=device)

    def conform(self, value: torch.Tensor) -> torch.Tensor:
        """``value`` as announced: CPU kernels do not always choose the strides that meta kernels do.

        Strides of dimensions of size 1 count: torch suggests a memory format from them.
        """
        if value.shape != self.shape:
            raise RuntimeError(f"announced shape {self.shape}, computed {tuple(value.shape)}")
        if value.stride() == self.stride and value.dtype == self.dtype:
            return value
        strides = zip(self.shape, self.stride, value.stride(), strict=True)
        same_layout = all(size < 2 or announced == computed for size, announced, computed in strides)
        if same_layout and value.dtype == self.dtype:
            return value.as_strided(self.shape, self.stride)
        return self.empty("cpu").copy_(value)


def fill_poison(tensor: torch.Tensor) -> torch.Tensor:
    """Fill in place with what shows when read too early: NaN, True, or the dtype's largest integer."""
    if tensor.dtype.is_floating_point or tensor.dtype.is_complex:
        return tensor.fill_(float("nan"))
    return tensor.fill_(True if tensor.dtype == torch.bool else torch.iinfo(tensor.dtype).max)


class Cell:
    """One value on the device. The worker writes it; ``value`` is None until then."""

    __slots__ = ("fault", "value")

    def __init__(self, value: torch.Tensor | None = None) -> None:
        self.value = value
        self.fault: DeviceFault | None = None

    def read(self) -> torch.Tensor:
        """The value; for the worker alone, which by queue order never comes too early.

        Raises:
            DeviceFault: the operation that should have written it failed.
        """
        if self.value is None:
            raise self.fault or DeviceFault("device memory was read that no operation has written")
        return self.value
