"""The ladder: rungs in order of preference; one that fails or lies is left for the rest of the job."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from zluda_sync.core.errors import NoRungLeftError, RungLiedError
from zluda_sync.core.guard import Notices
from zluda_sync.core.records.self_test_report import EVENT_RUNGS, SYNCHRONIZE_RUNGS, SelfTestReport
from zluda_sync.core.steps.policy import SyncMode
from zluda_sync.device.steps.accelerator import Accelerator
from zluda_sync.device.steps.rungs import (
    DeviceSynchronize,
    EventRung,
    LaggedWait,
    PassiveCounter,
    PlantedEvent,
    ReadBack,
    StreamSynchronize,
    SynchronizeRung,
)

Rung = EventRung | SynchronizeRung
#: Called with the rung that failed and its error, by whoever met it.
DemotionListener = Callable[[Rung, Exception], None]
#: Called with what has failed since the last call, and with the rung that took over (None if none is left).
SettledListener = Callable[[Sequence[tuple[Rung, Exception]], "Rung | None"], None]

RUNG_CLASSES: dict[str, type[EventRung | SynchronizeRung]] = {
    rung.name: rung
    for rung in (PassiveCounter, PlantedEvent, LaggedWait, DeviceSynchronize, StreamSynchronize, ReadBack)
}
#: Before a self-test: events that are looked at are checked in use, a counter is not believed unseen.
_UNTESTED_EVENT_RUNGS = (PlantedEvent.name, LaggedWait.name)


def rungs_for(
    mode: SyncMode,
    accelerator: Accelerator,
    report: SelfTestReport | None = None,
    wanted: str | None = None,
) -> tuple[Rung, ...]:
    """Return the rungs to try in ``mode``, best first.

    ``every-step`` begins with what SD.Next has proved on ZLUDA. The others need to tell one step from the
    next, which only event rungs can; where those fail, waiting after each step is the truthful fallback.

    Args:
        mode: the sync mode.
        accelerator: to wait for.
        report: of the self-test; rungs that it caught lying are left out. None if there was no test.
        wanted: name of a rung to try before all others, unless it was caught lying.
    """
    lying: set[str] = set()
    events: tuple[str, ...] = _UNTESTED_EVENT_RUNGS
    waits: tuple[str, ...] = SYNCHRONIZE_RUNGS
    if report is not None:
        lying.update(rung.name for rung in report.rungs if rung.is_truthful is False)
        # A device that blocks by itself proves nothing about events: what was not caught may be tried.
        untested = tuple(name for name in events if name not in lying) if report.is_blocking else ()
        events = report.usable(EVENT_RUNGS) or untested
        # Reading a value back is the last resort, whatever was said of it.
        waits = tuple(name for name in waits if name not in lying or name == ReadBack.name)
    names = waits if mode is SyncMode.EVERY_STEP else (*events, *waits)
    if wanted is not None and wanted not in lying:
        names = (wanted, *(name for name in names if name != wanted))
    if not accelerator.kind.may_wait_beside:
        names = tuple(name for name in names if not RUNG_CLASSES[name].waits_beside)
    return tuple(RUNG_CLASSES[name](accelerator) for name in names)


def marking_rung(accelerator: Accelerator, report: SelfTestReport | None = None) -> EventRung | None:
    """Return the rung for marks that nobody waits for, None if none tells the truth."""
    for rung in rungs_for(SyncMode.OBSERVE, accelerator, report):
        if isinstance(rung, EventRung):
            return rung
    return None


def telling(notices: Notices, warn: Callable[[str], None]) -> SettledListener:
    """Return what says of failed rungs which one has taken over: beside the label, and in the log.

    Args:
        notices: of the job.
        warn: told in one sentence.
    """

    def tell(failed: Sequence[tuple[Rung, Exception]], successor: Rung | None) -> None:
        fallback = f"using {successor.name} instead" if successor else "no way is left to follow this job"
        notices.tell(f"{failed[0][0].name} failed, {fallback}")
        reasons = ", ".join(f"{rung.name} failed ({type(error).__name__}: {error})" for rung, error in failed)
        warn(f"{reasons}; {fallback}")

    return tell


class Ladder:
    """Holds the rung in use; for the queuing thread, the watcher and whoever asks what is in use.

    What is left is a tuple that is replaced as a whole: readers take it once, without the lock.

    Args:
        rungs: best first.
        on_demotion: told of each rung that fails; may be called from any thread.
        on_settled: told of all that failed at one step, once another rung has worked or none is left.
    """

    def __init__(
        self,
        rungs: Sequence[Rung],
        on_demotion: DemotionListener = lambda rung, error: None,
        on_settled: SettledListener = lambda failed, successor: None,
    ) -> None:
        self._rungs = tuple(rungs)
        self._on_demotion = on_demotion
        self._on_settled = on_settled
        self._failed: tuple[tuple[Rung, Exception], ...] = ()
        self._lock = threading.Lock()

    @property
    def current(self) -> Rung:
        """The rung in use.

        Raises:
            NoRungLeftError: every rung has failed.
        """
        rungs = self._rungs
        if not rungs:
            raise NoRungLeftError("no way is left to learn when this device finishes a step")
        return rungs[0]

    @property
    def current_name(self) -> str | None:
        """Name of the rung in use, None if none is left."""
        rungs = self._rungs
        return rungs[0].name if rungs else None

    def has_failed(self, rung: Rung) -> bool:
        """Whether ``rung`` has failed."""
        return all(other is not rung for other in self._rungs)

    def demote(self, rung: Rung, error: Exception) -> None:
        """Leave ``rung`` for the rest of the job; a rung that was left before changes nothing."""
        with self._lock:
            if self.has_failed(rung):
                return
            self._failed = (*self._failed, (rung, error))
            self._rungs = tuple(
                other for other in self._rungs if other is not rung and not _falls_with(other, rung, error)
            )
        self._on_demotion(rung, error)  # without the lock: it may ask what is in use now

    def settle(self) -> None:
        """A step has passed, or the job is over: tell what failed since the last time, if anything did."""
        if not self._failed:
            return
        with self._lock:
            failed, self._failed = self._failed, ()
            rungs = self._rungs
        if failed:
            self._on_settled(list(failed), rungs[0] if rungs else None)


def _falls_with(other: Rung, rung: Rung, error: Exception) -> bool:
    """Whether a rung is not to be tried after another of its kind has not told the truth.

    What made one event lie may make every event lie; a self-test tells them apart, a job is no place for it.
    """
    if isinstance(rung, EventRung):
        return isinstance(error, RungLiedError) and isinstance(other, EventRung)
    is_untrue = isinstance(error, (RungLiedError, TimeoutError))
    return is_untrue and not isinstance(other, (EventRung, ReadBack))
