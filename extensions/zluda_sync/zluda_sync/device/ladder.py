"""The ladder: rungs in order of preference; one that fails is left for the rest of the job."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from zluda_sync.core.barrier import SyncMode
from zluda_sync.core.errors import NoRungLeftError
from zluda_sync.device.accelerator import Accelerator
from zluda_sync.device.rungs import (
    DeviceSynchronize,
    EventRung,
    LaggedWait,
    PlantedEvent,
    ReadBack,
    StreamSynchronize,
    SynchronizeRung,
)

Rung = EventRung | SynchronizeRung
#: Called with the rung that failed, its error, and the rung that takes over (None if none is left).
DemotionListener = Callable[[Rung, Exception, "Rung | None"], None]


def rungs_for(mode: SyncMode, accelerator: Accelerator) -> tuple[Rung, ...]:
    """Return the rungs to try in ``mode``, best first.

    ``every-step`` begins with what SD.Next has proved on ZLUDA. The others need to tell one step from the
    next, which only events can; where those fail, waiting after each step is the truthful fallback.
    """
    waiting: tuple[Rung, ...] = (
        DeviceSynchronize(accelerator),
        StreamSynchronize(accelerator),
        ReadBack(accelerator),
    )
    if mode is SyncMode.EVERY_STEP:
        return waiting
    return (PlantedEvent(accelerator), LaggedWait(accelerator), *waiting)


class Ladder:
    """Holds the rung in use.

    Args:
        rungs: best first.
        on_demotion: told of each rung that fails; may be called from any thread.
    """

    def __init__(self, rungs: Sequence[Rung], on_demotion: DemotionListener) -> None:
        self._rungs = list(rungs)
        self._on_demotion = on_demotion

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

    @property
    def synchronize_rungs(self) -> tuple[SynchronizeRung, ...]:
        """Those of the rungs left that wait for everything queued."""
        return tuple(rung for rung in self._rungs if isinstance(rung, SynchronizeRung))

    def has_left(self, rung: Rung) -> bool:
        """Whether ``rung`` has failed."""
        return all(other is not rung for other in self._rungs)

    def demote(self, rung: Rung, error: Exception) -> None:
        """Leave ``rung`` for the rest of the job; a rung that was left before changes nothing."""
        # Replaced, not mutated: the watcher and the queuing thread read without a lock.
        remaining = [other for other in self._rungs if other is not rung]
        if len(remaining) == len(self._rungs):
            return
        self._rungs = remaining
        self._on_demotion(rung, error, remaining[0] if remaining else None)
