"""Failures of drivers and hosts, put into the emulated device and the embedded host while a context lasts."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

LATE_BY = EARLY_BY = 2
COMPILING_S = 1.5
STANDS_STILL_S = 1.0
FEW_LAUNCHES = 32
STUCK_LIMIT_S = 60.0


@dataclass(frozen=True)
class Fault:
    """One failure.

    Attributes:
        name: for the table.
        inject: a context in which it is there.
        is_of_device: whether the self-test can meet it.
    """

    name: str
    inject: Callable[[], AbstractContextManager[None]]
    is_of_device: bool = True


@contextlib.contextmanager
def replaced(owner: Any, **values: Any) -> Iterator[None]:
    """A context in which attributes of ``owner`` are others."""
    before = {name: vars(owner).get(name) for name in values}
    for name, value in values.items():
        setattr(owner, name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                delattr(owner, name)
            else:
                setattr(owner, name, value)


def with_event(build: Callable[[type[Any]], type[Any]]) -> Callable[[], AbstractContextManager[None]]:
    """Return what puts another class in the place of the device's events."""

    def inject() -> AbstractContextManager[None]:
        from modules.emulated_device import runtime

        return replaced(runtime, Event=build(runtime.Event))

    return inject


def record_fails(event_class: type[Any]) -> type[Any]:
    """As where ZLUDA has no event record with flags."""

    class Event(event_class):  # type: ignore[misc]
        def record(self, stream: Any = None) -> None:
            raise RuntimeError("CUDA error 801: operation not supported")

    return Event


def record_does_nothing(event_class: type[Any]) -> type[Any]:
    """An event that is never recorded says that it has passed."""

    class Event(event_class):  # type: ignore[misc]
        def record(self, stream: Any = None) -> None:
            pass

    return Event


def query_says(answer: bool) -> Callable[[type[Any]], type[Any]]:
    """Every query gives the same answer."""

    def build(event_class: type[Any]) -> type[Any]:
        class Event(event_class):  # type: ignore[misc]
            def query(self) -> bool:
                return answer

        return Event

    return build


def query_fails_later(event_class: type[Any]) -> type[Any]:
    """Queries begin to fail in the middle of the job."""
    asked: list[None] = []

    class Event(event_class):  # type: ignore[misc]
        def query(self) -> bool:
            asked.append(None)
            if len(asked) > 30:
                raise RuntimeError("CUDA error 999: unknown error")
            return bool(super().query())

    return Event


def query_is_off(steps: int) -> Callable[[type[Any]], type[Any]]:
    """A query answers for the event recorded so many later, or earlier if negative."""

    def build(event_class: type[Any]) -> type[Any]:
        recorded: list[Any] = []

        class Event(event_class):  # type: ignore[misc]
            def record(self, stream: Any = None) -> None:
                super().record(stream)
                self.position = len(recorded)
                recorded.append(self)

            def query(self) -> bool:
                position = self.position + steps
                if position < 0:
                    return True
                return position < len(recorded) and bool(event_class.query(recorded[position]))

        return Event

    return build


def one_thread_at_a_time(event_class: type[Any]) -> type[Any]:
    """As in HIP: whoever calls an event that another thread waits for is held until that wait is over."""

    class Event(event_class):  # type: ignore[misc]
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.held = threading.Lock()

        def query(self) -> bool:
            with self.held:
                return bool(super().query())

        def synchronize(self) -> None:
            with self.held:
                super().synchronize()

    return Event


@contextlib.contextmanager
def synchronize_returns_at_once() -> Iterator[None]:
    """Neither device nor stream nor event waits for anything."""
    from modules.emulated_device import runtime

    with (
        replaced(runtime, synchronize=lambda device=None: None),
        replaced(runtime.Stream, synchronize=lambda stream: None),
        replaced(runtime.Event, synchronize=lambda event: None),
    ):
        yield


@contextlib.contextmanager
def synchronize_hangs() -> Iterator[None]:
    """Neither device nor stream nor event ever comes back from a wait."""
    from modules.emulated_device import runtime

    over = threading.Event()

    def hang(*args: Any) -> None:
        over.wait(STUCK_LIMIT_S)

    try:
        with (
            replaced(runtime, synchronize=hang),
            replaced(runtime.Stream, synchronize=hang),
            replaced(runtime.Event, synchronize=hang),
        ):
            yield
    finally:
        over.set()


@contextlib.contextmanager
def events_of_another_stream() -> Iterator[None]:
    """What is current is an idle stream; the model works on another. Only the device as a whole waits."""
    from modules.emulated_device import runtime

    with (
        replaced(runtime, Event=record_does_nothing(runtime.Event)),
        replaced(runtime.Stream, synchronize=lambda stream: None),
    ):
        yield


@contextlib.contextmanager
def hooked_unet(hook: Callable[[int], None]) -> Iterator[None]:
    """A context in which ``hook`` is called with the count of each step, after it was queued."""
    from modules import shared

    calls: list[None] = []

    def after(*_args: Any) -> None:
        calls.append(None)
        hook(len(calls))

    handle = shared.sd_model.unet.register_forward_hook(after)
    try:
        yield
    finally:
        handle.remove()


def host_synchronizes(every: int) -> Callable[[], AbstractContextManager[None]]:
    """Return a host, or another extension, that waits for the device by itself."""

    def inject() -> AbstractContextManager[None]:
        from modules.emulated_device import runtime

        return hooked_unet(lambda step: runtime.synchronize() if step % every == 0 else None)

    return inject


def host_compiles() -> AbstractContextManager[None]:
    """The launching thread is held in the middle of the second step."""
    return hooked_unet(lambda step: time.sleep(COMPILING_S) if step == 2 else None)


@contextlib.contextmanager
def graph_is_captured() -> Iterator[None]:
    """A graph is recorded around every second step: a mark would spoil it."""
    from modules.emulated_device import runtime

    capturing = threading.Event()

    class Event(runtime.Event):  # type: ignore[misc]
        def record(self, stream: Any = None) -> None:
            if capturing.is_set():
                raise RuntimeError("CUDA error 901: operation failed due to a previous error during capture")
            super().record(stream)

    def toggle(step: int) -> None:
        capturing.set() if step % 2 else capturing.clear()

    with (
        replaced(runtime, Event=Event, is_current_stream_capturing=capturing.is_set),
        hooked_unet(toggle),
    ):
        yield


@contextlib.contextmanager
def device_stands_still() -> Iterator[None]:
    """The device begins nothing for a while, in the middle of the job, and goes on as if nothing had been."""
    from modules.emulated_device import faults

    with contextlib.ExitStack() as over:

        def stand(step: int) -> None:
            if step == 2:
                over.enter_context(faults.hung())
                threading.Timer(STANDS_STILL_S, over.close).start()

        with hooked_unet(stand):
            yield


@contextlib.contextmanager
def device_slows_down() -> Iterator[None]:
    """From the second step on everything takes the device twice as long."""
    from modules.emulated_device import faults

    over = contextlib.ExitStack()
    with over, hooked_unet(lambda step: over.enter_context(faults.slow(2.0)) if step == 2 else None):
        yield


def few_launches() -> AbstractContextManager[None]:
    """A driver that takes less than a step."""
    from modules.emulated_device import faults

    few: AbstractContextManager[None] = faults.launches_limited(FEW_LAUNCHES)
    return few


@contextlib.contextmanager
def legacy_callback() -> Iterator[None]:
    """The pipeline knows the older callback only, which gives neither totals nor a place for a wait."""
    import warnings

    from modules import processing_args

    get_params = processing_args.get_params

    def get_older_params(model: Any) -> list[str]:
        left = [name for name in get_params(model) if not name.startswith("callback_on_step_end")]
        return [*left, "callback", "callback_steps"]

    with warnings.catch_warnings(), replaced(processing_args, get_params=get_older_params):
        warnings.simplefilter("ignore")
        yield


FAULTS = (
    Fault("none", contextlib.nullcontext),
    Fault("event record fails (801)", with_event(record_fails)),
    Fault("event is never recorded", with_event(record_does_nothing)),
    Fault("query always true", with_event(query_says(True))),
    Fault("query never true", with_event(query_says(False))),
    Fault("query fails in mid-job", with_event(query_fails_later)),
    Fault(f"query late by {LATE_BY}", with_event(query_is_off(LATE_BY))),
    Fault(f"query early by {EARLY_BY}", with_event(query_is_off(-EARLY_BY))),
    Fault("one thread per event", with_event(one_thread_at_a_time)),
    Fault("synchronize returns at once", synchronize_returns_at_once),
    Fault("synchronize hangs", synchronize_hangs),
    Fault("events of another stream", events_of_another_stream),
    Fault("host synchronizes each step", host_synchronizes(1), is_of_device=False),
    Fault("host synchronizes sometimes", host_synchronizes(3), is_of_device=False),
    Fault("device stands still", device_stands_still, is_of_device=False),
    Fault("device slows down", device_slows_down, is_of_device=False),
    Fault("driver takes few launches", few_launches, is_of_device=False),
    Fault("legacy callback", legacy_callback, is_of_device=False),
    Fault("graph capture", graph_is_captured, is_of_device=False),
    Fault("compiles in the second step", host_compiles, is_of_device=False),
)
