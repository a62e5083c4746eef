"""When each step of a fixed job was truly finished, learned without the way that is tried.

Three ways, of which the first is taken that agrees with another: timing events, read when all is done; a
value that the device writes into the host's memory, looked at by a thread of the check; and the time of the
whole, which a value that is read back ends, in equal parts, for each step is the same work. The last is taken
by itself only where there is no other.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from zluda_sync.core.clock import Clock
from zluda_sync.core.records.verification import Truth
from zluda_sync.device.steps.accelerator import Accelerator
from zluda_sync.device.steps.sentinel import Sentinel, Witness
from zluda_sync.device.steps.waits import TrialLimits

#: What a driver raises for a call that it does not have, or that fails.
_FAILURES = (AttributeError, RuntimeError, ValueError, TypeError, NotImplementedError)
#: Two ways agree that differ by so much at most, in steps.
AGREE_STEPS = 0.5
_HALVINGS = 40
#: How well the device's time is tied to the host's, in seconds; equal parts are known less well, in steps.
CLOCK_ERROR_S = 0.003
EQUAL_ERROR_STEPS = 0.35
#: A driver that needs longer to tell the time between two events that were reached waits for something else.
READ_EVENTS_LIMIT_S = 2.0


@dataclass(frozen=True)
class TrueTimes:
    """When the steps were finished.

    Attributes:
        at_s: clock reading for each step.
        error_s: how far off these may be, in seconds.
        truth: how they were learned.
    """

    at_s: tuple[float, ...]
    error_s: float
    truth: Truth

    def least(self, now_s: float) -> int:
        """Return how many steps were finished by then for certain."""
        return sum(at_s <= now_s - self.error_s for at_s in self.at_s)

    def most(self, now_s: float) -> int:
        """Return how many steps can have been finished by then."""
        return sum(at_s <= now_s + self.error_s for at_s in self.at_s)


class TruthRecorder:
    """Records one job. All but :meth:`look` is for the thread that queues it; the device is idle at first.

    No driver keeps it waiting for longer than the limits: a kind of device whose events may never tell their
    time is not asked for it.

    Args:
        accelerator: of the device.
        clock: of the host.
        limits: of the check.
        uses_events: whether to ask for timing events at all.

    Attributes:
        has_blocked: whether the driver did not come back when it was asked for the time of its events.
    """

    def __init__(
        self, accelerator: Accelerator, clock: Clock, limits: TrialLimits, uses_events: bool = True
    ) -> None:
        self._accelerator = accelerator
        self._clock = clock
        self._limits = limits
        self.has_blocked = False
        self._sentinel: Sentinel | None = Sentinel(accelerator)
        self._witnesses: list[Witness] = []
        self._seen_at_s: list[float] = []
        self._looking = threading.Lock()
        may_ask = uses_events and accelerator.kind.times_events is not False
        self._events: list[Any] | None = [] if may_ask else None
        self._launches: list[tuple[float, float]] = []
        self._launching_s = 0.0
        self._begun_at_s = clock()
        self._first: Any = None

    def begin(self) -> None:
        """The device is idle, and work is about to be queued."""
        if self._sentinel is not None:  # the first one gets memory, which may wait
            self._plant()
            self._witnesses.clear()
        self._begun_at_s = self._clock()
        self._first = self._record()

    def begin_step(self) -> None:
        """A step is about to be queued."""
        self._launching_s = self._clock()

    def put(self) -> None:
        """A step was queued."""
        self._launches.append((self._launching_s, self._clock()))
        event = self._record()
        if self._events is not None:
            self._events.append(event)
        self._plant()

    def look(self) -> None:
        """See which steps have left their value in memory. Any thread; never waits, and asks no driver."""
        with self._looking:
            for witness in self._witnesses[len(self._seen_at_s) :]:
                if not witness.look():
                    return
                self._seen_at_s.append(self._clock())

    def build(
        self, steps: int, ended_at_s: float, tail_steps: float, read_back: Callable[[], Any]
    ) -> TrueTimes | None:
        """Return when the steps were finished, None if that cannot be told: no two ways agree.

        Args:
            steps: that were queued.
            ended_at_s: when a value was read back behind them.
            tail_steps: how much was queued behind the last of them, in steps.
            read_back: reads a value back anew.
        """
        self.look()
        equal, step_s = build_equal_times(self._launches, ended_at_s, tail_steps)
        seen = tuple(self._seen_at_s) if len(self._seen_at_s) == steps else None
        timed = self._read_events(steps, ended_at_s, read_back)
        tolerance_s = AGREE_STEPS * step_s
        if timed is not None and any(_agree(timed, other, tolerance_s) for other in (seen, equal)):
            return TrueTimes(timed, CLOCK_ERROR_S, Truth.EVENTS)
        if seen is not None and _agree(seen, equal, tolerance_s):
            return TrueTimes(seen, CLOCK_ERROR_S, Truth.MEMORY)
        if timed is not None or seen is not None:
            return None
        return TrueTimes(equal, EQUAL_ERROR_STEPS * step_s, Truth.READ_BACK)

    def _record(self) -> Any:
        if self._events is None:
            return None
        try:
            event = self._accelerator.make_timing_event()
            self._accelerator.record(event)
        except _FAILURES:
            self._events = None
            return None
        return event

    def _plant(self) -> None:
        if self._sentinel is None:
            return
        try:
            witness = self._sentinel.plant(None)
        except _FAILURES:
            self._sentinel = None
            return
        if witness.has_blocked or witness.look() is None:
            self._sentinel = None
        else:
            self._witnesses.append(witness)

    def _read_events(
        self, steps: int, ended_at_s: float, read_back: Callable[[], Any]
    ) -> tuple[float, ...] | None:
        """Place the events on the host's clock: the first lies at the begin, on an idle device."""
        last = self._record()
        read_back()
        events, first = self._events, self._first
        if events is None or first is None or last is None or len(events) != steps:
            return None
        read_s = self._time_events(first, [*events, last])
        if read_s is None:
            return None
        *after_s, span_s = read_s
        at_s = tuple(self._begun_at_s + one for one in after_s)
        is_possible = all(before < after for before, after in itertools.pairwise(at_s))
        # The last event was recorded right after the reading: the two clocks must not drift apart.
        is_tied = abs(self._begun_at_s + span_s - ended_at_s) <= 0.01 + 0.02 * span_s
        return at_s if is_possible and is_tied else None

    def _time_events(self, first: Any, others: Sequence[Any]) -> list[float] | None:
        """Return the seconds from the first event to each other, None if the driver does not tell them.

        Raises:
            CalledOff: somebody else needs the device.
            TimeoutError: the check's time is up.
        """
        read_s: list[float] = []
        call = self._limits.begin_call(
            lambda: read_s.extend(first.elapsed_time(event) / 1000 for event in others)
        )
        try:
            if call.wait(READ_EVENTS_LIMIT_S, lambda: self._limits.is_over):
                return read_s
        except _FAILURES:
            return None
        self._limits.check()
        self.has_blocked = True
        return None


def build_equal_times(
    launches: Sequence[tuple[float, float]], ended_at_s: float, tail_steps: float
) -> tuple[tuple[float, ...], float]:
    """Return when each step was finished if all take the device as long, and how long that is, in seconds.

    The device begins with a step when it has finished the one before, and not before the host has begun to
    queue it.

    Args:
        launches: begin and end of queuing each step.
        ended_at_s: when all was done.
        tail_steps: how much was queued behind the last of them, in steps.
    """
    least_s, most_s = 0.0, ended_at_s - launches[0][0]
    for _ in range(_HALVINGS):
        step_s = (least_s + most_s) / 2
        if _finish(launches, step_s)[-1] + tail_steps * step_s > ended_at_s:
            most_s = step_s
        else:
            least_s = step_s
    return _finish(launches, least_s), least_s


def _finish(launches: Sequence[tuple[float, float]], step_s: float) -> tuple[float, ...]:
    finished_s: list[float] = []
    for begun_s, queued_s in launches:
        free_s = max(finished_s[-1], begun_s) if finished_s else begun_s
        finished_s.append(max(free_s + step_s, queued_s))
    return tuple(finished_s)


def _agree(one: Sequence[float], other: Sequence[float] | None, tolerance_s: float) -> bool:
    return other is not None and all(
        abs(first - second) <= tolerance_s for first, second in zip(one, other, strict=True)
    )
