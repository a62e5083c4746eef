"""The rungs: ways to learn that the device has finished a step. Which one can be trusted differs by driver.

Two kinds. An *event rung* leaves a marker behind each step, so that each step is told apart from those
queued after it; only the watcher thread looks at the marker, because HIP locks an event during every call.
A *synchronize rung* blocks until everything queued so far is done; it is simple and hard to fool, and the
device runs dry while the host queues the next step.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch

from zluda_sync.device.accelerator import Accelerator, Event


class EventRung(ABC):
    """A rung that marks each step by an event."""

    name: str

    def __init__(self, accelerator: Accelerator) -> None:
        self._accelerator = accelerator

    @abstractmethod
    def plant(self) -> Event:
        """Record an event behind the step just queued; called by the thread that queued it. Never waits."""

    @abstractmethod
    def poll_or_wait(self, event: Event) -> bool:
        """Return whether the device has passed the event; called by the watcher thread only."""


class SynchronizeRung(ABC):
    """A rung that waits for everything queued so far."""

    name: str

    def __init__(self, accelerator: Accelerator) -> None:
        self._accelerator = accelerator

    @abstractmethod
    def wait(self, latents: torch.Tensor | None) -> None:
        """Block until the step just queued is finished.

        Args:
            latents: what that step computes, any shape and device, None if the pipeline does not tell.
        """


class PlantedEvent(EventRung):
    """An event that is queried from time to time.

    The first query comes at once, on the queuing thread: on HIP it puts the event's notification where the
    queue ends *now*, and a later first query would put it behind steps queued in between.
    """

    name = "planted-event"

    def plant(self) -> Event:
        event = self._accelerator.make_event()
        event.record()
        event.query()
        return event

    def poll_or_wait(self, event: Event) -> bool:
        return event.query()


class LaggedWait(EventRung):
    """An event on which the watcher blocks, for devices whose query does not tell the truth."""

    name = "lagged-wait"

    def plant(self) -> Event:
        event = self._accelerator.make_event()
        event.record()
        return event

    def poll_or_wait(self, event: Event) -> bool:
        event.synchronize()
        return True


class DeviceSynchronize(SynchronizeRung):
    """``torch.cuda.synchronize``: what SD.Next itself does on ZLUDA."""

    name = "device-synchronize"

    def wait(self, latents: torch.Tensor | None) -> None:
        self._accelerator.wait_device()


class StreamSynchronize(SynchronizeRung):
    """Waits for the current stream only."""

    name = "stream-synchronize"

    def wait(self, latents: torch.Tensor | None) -> None:
        self._accelerator.wait_stream()


class ReadBack(SynchronizeRung):
    """Reads one element back to pageable memory: a copy that no driver can answer before it has the value."""

    name = "read-back"

    def wait(self, latents: torch.Tensor | None) -> None:
        if latents is None or latents.numel() == 0:
            if self._accelerator.device is None:
                raise RuntimeError("nothing to read back: neither latents nor a device are known")
            latents = torch.zeros(1, device=self._accelerator.device)
        latents[(0,) * latents.ndim].item()
