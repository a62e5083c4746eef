"""The emulated device, presenting itself to the host as a card of another kind, with what is odd about it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from bench.host.faults import replaced, with_event

#: Who gets a lock sooner was not held up by a wait, in seconds.
SHORT_S = 0.005
#: NVIDIA's driver lets a program queue about so many operations.
LAUNCHES_HELD = 1024


@dataclass
class Stalls:
    """The launches that somebody else's wait has held up, by the thread that launched."""

    launches: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Presented:
    """One kind of card.

    Attributes:
        title: for the table.
        backend: as SD.Next names it.
        runs_ahead: whether a host can run ahead of it in a job.
        odd: a context in which the device has what is odd about such cards.
        host_syncs: whether SD.Next's own wait after each step is on, as it is by default.
    """

    title: str
    backend: str
    runs_ahead: bool
    odd: Callable[[], contextlib.AbstractContextManager[Any]] = contextlib.nullcontext
    host_syncs: bool = True


@contextlib.contextmanager
def presented(card: Presented) -> Iterator[Stalls]:
    """A context in which host and extension take the emulated device for such a card.

    It gives the launches that were held up, where that can happen.
    """
    from modules import devices
    from modules.emulated_device import runtime

    name = runtime.DEVICE_NAME if card.backend == "zluda" else f"Emulated {card.title}"
    with replaced(runtime, DEVICE_NAME=name), card.odd() as stalls:
        backend, devices.backend = devices.backend, card.backend
        try:
            yield stalls or Stalls()
        finally:
            devices.backend = backend


@contextlib.contextmanager
def waits_hold_the_queue() -> Iterator[Stalls]:
    """As rocm-systems #11678: who waits holds the lock that each launch needs."""
    from modules.emulated_device.queue import QUEUE

    lock = threading.RLock()
    stalls = Stalls()
    enqueue: Any = QUEUE.enqueue
    wait: Any = QUEUE.wait

    def enqueue_in_turn(*args: Any) -> Any:
        if not lock.acquire(timeout=SHORT_S):
            stalls.launches.append(threading.current_thread().name)
            lock.acquire()
        try:
            return enqueue(*args)
        finally:
            lock.release()

    def wait_in_turn(*args: Any) -> Any:
        with lock:
            return wait(*args)

    with _replaced_methods(QUEUE, enqueue=enqueue_in_turn, wait=wait_in_turn):
        yield stalls


@contextlib.contextmanager
def launches_held(most: int = LAUNCHES_HELD, captured: bool = False) -> Iterator[None]:
    """A launch waits while so many are queued; of a captured model a whole step is one launch.

    Args:
        most: that may be queued.
        captured: whether the model's operations are one launch.
    """
    from modules import shared
    from modules.emulated_device.queue import QUEUE

    enqueue: Any = QUEUE.enqueue
    wait: Any = QUEUE.wait
    inside = threading.local()

    def enqueue_held(*args: Any) -> Any:
        ticket = enqueue(*args)
        if not getattr(inside, "graph", False):
            wait(max(0, ticket - most - getattr(inside, "extra", 0)))
        else:
            inside.extra = getattr(inside, "extra", 0) + 1
        return ticket

    handles = []
    if captured:
        unet = shared.sd_model.unet
        handles = [
            unet.register_forward_pre_hook(lambda *args: setattr(inside, "graph", True)),
            unet.register_forward_hook(lambda *args: setattr(inside, "graph", False)),
        ]
    try:
        with _replaced_methods(QUEUE, enqueue=enqueue_held):
            yield
    finally:
        for handle in handles:
            handle.remove()


def blocking() -> contextlib.AbstractContextManager[None]:
    """Each launch waits until it is done."""
    return launches_held(most=0)


def captured() -> contextlib.AbstractContextManager[None]:
    """A held device whose model was captured as a graph."""
    return launches_held(captured=True)


@contextlib.contextmanager
def _replaced_methods(owner: Any, **methods: Any) -> Iterator[None]:
    for name, method in methods.items():
        setattr(owner, name, method)
    try:
        yield
    finally:
        for name in methods:
            delattr(owner, name)


def _without_times(event_class: type[Any]) -> type[Any]:
    class Event(event_class):  # type: ignore[misc]
        def elapsed_time(self, end_event: Any) -> float:
            raise NotImplementedError("elapsed_time is not supported by XPUEvent.")

    return Event


def _stalling(event_class: type[Any]) -> type[Any]:
    """Who waits for one event, or asks for times, is never woken."""

    class Event(event_class):  # type: ignore[misc]
        def synchronize(self) -> None:
            threading.Event().wait(60.0)

        def elapsed_time(self, end_event: Any) -> float:
            threading.Event().wait(60.0)
            return 0.0

    return Event


CARDS = (
    Presented("ZLUDA", "zluda", True),
    Presented("ROCm", "rocm", True, waits_hold_the_queue),
    Presented("CUDA, without bound", "cuda", True),
    Presented("Intel XPU", "ipex", True, with_event(_without_times)),
    Presented("Apple MPS", "mps", True, with_event(_stalling)),
    Presented("CUDA, holds launches", "cuda", False, launches_held),
    Presented("CUDA, captured model", "cuda", True, captured, host_syncs=False),
    Presented("blocks by itself", "cuda", False, blocking),
)
