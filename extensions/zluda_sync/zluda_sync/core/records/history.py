"""The records of the last jobs, newest first."""

from __future__ import annotations

import threading
from collections import deque
from itertools import count

from zluda_sync.core.records.job_record import JobRecord, Outcome

#: Jobs that are remembered.
MOST_JOBS = 50
#: Steps of all of them together; a step takes about 120 bytes, so all take about 6 MB.
MOST_STEPS = 50_000


class JobHistory:
    """Keeps frozen records, so many and so large at most; the newest always stays. Any thread."""

    def __init__(self) -> None:
        self._records: deque[JobRecord] = deque(maxlen=MOST_JOBS)
        self._numbers = count(1)
        self._lock = threading.Lock()

    def new_id(self) -> str:
        """Return the id of a job that begins: they count up from 1."""
        return str(next(self._numbers))

    def keep(self, record: JobRecord) -> None:
        """Remember a job that has ended; the oldest ones are forgotten for it.

        Raises:
            ValueError: the job still runs.
        """
        if record.outcome is Outcome.RUNNING:
            raise ValueError(f"job {record.id} still runs")
        with self._lock:
            self._records.appendleft(record)
            while len(self._records) > 1 and sum(one.steps for one in self._records) > MOST_STEPS:
                self._records.pop()

    def find(self, job_id: str) -> JobRecord | None:
        """Return the job of this id, None if it is not remembered."""
        with self._lock:
            return next((record for record in self._records if record.id == job_id), None)

    def recent(self, limit: int) -> tuple[JobRecord, ...]:
        """Return so many jobs at most, newest first."""
        with self._lock:
            return tuple(self._records)[: max(limit, 0)]
