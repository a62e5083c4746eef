"""Work of a known duration for the self-test, with a number at its end that tells whether it was done."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch

from zluda_sync.core.clock import Clock
from zluda_sync.device.steps.accelerator import Accelerator

#: Sides of the square matrices that are tried, until one product takes long against its launch.
SIZES = (256, 512, 1024, 2048)
_LONG_ENOUGH_S = 0.5e-3
_TRIAL_PRODUCTS = 8
_MAX_PRODUCTS = 2000
#: Of the memory that is free, a chain takes so much at most; the libraries below it take the rest of this.
_SHARE_OF_FREE = 0.25
_LIBRARIES_BYTES = 32 * 2**20
#: Matrices that are there at once: the factor, what is multiplied by it, what comes of it, one let go.
_MATRICES = 4
_BYTES_EACH = 4
#: How often the number of products is corrected, and how near to the wanted time is near enough.
_CORRECTIONS = 5
_NEAR = 0.6


class Workload:
    """A chain of matrix products, and a counter that is raised behind each chain.

    Uses no random numbers: the host's generators stay as they were. Takes a part of the memory that is free
    at most.

    Args:
        accelerator: of the device.
        device: on which to work.
        read: reads the counter back, which waits for all that is queued; see :meth:`bind_read`.
        clock: to time with.
        sizes: sides of the matrices that may be used, the smallest first.
    Raises:
        MemoryError: not even the smallest fits.
    """

    def __init__(
        self,
        accelerator: Accelerator,
        device: torch.device,
        read: Callable[[Callable[[], float]], float],
        clock: Clock,
        sizes: Sequence[int] = SIZES,
    ) -> None:
        self._sizes = _sizes_that_fit(sizes, accelerator.free_bytes)
        self._accelerator = accelerator
        self._device = device
        self._read = read
        self._clock = clock
        self._size = self._sizes[0]
        self._products = _TRIAL_PRODUCTS
        self._matrix = torch.empty(0)
        self._counter = torch.zeros(1, device=device)
        self._tiny = torch.zeros(1, device=device)
        self._expected = 0.0
        self._queued_s = 0.0

    @property
    def counter(self) -> torch.Tensor:
        """Raised by one behind each chain: float32, shape (1,), on the device."""
        return self._counter

    @property
    def launches(self) -> int:
        """Operations that a chain is made of."""
        return self._products + 1

    def calibrate(
        self, target_s: float, corrections: int = _CORRECTIONS, most_launch_share: float = 1.0
    ) -> None:
        """Make a chain take about ``target_s`` seconds.

        Args:
            target_s: seconds.
            corrections: the more, the nearer.
            most_launch_share: the part of that which the host may need to queue it, where the sizes allow it;
                a device that keeps the host waiting at each launch needs all of it.
        """
        for size in self._sizes:
            self._size = size
            self._matrix = torch.full((size, size), 1.0 / size, device=self._device)
            self._products = _TRIAL_PRODUCTS
            for _ in range(2):  # the first use loads libraries and compiles kernels
                self.queue()
                self.read_back()
            took_s = min(self.measure(), self.measure())
            is_long = took_s >= _LONG_ENOUGH_S * _TRIAL_PRODUCTS
            if is_long and self._queued_s <= most_launch_share * took_s:
                break
        for _ in range(corrections):  # the few products of the trial share the cost of being waited for
            wanted = math.ceil(self._products * target_s / max(took_s, 1e-6))
            self._products = min(max(wanted, 1), _MAX_PRODUCTS)
            # The faster of two: what else the machine does makes work look longer than it is.
            took_s = min(self.measure(), self.measure())
            if _NEAR * target_s <= took_s <= target_s / _NEAR:
                break

    def measure(self) -> float:
        """Return the seconds that one chain takes, waited for by reading its number back."""
        began_s = self._clock()
        self.queue()
        self._queued_s = self._clock() - began_s
        self.read_back()
        return self._clock() - began_s

    def queue(self, parts: int = 1) -> None:
        """Queue a chain, or the ``parts``-th part of one."""
        work = self._matrix
        for _ in range(max(1, self._products // parts)):
            work = work @ self._matrix
        self._counter.add_(1.0)
        self._expected += 1.0

    def queue_tiny(self) -> None:
        """Queue one operation that takes the device next to nothing."""
        self._tiny.add_(1.0)

    def read_back(self) -> bool:
        """Wait for all that is queued by reading the counter; return whether it is what it should be."""
        return self._read(self._accelerator.bind_read(self._counter[0])) == self._expected


def _sizes_that_fit(sizes: Sequence[int], free_bytes: int | None) -> Sequence[int]:
    if free_bytes is None:
        return sizes
    left_bytes = _SHARE_OF_FREE * (free_bytes - _LIBRARIES_BYTES)
    fitting = [size for size in sizes if _MATRICES * _BYTES_EACH * size**2 <= left_bytes]
    if not fitting:
        raise MemoryError(f"only {free_bytes / 2**20:.0f} MB of the GPU's memory are free")
    return fitting
