"""Arguments of operations and bytes of tensors, in words that both processes know."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch

_WORDS = (torch.dtype, torch.layout, torch.memory_format)


class Slot(NamedTuple):
    """A place in a plan that each call fills: with a handle, a number, or a small tensor of the host's."""

    index: int
    kind: str  # "handle", "number" or "tensor"


def encode(value: Any) -> Any:
    """Return a constant, a list or a slot in what marshal can write.

    Raises:
        NotImplementedError: such a thing cannot be sent.
    """
    if value is None or isinstance(value, (bool, int, float, str, complex)):
        return value
    if isinstance(value, Slot):
        return ("slot", value.index, value.kind)
    if isinstance(value, (list, tuple)):
        return [encode(element) for element in value]
    if isinstance(value, _WORDS):
        return ("torch", str(value).removeprefix("torch."))
    if isinstance(value, torch.device):
        return ("device", str(value))
    raise NotImplementedError(f"{type(value).__name__} cannot be sent to the emulated device")


def decode(encoded: Any) -> Any:
    """Return what :func:`encode` was given."""
    if isinstance(encoded, list):
        return [decode(element) for element in encoded]
    if not isinstance(encoded, tuple):
        return encoded
    kind, *rest = encoded
    if kind == "slot":
        return Slot(*rest)
    return getattr(torch, rest[0]) if kind == "torch" else torch.device(rest[0])


def to_bytes(tensor: torch.Tensor) -> memoryview:
    """Return the values in order, as memory that lives as long as the view does."""
    plain = tensor.detach().resolve_conj().resolve_neg().contiguous().reshape(-1)
    return memoryview(plain.view(torch.uint8).numpy()) if plain.numel() else memoryview(b"")


def from_bytes(dtype: str, shape: tuple[int, ...], data: bytes | bytearray) -> torch.Tensor:
    """Return a tensor over the bytes, which must be writable."""
    kind: torch.dtype = getattr(torch, dtype)
    if not len(data):
        return torch.empty(shape, dtype=kind)
    return torch.frombuffer(bytearray(data) if isinstance(data, bytes) else data, dtype=kind).reshape(shape)


def name_dtype(dtype: torch.dtype) -> str:
    """Return the name that :func:`from_bytes` takes."""
    return str(dtype).removeprefix("torch.")
