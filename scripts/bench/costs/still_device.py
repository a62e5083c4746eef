"""A device that has finished everything when it is asked: what is measured with it is the host's own work."""

from __future__ import annotations

import time


class StillDevice:
    """Stands for ``torch.cuda``; its events are passed ``step_s`` after the one before them.

    Args:
        step_s: what a step takes it.
    """

    __name__ = "torch.still"

    def __init__(self, step_s: float = 0.0) -> None:
        self._step_s = step_s
        self._free_at_s = 0.0

    def Event(self) -> StillEvent:  # noqa: N802  torch's name
        """Return an event that is not recorded."""
        return StillEvent(self)

    def current_stream(self, _device: object = None) -> StillDevice:
        """Return the one stream."""
        return self

    def get_device_name(self, _device: object = None) -> str:
        """Return its name."""
        return "still"

    def synchronize(self, _device: object = None) -> None:
        """Wait for all that is queued."""
        self.wait_until(self._free_at_s)

    def queue_step(self) -> float:
        """Queue a step, and return when it will be over."""
        self._free_at_s = max(self._free_at_s, time.perf_counter()) + self._step_s
        return self._free_at_s

    @staticmethod
    def wait_until(at_s: float) -> None:
        """Wait for a moment."""
        left_s = at_s - time.perf_counter()
        if left_s > 0:
            time.sleep(left_s)


class StillEvent:
    """An event of the device."""

    def __init__(self, device: StillDevice) -> None:
        self._device = device
        self._at_s = 0.0

    def record(self, _stream: object = None) -> None:
        """Stand behind a step."""
        self._at_s = self._device.queue_step()

    def query(self) -> bool:
        """Whether that is over."""
        return self._at_s <= time.perf_counter()

    def synchronize(self) -> None:
        """Wait for it."""
        self._device.wait_until(self._at_s)
