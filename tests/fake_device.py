"""A device module that does nothing by itself: the test decides when an event is passed, and what fails."""

from __future__ import annotations

import threading


class FakeEvent:
    """torch.cuda.Event on a :class:`FakeDevice`. An event never recorded queries True."""

    def __init__(self, device: FakeDevice) -> None:
        self._device = device
        self.position: int | None = None
        self.threads: set[int] = set()
        device.events.append(self)

    def record(self, stream: object = None) -> None:
        self._device.call("record")
        self._device.queued += 1
        self.position = self._device.queued

    def query(self) -> bool:
        self.threads.add(threading.get_ident())
        self._device.call("query")
        if self._device.query_says is not None:
            return self._device.query_says
        return self.position is None or self.position <= self._device.finished

    def synchronize(self) -> None:
        self.threads.add(threading.get_ident())
        self._device.call("event.synchronize")
        self._device.wait_for(self.position or 0)


class FakeDevice:
    """An in-order queue of records; stands for ``torch.cuda``.

    Attributes:
        calls: names of the calls, in order.
        failing: calls that raise, as a missing driver function does.
        query_says: what every query answers, None for the truth.
        finishes_on_wait: whether a synchronize completes the queue at once.
    """

    __name__ = "torch.fake"

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.events: list[FakeEvent] = []
        self.failing: set[str] = set()
        self.query_says: bool | None = None
        self.finishes_on_wait = True
        self.queued = 0
        self.finished = 0
        self._changed = threading.Condition()

    def call(self, name: str) -> None:
        self.calls.append(name)
        if name in self.failing:
            raise RuntimeError(f"CUDA error 801: {name} is not supported")

    def finish(self, count: int | None = None) -> None:
        """Let the device reach the ``count``-th record, all of them by default."""
        with self._changed:
            self.finished = self.queued if count is None else count
            self._changed.notify_all()

    def wait_for(self, position: int) -> None:
        if self.finishes_on_wait:
            self.finish(max(position, self.finished))
        with self._changed:
            assert self._changed.wait_for(lambda: self.finished >= position, 30.0), (
                "the test forgot to finish()"
            )

    def Event(self) -> FakeEvent:  # noqa: N802  torch's name
        self.call("Event")
        return FakeEvent(self)

    def current_stream(self, device: object = None) -> FakeDevice:
        self.call("current_stream")
        return self

    def synchronize(self, device: object = None) -> None:
        self.call("synchronize")
        self.wait_for(self.queued)
