"""Device memory as the host sees it: handles of values that are elsewhere, their layouts and their bytes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

import torch

#: Handles whose values nobody on the host can name any more.
FREED: deque[int] = deque()
_MOST_SPECS = 20_000
_specs: dict[tuple[Any, ...], Spec] = {}


class Spec:
    """What the host knows of a tensor before the device has computed it.

    There is one for each layout, so that it is compared by ``is``.
    """

    __slots__ = ("dtype", "shape", "size_bytes", "stride")

    def __init__(self, shape: tuple[int, ...], stride: tuple[int, ...], dtype: torch.dtype) -> None:
        self.shape = shape
        self.stride = stride
        self.dtype = dtype
        count = 1
        for size in shape:
            count *= size
        self.size_bytes = count * dtype.itemsize

    @classmethod
    def of(cls, tensor: torch.Tensor) -> Spec:
        """Return the one of a tensor."""
        return cls.named(tuple(tensor.shape), tensor.stride(), tensor.dtype)

    @classmethod
    def named(cls, shape: tuple[int, ...], stride: tuple[int, ...], dtype: torch.dtype) -> Spec:
        """Return the one of a layout."""
        key = (shape, stride, dtype)
        spec = _specs.get(key)
        if spec is None:
            if len(_specs) >= _MOST_SPECS:
                _specs.clear()  # a second one of the same layout costs a plan, nothing more
            spec = _specs[key] = cls(*key)
        return spec

    def empty(self, device: str) -> torch.Tensor:
        """Return a tensor of this layout, its values undefined."""
        return torch.empty_strided(self.shape, self.stride, dtype=self.dtype, device=device)


class Memory:
    """How much of the device's memory is taken, and how much may be.

    Attributes:
        allocated_bytes: taken by values that somebody on the host can name.
        most_bytes: the most that ever was.
        limit_bytes: where an allocation fails; None where only the machine sets one.
    """

    def __init__(self) -> None:
        self.allocated_bytes = 0
        self.most_bytes = 0
        self.limit_bytes: int | None = None

    def take(self, size_bytes: int) -> Storage:
        """Count what a new value takes.

        Raises:
            torch.OutOfMemoryError: it is more than there is.
        """
        taken = self.allocated_bytes + size_bytes
        if self.limit_bytes is not None and taken > self.limit_bytes:
            raise torch.OutOfMemoryError(
                f"HIP out of memory. Tried to allocate {size_bytes / 2**20:.2f} MiB. The emulated device "
                f"has {self.limit_bytes / 2**20:.2f} MiB; {self.allocated_bytes / 2**20:.2f} are allocated."
            )
        self.allocated_bytes = taken
        if taken > self.most_bytes:
            self.most_bytes = taken
        return Storage(size_bytes)


MEMORY = Memory()


class Storage:
    """Memory that values share; it is given back with the last of them."""

    __slots__ = ("size_bytes",)

    def __init__(self, size_bytes: int) -> None:
        self.size_bytes = size_bytes

    # A default: at the interpreter's end a module's names are gone before its last objects.
    def __del__(self, memory: Memory = MEMORY) -> None:
        memory.allocated_bytes -= self.size_bytes


class Cell:
    """One value on the device, by its handle there. With the cell goes the value."""

    __slots__ = ("handle", "storage")

    def __init__(self, handle: int, storage: Storage) -> None:
        self.handle = handle
        self.storage = storage

    def __del__(self, free: Callable[[int], None] = FREED.append) -> None:
        free(self.handle)
