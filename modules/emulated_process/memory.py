"""Values of the device's memory: as they were announced to the host, and what is seen of them too early."""

from __future__ import annotations

import torch

NEVER_WRITTEN = "device memory was read that no operation has written"


class Failed:
    """Stands where an operation should have written."""

    def __init__(self, message: str) -> None:
        self.message = message


class FaultInherited(RuntimeError):  # noqa: N818  CUDA's word for it, too
    """An operation read what another one failed to write; that one was reported."""


def conform(
    value: torch.Tensor, shape: tuple[int, ...], stride: tuple[int, ...], dtype: torch.dtype
) -> torch.Tensor:
    """Return ``value`` as announced: CPU kernels do not always choose the strides that meta kernels do.

    Strides of dimensions of size 1 count: torch suggests a memory format from them.
    """
    if value.stride() == stride and value.shape == shape and value.dtype == dtype:
        return value
    if value.shape != shape:
        raise RuntimeError(f"announced shape {shape}, computed {tuple(value.shape)}")
    strides = zip(shape, stride, value.stride(), strict=True)
    same_layout = all(size < 2 or announced == computed for size, announced, computed in strides)
    if same_layout and value.dtype == dtype:
        return value.as_strided(shape, stride)
    return torch.empty_strided(shape, stride, dtype=dtype).copy_(value)


def fill_poison(tensor: torch.Tensor) -> torch.Tensor:
    """Fill in place with what shows when read too early: NaN, True, or the dtype's largest integer."""
    if tensor.dtype.is_floating_point or tensor.dtype.is_complex:
        return tensor.fill_(float("nan"))
    return tensor.fill_(True if tensor.dtype == torch.bool else torch.iinfo(tensor.dtype).max)
