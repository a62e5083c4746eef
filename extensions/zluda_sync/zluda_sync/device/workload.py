"""Work of a known duration for the self-test, with a number at its end that tells whether it was done."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch

from zluda_sync.core.clock import Clock
from zluda_sync.device.accelerator import Accelerator

#: Sides of the square matrices that are tried, until one product takes long against its launch.
_SIZES = (256, 512, 1024, 2048)
_LONG_ENOUGH_S = 0.5e-3
_TRIAL_PRODUCTS = 8
_MAX_PRODUCTS = 2000
#: How often the number of products is corrected, and how near to the wanted time is near enough.
_CORRECTIONS = 5
_NEAR = 0.6


class Workload:
    """A chain of matrix products, and a counter that is raised behind each chain.

    Uses no random numbers: the host's generators stay as they were.

    Args:
        accelerator: of the device.
        device: on which to work.
        read: reads the counter back, which waits for all that is queued; see :meth:`bind_read`.
        clock: to time with.
    """

    def __init__(
        self,
        accelerator: Accelerator,
        device: torch.device,
        read: Callable[[Callable[[], float]], float],
        clock: Clock,
    ) -> None:
        self._accelerator = accelerator
        self._device = device
        self._read = read
        self._clock = clock
        self._size = _SIZES[0]
        self._products = _TRIAL_PRODUCTS
        self._matrix = torch.empty(0)
        self._counter = torch.zeros(1, device=device)
        self._tiny = torch.zeros(1, device=device)
        self._expected = 0.0

    @property
    def counter(self) -> torch.Tensor:
        """Raised by one behind each chain: float32, shape (1,), on the device."""
        return self._counter

    def calibrate(self, target_s: float) -> None:
        """Make a chain take about ``target_s`` seconds."""
        for size in _SIZES:
            self._size = size
            self._matrix = torch.full((size, size), 1.0 / size, device=self._device)
            self._products = _TRIAL_PRODUCTS
            for _ in range(2):  # the first use loads libraries and compiles kernels
                self.queue()
                self.read_back()
            took_s = min(self.measure(), self.measure())
            if took_s >= _LONG_ENOUGH_S * _TRIAL_PRODUCTS:
                break
        for _ in range(_CORRECTIONS):  # the few products of the trial share the cost of being waited for
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
