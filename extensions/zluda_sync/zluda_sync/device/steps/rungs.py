"""The rungs: ways to learn that the device has finished a step. Which one can be trusted differs by driver.

Two kinds. An *event rung* leaves a mark behind each step, so that each step is told apart from those queued
after it; only the watcher thread looks at the mark, because HIP locks an event during every call.
A *synchronize rung* blocks until everything queued so far is done; it is simple and hard to fool, and the
device runs dry while the host queues the next step.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import torch

from zluda_sync.device.steps.accelerator import Accelerator, Event
from zluda_sync.device.steps.device_kinds import PINNED_TYPES
from zluda_sync.device.steps.sentinel import Sentinel

#: What a rung leaves behind a step; only the rung itself knows what it is.
Mark = Any


class EventRung(ABC):
    """A rung that marks each step.

    Attributes:
        waits_beside: whether the watcher waits inside the driver, beside the thread that queues steps.
        asks_no_driver: whether looking at a mark is a look at the host's own memory: any thread may look.
    """

    name: str
    waits_beside = False
    asks_no_driver = False

    def __init__(self, accelerator: Accelerator) -> None:
        self._accelerator = accelerator

    @abstractmethod
    def plant(self) -> tuple[Mark, bool]:
        """Leave a mark behind the step just queued; called by the thread that queued it. Never waits.

        Returns:
            The mark, and whether the device seems to have passed it already.
        """

    @abstractmethod
    def poll_or_wait(self, mark: Mark) -> bool:
        """Return whether the device has passed the mark.

        Called by the watcher thread only, but for a rung that asks no driver.
        """


class SynchronizeRung(ABC):
    """A rung that waits for everything queued so far; the thread that queues steps waits with it."""

    name: str
    waits_beside = False

    def __init__(self, accelerator: Accelerator) -> None:
        self._accelerator = accelerator

    @abstractmethod
    def bind(self, latents: torch.Tensor | None) -> Callable[[], Any]:
        """Return what blocks until the step just queued is finished; any thread may call that, once.

        Called by the thread that queued the step: which device and stream are current differs by thread.

        Args:
            latents: what that step computes, any shape and device, None if the pipeline does not tell.
        """


class PassiveCounter(EventRung):
    """A number in the host's own memory that the device counts up as it passes each step.

    Looking at it asks no driver and takes no lock. A device whose copies are not in order with its other
    work would lie, and so would memory that the device does not truly write to.
    """

    name = "passive-counter"
    asks_no_driver = True

    def __init__(self, accelerator: Accelerator) -> None:
        super().__init__(accelerator)
        self._planted = 0
        self._counter: torch.Tensor | None = None
        self._memory: torch.Tensor | None = None
        self._shown: Any = None

    def plant(self) -> tuple[Mark, bool]:
        self._planted += 1
        with torch.no_grad():
            counter, memory = self._buffers()
            counter.add_(1)
            memory.copy_(counter, non_blocking=True)
        # What was queued may lie there unsubmitted; recording an event submits it.
        self._accelerator.record(self._accelerator.make_event())
        return self._planted, self.poll_or_wait(self._planted)

    def poll_or_wait(self, mark: Mark) -> bool:
        return bool(self._shown[0] >= mark)

    def _buffers(self) -> tuple[torch.Tensor, torch.Tensor]:
        if self._counter is None or self._memory is None:
            device = self._accelerator.device
            if device is None or device.type == "cpu":
                raise RuntimeError("no device is known on which to count")
            with torch.inference_mode(False):
                self._memory = torch.zeros(1, dtype=torch.int32, pin_memory=device.type in PINNED_TYPES)
                self._counter = torch.zeros(1, dtype=torch.int32, device=device)
            self._shown = self._memory.numpy()
        return self._counter, self._memory


class PlantedEvent(EventRung):
    """An event that is queried from time to time.

    The first query comes at once, on the queuing thread: on HIP it puts the event's notification where the
    queue ends *now*, and a later first query would put it behind steps queued in between.
    """

    name = "planted-event"

    def plant(self) -> tuple[Mark, bool]:
        event = self._accelerator.make_event()
        self._accelerator.record(event)
        return event, event.query()

    def poll_or_wait(self, mark: Mark) -> bool:
        event: Event = mark
        return event.query()


class LaggedWait(EventRung):
    """An event on which the watcher blocks, for devices whose query does not tell the truth."""

    name = "lagged-wait"
    waits_beside = True

    def plant(self) -> tuple[Mark, bool]:
        event = self._accelerator.make_event()
        self._accelerator.record(event)
        return event, False

    def poll_or_wait(self, mark: Mark) -> bool:
        event: Event = mark
        event.synchronize()
        return True


class DeviceSynchronize(SynchronizeRung):
    """``torch.cuda.synchronize``: what SD.Next itself does on ZLUDA."""

    name = "device-synchronize"

    def bind(self, latents: torch.Tensor | None) -> Callable[[], Any]:
        return self._accelerator.bind_device_wait()


class StreamSynchronize(SynchronizeRung):
    """Waits for the current stream only."""

    name = "stream-synchronize"

    def bind(self, latents: torch.Tensor | None) -> Callable[[], Any]:
        return self._accelerator.bind_stream_wait()


class ReadBack(SynchronizeRung):
    """Reads a sentinel back to ordinary memory: a copy that no driver can answer before it has the value.

    The value is another one behind each step, so that one that comes too early is seen, and read again.
    """

    name = "read-back"

    def __init__(self, accelerator: Accelerator) -> None:
        super().__init__(accelerator)
        self._sentinel = Sentinel(accelerator)

    def bind(self, latents: torch.Tensor | None) -> Callable[[], Any]:
        return self._sentinel.plant(latents).wait
