"""The ledger of one pass: which steps were launched, which are finished, and when."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from zluda_sync.core.clock import SYSTEM_CLOCK, Clock
from zluda_sync.core.errors import LedgerError

#: A silence of the device is unusual after this long, in seconds, and after so many steps.
USUAL_SILENCE_S = 30.0
USUAL_SILENCE_STEPS = 5
#: While nothing is known of the time of a step, in seconds: kernels may be compiled.
FIRST_STEP_S = 120.0


@dataclass(frozen=True)
class LedgerSnapshot:
    """A consistent reading of a ledger: ``0 <= completed <= launched``, and ``launched <= total`` if known.

    Attributes:
        launched: steps that the host has queued.
        completed: steps that the device has finished.
        total: steps of the whole pass, None while unknown.
        launched_at_s: clock reading of each launch, one per launched step.
        completed_at_s: clock reading at which each completion was noticed, one per completed step.
    """

    launched: int
    completed: int
    total: int | None
    launched_at_s: tuple[float, ...]
    completed_at_s: tuple[float, ...]

    @property
    def run_ahead(self) -> int:
        """Steps that are queued and not finished."""
        return self.launched - self.completed


class Ledger:
    """Counts launches and completions of one pass; safe to use from any thread.

    The device is one in-order stream, so the completion of a step completes all before it. Counts can be
    read without the lock, since each is the length of a list that only grows.

    Attributes:
        waits: of the host at the barrier: step that was queued last, clock reading, seconds. Only grows.
    """

    def __init__(self, total: int | None = None, clock: Clock = SYSTEM_CLOCK) -> None:
        self._clock = clock
        self._total = total
        self._launched_at_s: list[float] = []
        self._completed_at_s: list[float] = []
        self._changed = threading.Condition()
        self.waits: list[tuple[int, float, float]] = []

    @property
    def launched(self) -> int:
        """Steps that the host has queued."""
        return len(self._launched_at_s)

    @property
    def completed(self) -> int:
        """Steps that the device has finished."""
        return len(self._completed_at_s)

    @property
    def total(self) -> int | None:
        """Steps of the whole pass, None while unknown."""
        return self._total

    @property
    def last_launched_at_s(self) -> float | None:
        """Clock reading of the newest launch, None before the first."""
        launched = self._launched_at_s
        return launched[-1] if launched else None

    @property
    def last_completed_at_s(self) -> float | None:
        """Clock reading of the newest completion, None before the first."""
        completed = self._completed_at_s
        return completed[-1] if completed else None

    @property
    def mean_step_s(self) -> float | None:
        """What a step took the device on the average, the first one left out; None before the second."""
        completed = self._completed_at_s
        steps = len(completed) - 1
        return (completed[steps] - completed[0]) / steps if steps > 0 else None

    @property
    def unusual_silence_s(self) -> float | None:
        """For how long the device has finished nothing of what it was given; None while that is usual."""
        with self._changed:
            completed = self._completed_at_s
            if len(completed) == len(self._launched_at_s):
                return None
            began_s = self._launched_at_s[len(completed)]
            silence_s = self._clock() - (max(began_s, completed[-1]) if completed else began_s)
        mean_s = self.mean_step_s
        usual_s = FIRST_STEP_S if mean_s is None else max(USUAL_SILENCE_S, USUAL_SILENCE_STEPS * mean_s)
        return silence_s if silence_s > usual_s else None

    @property
    def is_drained(self) -> bool:
        """Whether every launched step is finished."""
        return len(self._completed_at_s) == len(self._launched_at_s)

    def expect_total(self, total: int) -> None:
        """Set how many steps the pass has; never below what was launched already."""
        with self._changed:
            self._total = max(total, len(self._launched_at_s))

    def record_launch(self) -> int:
        """Count one more queued step and return its zero-based index.

        A launch beyond the total raises the total: second-order samplers run more callbacks than the host
        has announced steps.
        """
        with self._changed:
            step = len(self._launched_at_s)
            self._launched_at_s.append(self._clock())
            if self._total is not None and self._total <= step:
                self._total = step + 1
            return step

    def record_completion(self, step: int) -> None:
        """Count ``step`` and all before it as finished; a step that was counted before changes nothing.

        Raises:
            LedgerError: ``step`` was never launched.
        """
        with self._changed:
            if not 0 <= step < len(self._launched_at_s):
                raise LedgerError(
                    f"step {step} cannot finish: {len(self._launched_at_s)} steps were launched"
                )
            missing = step + 1 - len(self._completed_at_s)
            if missing > 0:
                self._completed_at_s.extend([self._clock()] * missing)
                self._changed.notify_all()

    def has_completed(self, step: int) -> bool:
        """Whether the device has finished ``step``."""
        return step < len(self._completed_at_s)

    def now_s(self) -> float:
        """Return the reading of the clock that everything here is timed by."""
        return self._clock()

    def record_wait(self, step: int, began_s: float) -> None:
        """The host has waited since ``began_s``, after it had queued ``step``."""
        self.waits.append((step, began_s, self._clock() - began_s))

    def wait_completed(self, step: int, limit_s: float, given_up: Callable[[], bool] | None = None) -> bool:
        """Block until ``step`` is finished and return True, or False once the wait is pointless.

        Args:
            step: zero-based index of a launched step.
            limit_s: longest wait in seconds.
            given_up: asked on each :meth:`wake`; True ends the wait early.
        """
        with self._changed:
            self._changed.wait_for(
                lambda: step < len(self._completed_at_s) or (given_up is not None and given_up()), limit_s
            )
            return step < len(self._completed_at_s)

    def wake(self) -> None:
        """Make every waiter look again whether its wait is still worth it."""
        with self._changed:
            self._changed.notify_all()

    def snapshot(self) -> LedgerSnapshot:
        """Return a consistent reading."""
        with self._changed:
            return LedgerSnapshot(
                launched=len(self._launched_at_s),
                completed=len(self._completed_at_s),
                total=self._total,
                launched_at_s=tuple(self._launched_at_s),
                completed_at_s=tuple(self._completed_at_s),
            )
