"""The sentinel: a number that the device writes behind queued work, to judge those by who report on it.

It is another one each time, so that an old one proves nothing. It comes to the host in two ways. The device
writes it into the host's memory by itself, which a look shows without any wait: whatever was queued *after*
it (a preview, another program's work) does not hold it up. And a blocking copy into ordinary memory reads it
back, behind everything that is queued by then, which no driver can answer before it has the value.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import Any

import torch

from zluda_sync.device.steps.accelerator import Accelerator
from zluda_sync.device.steps.device_kinds import PINNED_TYPES

#: A copy that is to wait for nothing, and takes longer, has waited for the device: in seconds.
_WAITED_S = 0.01
#: Between two readings of a driver whose blocking copy does not block, and how long they go on, in seconds.
_REREAD_S = 0.002
_REREAD_LIMIT_S = 60.0


class Witness:
    """What one sentinel says; any thread may ask.

    Args:
        value: that the device writes.
        shown: the host's memory that the device writes by itself, None if it does not.
        read: blocks until the number was read back, and returns it.
        has_blocked: whether planting it kept the host waiting, so that the work before it may be over.
    """

    def __init__(self, value: int, shown: Any, read: Callable[[], float], has_blocked: bool) -> None:
        self._value = value
        self._shown = shown
        self._read = read
        self.has_blocked = has_blocked

    def look(self) -> bool | None:
        """Return whether the device has written the number by itself, None if it cannot. Never waits.

        True proves that the work before it is done. False proves nothing yet: see whether it is ever written.
        """
        return bool(self._shown[0] >= self._value) if self._shown is not None else None

    def read(self) -> bool:
        """Read the number back, which waits for all that is queued; return whether it was there."""
        return self._read() >= self._value

    def wait(self) -> None:
        """Read the number back until it is there: some drivers' blocking copies do not block.

        Raises:
            TimeoutError: it never came.
        """
        deadline_s = time.monotonic() + _REREAD_LIMIT_S
        while not self.read():
            if time.monotonic() > deadline_s:
                raise TimeoutError("the value that was computed never came")
            time.sleep(_REREAD_S)


class Sentinel:
    """Plants sentinels. For the thread that queues the work.

    Args:
        accelerator: of the device.
    """

    def __init__(self, accelerator: Accelerator) -> None:
        self._accelerator = accelerator
        self._number = torch.empty(0, device="cpu")
        self._memory: torch.Tensor | None = None
        self._planted = 0
        self._blocked = 0

    def device_behind(self, latents: torch.Tensor | None) -> torch.device | None:
        """Return the device on which work is that computes ``latents``, None if none is known."""
        if latents is not None and latents.device.type != "cpu":
            return latents.device
        return self._accelerator.device or (latents.device if latents is not None else None)

    def can_judge(self, latents: torch.Tensor | None) -> bool:
        """Whether a sentinel proves anything, or the host computes by itself."""
        device = self.device_behind(latents)
        return device is not None and device.type != "cpu"

    def plant(self, latents: torch.Tensor | None) -> Witness:
        """Have the device write a new number behind all that the calling thread has queued. Never waits.

        Args:
            latents: what that work computes, any shape, None if unknown; tells the device.
        Raises:
            RuntimeError: no device is known, or it fails.
        """
        device = self.device_behind(latents)
        if device is None:
            raise RuntimeError("nothing to read back: neither latents nor a device are known")
        if not self._has_memory_on(device):
            self._allocate(device)
        self._planted += 1
        memory, has_blocked = self._memory, False
        with torch.no_grad():
            self._number.fill_(self._planted)
            if memory is not None:
                began_s = time.perf_counter()
                try:
                    memory.copy_(self._number, non_blocking=True)
                except Exception:  # noqa: BLE001  drivers fail in every way; reading back is left
                    memory = self._memory = None
                has_blocked = time.perf_counter() - began_s > _WAITED_S
                self._blocked += has_blocked
                if self._blocked > 1:  # once may be a busy machine
                    self._memory = None
        shown = memory.numpy() if memory is not None else None
        return Witness(self._planted, shown, self._accelerator.bind_read(self._number), has_blocked)

    def _allocate(self, device: torch.device) -> None:
        is_pinned = device.type in PINNED_TYPES
        with torch.inference_mode(False):
            # Of the type whose kernels are in use anyway; exact up to 2**24.
            self._number = torch.zeros(1, dtype=torch.float32, device=device)
            self._memory = None
            with contextlib.suppress(Exception):
                self._memory = torch.zeros(1, dtype=torch.float32, device="cpu", pin_memory=is_pinned)

    def _has_memory_on(self, device: torch.device) -> bool:
        has = self._number.device
        is_same = has.type == device.type and device.index in (None, has.index)
        return is_same and self._number.numel() > 0
