"""The emulated device, presenting itself to the host as a card of another kind, with what is odd about it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch

from bench.host.faults import replaced, with_event

#: Who gets a lock sooner was not held up by a wait, in seconds.
SHORT_S = 0.005


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
    from modules.emulated_device import QUEUE

    lock = threading.RLock()
    stalls = Stalls()
    enqueue: Any = QUEUE.enqueue
    wait: Any = QUEUE.wait

    def enqueue_in_turn(*args: Any, **kwargs: Any) -> Any:
        if not lock.acquire(timeout=SHORT_S):
            stalls.launches.append(threading.current_thread().name)
            lock.acquire()
        try:
            return enqueue(*args, **kwargs)
        finally:
            lock.release()

    def wait_in_turn(*args: Any) -> Any:
        with lock:
            return wait(*args)

    with _replaced_methods(QUEUE, enqueue=enqueue_in_turn, wait=wait_in_turn):
        yield stalls


def launches_held() -> contextlib.AbstractContextManager[None]:
    """A launch waits while as many are queued as NVIDIA's driver takes."""
    from modules.emulated_device import faults

    held: contextlib.AbstractContextManager[None] = faults.launches_limited()
    return held


def blocking() -> contextlib.AbstractContextManager[None]:
    """Each launch waits until it is done."""
    from modules.emulated_device import faults

    held: contextlib.AbstractContextManager[None] = faults.launches_limited(most=0)
    return held


@contextlib.contextmanager
def captured() -> Iterator[None]:
    """A device that holds launches, whose model was captured: a step of it is one launch."""
    from modules import shared

    with launches_held(), captured_calls(shared.sd_model.unet):
        yield


@contextlib.contextmanager
def captured_calls(module: Any) -> Iterator[None]:
    """A context in which a call of a module replays a graph, captured at the first call of its shapes."""
    graphs: dict[Any, _CapturedCall] = {}
    forward = module.forward

    def replay(*args: Any, **kwargs: Any) -> Any:
        key = _layout_of((args, sorted(kwargs.items())))
        if key not in graphs:
            graphs[key] = _CapturedCall(forward, args, kwargs)
        return graphs[key].replay(args, kwargs)

    module.forward = replay
    try:
        yield
    finally:
        del module.forward


class _CapturedCall:
    def __init__(self, forward: Callable[..., Any], args: Any, kwargs: Any) -> None:
        from modules.emulated_device import runtime

        forward(*args, **kwargs)  # loads what a first call loads; nothing of it may be part of the graph
        self._args, self._kwargs = _map_tensors(lambda tensor: tensor.clone(), (args, kwargs))
        self._graph = runtime.Graph()
        with runtime.graph(self._graph):
            self._result = forward(*self._args, **self._kwargs)

    def replay(self, args: Any, kwargs: Any) -> Any:
        for target, source in zip(
            _tensors((self._args, self._kwargs)), _tensors((args, kwargs)), strict=True
        ):
            target.copy_(source)
        self._graph.replay()
        return self._result


def _map_tensors(fn: Callable[[Any], Any], value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _map_tensors(fn, one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)([_map_tensors(fn, one) for one in value])
    return fn(value) if isinstance(value, torch.Tensor) and value.device.type != "cpu" else value


def _tensors(value: Any) -> list[Any]:
    found: list[Any] = []
    _map_tensors(found.append, value)
    return found


def _layout_of(value: Any) -> str:
    """Return what must be the same in two calls of one graph: all but the values on the device."""
    return repr(_map_tensors(lambda tensor: (tuple(tensor.shape), tensor.stride(), tensor.dtype), value))


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
