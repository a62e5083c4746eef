"""What runs and waits in the host, and when each is to begin and to end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from zluda_sync.core.learning.estimate import Estimate, Knowledge, sum_up
from zluda_sync.core.progress.snapshot import ProgressSnapshot
from zluda_sync.host.job.estimator import Estimator
from zluda_sync.host.sdnext import SdNext

#: Tasks whose settings were told are forgotten beyond this many, the oldest first.
MOST_TOLD = 64


class Basis(str, Enum):
    """What is known of a job in the queue: how it goes, its settings, or how long others took of late."""

    PROGRESS = "progress"
    SETTINGS = "settings"
    RECENT = "recent"


@dataclass(frozen=True)
class QueuedJob:
    """A job that runs or waits.

    Attributes:
        task_id: of the page's task, or what a request of the API is called; None if it has no name.
        is_running: whether it runs; else it waits.
        basis: what its length is reckoned from, None where that is unknown.
        starts: when it starts from now, None where a job before it is of unknown length.
        ends: when it ends from now, None where that is unknown.
    """

    task_id: str | None
    is_running: bool
    basis: Basis | None
    starts: Estimate | None
    ends: Estimate | None


NOW = Estimate(0.0, 0.0, 0.0, Knowledge.EXACT)


class Outlook:
    """Looks ahead over the host's queue. The host keeps what waits without its settings: pages tell them.

    Args:
        host: the host.
        find_snapshot: gives the progress of the job that is followed, None if there is none.
        estimator: knows how long jobs take.
        find_waiting: gives what waits by its names, the oldest first.
    """

    def __init__(
        self,
        host: SdNext,
        find_snapshot: Callable[[], ProgressSnapshot | None],
        estimator: Estimator,
        find_waiting: Callable[[], Sequence[str]] = lambda: (),
    ) -> None:
        self._host = host
        self._find_snapshot = find_snapshot
        self._estimator = estimator
        self._find_waiting = find_waiting
        self._told: dict[str, Mapping[str, Any]] = {}  # replaced, never changed: readers take no lock
        self._lock = threading.Lock()

    def record_settings(self, task_id: str, settings: Mapping[str, Any]) -> None:
        """A page has pressed Generate: keep what it asked for until that task is over. Any thread."""
        with self._lock:
            others = {known: told for known, told in self._told.items() if known != task_id}
            self._told = dict([*others.items(), (task_id, settings)][-MOST_TOLD:])

    def look(self) -> tuple[QueuedJob, ...]:
        """Return what runs and waits, in the order in which it comes; any thread."""
        running, tasks = self._host.page_tasks
        known = [name for name in self._find_waiting() if name != running]
        waiting = [*known, *(task_id for task_id in tasks if task_id not in known)]
        found: list[QueuedJob] = []
        ahead: list[Estimate] | None = []
        snapshot = self._find_snapshot()
        if snapshot is not None or running is not None or self._host.is_locked:
            left, basis = self._left_of(running, snapshot)
            found.append(QueuedJob(running, True, basis, NOW, left))
            ahead = [left] if left is not None else None
        for task_id in waiting:
            length, basis = self._length_of(task_id)
            starts = sum_up(ahead) if ahead is not None else None
            ahead = [*ahead, length] if ahead is not None and length is not None else None
            ends = sum_up(ahead) if ahead is not None else None
            found.append(QueuedJob(task_id, False, basis, starts, ends))
        return tuple(found)

    def _left_of(
        self, task_id: str | None, snapshot: ProgressSnapshot | None
    ) -> tuple[Estimate | None, Basis | None]:
        """Return what is left of what runs, and how that is known."""
        if snapshot is not None and snapshot.eta_s is not None:
            spread_s = snapshot.eta_spread_s or 0.0
            low_s = max(0.0, snapshot.eta_s - spread_s)
            left = Estimate(snapshot.eta_s, low_s, snapshot.eta_s + spread_s, Knowledge.EXACT)
            return left, Basis.PROGRESS
        if snapshot is None and task_id is None:
            return None, None  # no picture, perhaps: a model that is loaded
        length, basis = self._length_of(task_id)
        if length is None:
            return None, None
        passed_s = snapshot.elapsed_s if snapshot is not None else 0.0
        low_s, seconds, high_s = (
            max(0.0, one - passed_s) for one in (length.low_s, length.seconds, length.high_s)
        )
        return replace(length, low_s=low_s, seconds=seconds, high_s=high_s), basis

    def _length_of(self, task_id: str | None) -> tuple[Estimate | None, Basis | None]:
        """Return how long a whole job takes, and how that is known."""
        told = self._told.get(task_id) if task_id is not None else None
        if told is not None and (estimate := self._estimator.tell(told)[0]) is not None:
            return estimate, Basis.SETTINGS
        recent = self._estimator.estimate_unknown()
        return recent, (Basis.RECENT if recent is not None else None)
