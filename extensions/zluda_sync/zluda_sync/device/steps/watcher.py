"""The watcher: one daemon thread that turns marks the device has passed into ledger completions.

And the marks that are left for it behind pieces of work that nobody waits for, such as blocks of a decoder.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from typing import Protocol

from zluda_sync.core.clock import SYSTEM_CLOCK, Clock
from zluda_sync.core.steps.ledger import Ledger
from zluda_sync.device.steps.capture_mode import leave_captures_alone
from zluda_sync.device.steps.ladder import Ladder
from zluda_sync.device.steps.rungs import EventRung, Mark
from zluda_sync.device.steps.waits import BlockingWaits

#: Steps of a pass, blocks of a decode, copies of previews: so many are under way at once, and some more.
_LEDGERS_PACED = 6


@dataclass(frozen=True)
class _Marker:
    """A mark behind one step, and where to count its completion."""

    rung: EventRung
    mark: Mark
    ledger: Ledger
    step: int
    ladder: Ladder

    @property
    def is_seen_passed(self) -> bool:
        """Whether the device has passed it, as far as that can be seen without asking the driver."""
        return self.rung.asks_no_driver and self.rung.poll_or_wait(self.mark)


class CompletionWatcher:
    """Looks at the oldest mark until the device has passed it, then at the next.

    Only this thread asks the driver for a mark that was planted. A look that raises demotes the rung, and
    whoever waits for the step is woken to find another way.

    Attributes:
        looks: how often it has looked so far.
    """

    def __init__(self, pacer: PollPacer | None = None, clock: Clock = SYSTEM_CLOCK) -> None:
        self._pacer = pacer or PollPacer()
        self._clock = clock
        self._markers: deque[_Marker] = deque()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._stopping = False
        self._inside: _Marker | None = None
        self.looks = 0

    @property
    def is_running(self) -> bool:
        """Whether the thread lives."""
        thread = self._thread
        return thread is not None and thread.is_alive()

    def watch(self, ladder: Ladder, rung: EventRung, mark: Mark, ledger: Ledger, step: int) -> None:
        """Hand over a mark; the caller must not touch it again. Starts the thread when needed."""
        with self._changed:
            head = self._markers[0] if self._markers else None
            if head is None or head.ledger is not ledger or head.is_seen_passed:
                # Asleep before a mark of the same kind it comes to this one by itself, and woken now it would
                # take the interpreter from the queuing thread in the middle of its step. What it expects of
                # a copy, or of a block of a decode, says nothing of the steps that follow. And steps that are
                # slow beside another program's work are fast once it ends: it would sleep through some.
                self._changed.notify_all()
            self._markers.append(_Marker(rung, mark, ledger, step, ladder))
            if not self.is_running:
                self._stopping = False
                self._thread = threading.Thread(target=self._run, name="zluda_sync-watcher", daemon=True)
                self._thread.start()

    def is_inside(self, rung: EventRung) -> bool:
        """Whether it is inside a call of this rung now, which may not come back."""
        inside = self._inside
        return inside is not None and inside.rung is rung

    def replace_stuck(self, ladder: Ladder) -> None:
        """Go on with another thread if this one is inside a call of a rung that was left.

        A driver's call that never comes back would hold up the marks of every later job.
        """
        with self._changed:
            inside = self._inside
            if inside is not None and inside.ladder is ladder and ladder.has_failed(inside.rung):
                self._markers = deque(marker for marker in self._markers if marker is not inside)
                self._thread = self._inside = None
                if self._markers:
                    self._thread = threading.Thread(target=self._run, name="zluda_sync-watcher", daemon=True)
                    self._thread.start()
            self._changed.notify_all()  # to one asleep before such a mark, too: it is of no more use

    def forget(self, ledger: Ledger) -> None:
        """Drop the marks of a ledger that nobody needs any more."""
        with self._changed:
            self._markers = deque(marker for marker in self._markers if marker.ledger is not ledger)
            self._changed.notify_all()

    def stop(self, limit_s: float = 2.0) -> None:
        """Drop all marks and end the thread; waits at most ``limit_s`` seconds for it."""
        with self._changed:
            self._stopping = True
            self._markers.clear()
            self._changed.notify_all()
            thread = self._thread
            self._thread = self._inside = None
        if thread is not None and thread is not threading.current_thread():
            thread.join(limit_s)

    def _run(self) -> None:
        leave_captures_alone()
        looked_at: _Marker | None = None
        recent_s: deque[float] = deque(maxlen=2)
        head_since_s = unpassed_s = 0.0
        recent_by_ledger: OrderedDict[Ledger, deque[float]] = OrderedDict()
        while True:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._markers) or self._is_dismissed())
                if self._is_dismissed():
                    return
                marker = self._inside = self._markers[0]
            look_s = self._clock()
            if marker is not looked_at:
                # Each ledger by itself: another pass has steps of another size, and copies come between.
                recent_s = recent_by_ledger.setdefault(marker.ledger, deque(maxlen=2))
                if len(recent_by_ledger) > _LEDGERS_PACED:
                    recent_by_ledger.popitem(last=False)
                looked_at, head_since_s, unpassed_s = marker, look_s, look_s
            is_passed = self._is_passed(marker)
            self.looks += 1
            with self._changed:
                if self._is_dismissed():
                    return
                self._inside = None
            if is_passed:
                # It was over at some time since the last look: half of that is taken. With all of it a sleep
                # that was too long would lead to the next one; so it is right again two or three steps later.
                recent_s.append((unpassed_s + self._clock()) / 2 - head_since_s)
                with self._changed:
                    if self._markers and self._markers[0] is marker:
                        self._markers.popleft()
                continue
            unpassed_s = look_s
            # The shorter of the last two: sleeping through the end of a step would let the device run dry,
            # and a first step is long for reasons of its own.
            expected_s = min(recent_s) if len(recent_s) == recent_s.maxlen else None
            delay_s = self._pacer.delay_s(self._clock() - head_since_s, expected_s)
            with self._changed:
                if self._markers and self._markers[0] is marker and not self._stopping:
                    self._changed.wait(delay_s)  # forget(), replace_stuck() and stop() wake it early, too

    def _is_dismissed(self) -> bool:
        """Whether the calling thread is to end: all are, or another has taken its place."""
        return self._stopping or self._thread is not threading.current_thread()

    @staticmethod
    def _is_passed(marker: _Marker) -> bool:
        """Look once; True also when the mark is of no more use because its rung has failed."""
        if marker.ladder.has_failed(marker.rung):
            return True
        try:
            if not marker.rung.poll_or_wait(marker.mark):
                return False
            marker.ledger.record_completion(marker.step)
        except Exception as error:  # noqa: BLE001  drivers fail in every way; the next rung tries
            marker.ladder.demote(marker.rung, error)
            marker.ledger.wake()
        return True


@dataclass(frozen=True)
class DeviceThreads:
    """The threads on which a device is looked at and waited for; all jobs of a process share them.

    Attributes:
        watcher: looks at marks.
        waits: makes the calls that may block for ever.
    """

    watcher: CompletionWatcher = field(default_factory=CompletionWatcher)
    waits: BlockingWaits = field(default_factory=BlockingWaits)

    def stop(self) -> None:
        """End them."""
        self.watcher.stop()
        self.waits.stop()


@dataclass(frozen=True)
class PollPacer:
    """Chooses the sleep between two queries of one event, so that few are wasted and none is late.

    Querying costs a little of the interpreter each time, and on HIP under Windows a tight loop costs a whole
    core. Steps of one pass take about the same time, so the poller sleeps through most of the expected time
    and looks closely only near its end.

    Attributes:
        shortest_s: never sleep less, in seconds.
        longest_s: longest pause between close looks, in seconds: how late a completion may be noticed.
        longest_sleep_s: longest pause before the close looks, in seconds.
        slept_share: share of the expected time that passes before the first close look.
        close_share: sleep between close looks, as share of the expected time.
    """

    shortest_s: float = 0.002
    longest_s: float = 0.020
    longest_sleep_s: float = 1.0
    slept_share: float = 0.85
    close_share: float = 1 / 24

    def delay_s(self, waited_s: float, expected_s: float | None) -> float:
        """Return the next sleep in seconds.

        Args:
            waited_s: time since the device could begin with this step.
            expected_s: time that the step before took, None if there was none.
        """
        if expected_s is None:
            return self.shortest_s if waited_s < self.longest_s else self.longest_s / 2
        close_s = min(max(expected_s * self.close_share, self.shortest_s), self.longest_s)
        return max(min(expected_s * self.slept_share - waited_s, self.longest_sleep_s), close_s)


class Marks(Protocol):
    """Leaves a mark behind each piece of work."""

    @property
    def is_working(self) -> bool:
        """Whether marks have not failed so far."""

    def leave(self, ledger: Ledger) -> None:
        """Count the piece just queued in ``ledger``, and have its completion counted when it comes."""

    def close(self) -> None:
        """Look no more for marks that were left."""


class WorkMarks:
    """Leaves a mark behind each piece of work, and never waits for one.

    Where event rungs fail there are no marks: what they tell is nice to know, and not worth a synchronize.

    Args:
        rung: how to mark, None if no rung tells the truth.
        watcher: looks at the marks.
    """

    def __init__(self, rung: EventRung | None, watcher: CompletionWatcher) -> None:
        self._watcher = watcher
        self._rung = rung
        self._ladder = Ladder([rung] if rung is not None else [])  # the barrier's tells of failures

    @property
    def is_working(self) -> bool:
        """Whether marks have not failed so far."""
        return self._rung is not None and not self._ladder.has_failed(self._rung)

    def distrust(self, name: str, error: Exception) -> None:
        """Leave no more marks if they are of the rung of this name, which was found lying."""
        if self._rung is not None and self._rung.name == name:
            self._ladder.demote(self._rung, error)

    def close(self) -> None:
        """Look no more for marks that were left: their job is over."""
        if self._rung is not None:
            self._ladder.demote(self._rung, InterruptedError("its job is over"))
            self._watcher.replace_stuck(self._ladder)

    def leave(self, ledger: Ledger) -> None:
        """Count the piece just queued in ``ledger``, and have its completion counted when it comes."""
        step = ledger.record_launch()
        rung = self._rung
        if rung is None or self._ladder.has_failed(rung):
            return
        try:
            mark, _ = rung.plant()
            self._watcher.watch(self._ladder, rung, mark, ledger, step)
        except Exception as error:  # noqa: BLE001  drivers fail in every way; then there are no marks
            self._ladder.demote(rung, error)
