"""Counters over all jobs of a session, for monitoring."""

from __future__ import annotations

import threading

from zluda_sync.core.records.job_record import JobRecord, Outcome
from zluda_sync.core.records.prometheus_text import Family, Histogram

STEP_BOUNDS_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)
STOP_BOUNDS_S = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class JobMetrics:
    """Counts jobs as they end, once each: nothing is counted while one runs. Any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._jobs: dict[Outcome, int] = {outcome: 0 for outcome in Outcome if outcome is not Outcome.RUNNING}
        self._steps = self._previews = self._stops = 0
        self._wait_s = self._preview_s = 0.0
        self._step_durations = Histogram(STEP_BOUNDS_S)
        self._stop_durations = Histogram(STOP_BOUNDS_S)

    def count(self, record: JobRecord) -> None:
        """A job has ended."""
        with self._lock:
            self._jobs[record.outcome] += 1
            self._steps += record.steps
            self._wait_s += record.wait_s
            self._previews += len(record.previews)
            self._preview_s += record.preview_s
            for part in record.parts:
                for step_s in part.step_s:
                    self._step_durations.observe(step_s)
            if record.stop is not None:
                self._stops += 1
                self._stop_durations.observe(record.stop.ended_s)

    def families(self) -> list[Family]:
        """Return what has been counted so far."""
        with self._lock:
            jobs = tuple(("", {"outcome": outcome.value}, count) for outcome, count in self._jobs.items())
            return [
                Family("zluda_sync_jobs_total", "counter", "Jobs that have ended.", jobs),
                _counter(
                    "steps", "Denoising steps that the device has finished, of ended jobs.", self._steps
                ),
                _counter("barrier_wait_seconds", "Time that the host waited for the device.", self._wait_s),
                _counter("preview_seconds", "Time that previews took the host.", self._preview_s),
                _counter("previews", "Previews that were queued.", self._previews),
                _counter("stops", "Jobs that were stopped.", self._stops),
                self._step_durations.family("zluda_sync_step_seconds", "Device time of a denoising step."),
                self._stop_durations.family(
                    "zluda_sync_stop_seconds", "From the press of Stop to the end of the job."
                ),
            ]


def _counter(name: str, text: str, value: float) -> Family:
    return Family(f"zluda_sync_{name}_total", "counter", text, (("", {}, value),))
