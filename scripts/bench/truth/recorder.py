"""What the device truly did, taken without the extension under test.

The recorder wraps the scheduler's `step`, the last thing a pipeline queues for a denoise step, and puts a
mark of its own on the device right behind it. The extension's event comes later in the same queue (the step
callback runs after `scheduler.step`), so a report can never rightly be ahead of these marks.
"""

from __future__ import annotations

import contextlib
import functools
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

from bench.truth.measured_job import PassTruth

DRAIN_TIMEOUT_S = 600.0


class CompletionMarks(Protocol):
    """Marks put on one device, in order."""

    def put(self, on_completed: Callable[[float], None]) -> None:
        """Queue a mark. The time when the device reaches it is told once, by `wait_drained` at the latest."""

    def wait_drained(self) -> None:
        """Return when every mark was reached and told."""


class ImmediateMarks:
    """For a device that has finished when the call returns, as the CPU has."""

    def put(self, on_completed: Callable[[float], None]) -> None:
        """Tell the present time at once."""
        on_completed(time.perf_counter())

    def wait_drained(self) -> None:
        """Nothing is ever pending."""


class EmulatedMarks:
    """For the emulated device: it looks at its own clock when a mark's turn comes."""

    def __init__(self) -> None:
        from modules.emulated_device import QUEUE, enqueue_mark

        self._queue = QUEUE
        self._enqueue_mark = enqueue_mark
        self._last_ticket: int | None = None

    def put(self, on_completed: Callable[[float], None]) -> None:
        """Queue the mark; the device's word for when it was there comes in a thread of its own."""
        self._last_ticket = self._enqueue_mark(lambda time_s, _completed: on_completed(time_s))

    def wait_drained(self) -> None:
        """Wait for the mark queued last."""
        if self._last_ticket is not None and not self._queue.wait(self._last_ticket, DRAIN_TIMEOUT_S):
            raise TimeoutError(f"the emulated device did not finish within {DRAIN_TIMEOUT_S:.0f} s")


class CudaMarks:
    """For CUDA: timing events, read afterwards.

    Nothing polls during the job: a query holds the interpreter's lock and flushes the queue, which would
    change what is measured. The device's clock is tied to this process's clock at the start and again at the
    end, and every event is placed between the two. On ZLUDA's 3.9 fork an event's time is that of its notice,
    so the result is an upper bound there.
    """

    def __init__(self) -> None:
        import torch

        self._cuda: Any = torch.cuda
        self._pending: list[tuple[Any, Callable[[float], None]]] = []
        self._anchor = self._wait_anchor()

    def put(self, on_completed: Callable[[float], None]) -> None:
        """Record a timing event on the current stream."""
        event = self._cuda.Event(enable_timing=True)
        event.record()
        self._pending.append((event, on_completed))

    def wait_drained(self) -> None:
        """Synchronize, then tell every event's time."""
        first_event, first_s = self._anchor
        last_event, last_s = self._anchor = self._wait_anchor()
        device_span_ms = first_event.elapsed_time(last_event)
        scale = (last_s - first_s) / device_span_ms if device_span_ms > 0 else 1e-3
        for event, on_completed in self._pending:
            on_completed(first_s + first_event.elapsed_time(event) * scale)
        self._pending.clear()

    def _wait_anchor(self) -> tuple[Any, float]:
        """Return an event on the idle device and the time just before it was recorded."""
        self._cuda.synchronize()
        event = self._cuda.Event(enable_timing=True)
        recorded_s = time.perf_counter()
        event.record()
        event.synchronize()
        return event, recorded_s


def build_marks(device_type: str) -> CompletionMarks:
    """Return the marks that suit the device type: "emulated", "cuda", anything else counts as synchronous."""
    if device_type == "emulated":
        return EmulatedMarks()
    if device_type == "cuda":
        return CudaMarks()
    return ImmediateMarks()


class TruthRecorder:
    """A context in which every launch and completion of a scheduler's steps is recorded, pass by pass.

    It wraps the scheduler's class, for a host makes a new scheduler for each pass. A pass begins where its
    timesteps are set. On leaving, the class has its own methods again and everything queued has completed.
    """

    def __init__(
        self,
        scheduler_class: type[Any],
        marks: CompletionMarks,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._scheduler_class = scheduler_class
        self._marks = marks
        self._clock = clock
        self._lock = threading.Lock()
        self._launched_s: list[list[float]] = []
        self._completed_s: list[list[float]] = []
        self._pass_begins = True
        self._undo = contextlib.ExitStack()

    def __enter__(self) -> TruthRecorder:
        self._wrap("step", after=self._record_launch)
        self._wrap("set_timesteps", after=self._begin_pass)
        return self

    def __exit__(self, *exception: object) -> None:
        self._undo.close()
        self._marks.wait_drained()

    def passes(self) -> tuple[PassTruth, ...]:
        """Return what is recorded so far."""
        with self._lock:
            return tuple(
                PassTruth(tuple(launched), tuple(completed))
                for launched, completed in zip(self._launched_s, self._completed_s, strict=True)
            )

    def _wrap(self, name: str, after: Callable[[], None]) -> None:
        inherited = name not in vars(self._scheduler_class)
        original = getattr(self._scheduler_class, name)

        # Pipelines look at the signature of `step` to decide what to hand it: `wraps` keeps it.
        @functools.wraps(original)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            result = original(*args, **kwargs)
            after()
            return result

        setattr(self._scheduler_class, name, wrapper)
        if inherited:
            self._undo.callback(delattr, self._scheduler_class, name)
        else:
            self._undo.callback(setattr, self._scheduler_class, name, original)

    def _begin_pass(self) -> None:
        self._pass_begins = True

    def _record_launch(self) -> None:
        with self._lock:
            if self._pass_begins:
                self._launched_s.append([])
                self._completed_s.append([])
                self._pass_begins = False
            self._launched_s[-1].append(self._clock())
            completed_s = self._completed_s[-1]

        def record_completion(time_s: float) -> None:
            with self._lock:
                completed_s.append(time_s)

        self._marks.put(record_completion)
