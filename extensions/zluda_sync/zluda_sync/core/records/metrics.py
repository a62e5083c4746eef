"""Counters over all jobs of a session, for monitoring, in Prometheus' text format 0.0.4."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from zluda_sync.core.records.job_record import JobRecord, Outcome

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
STEP_BOUNDS_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)
STOP_BOUNDS_S = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
#: How a job can end while the host lives.
_ENDS = tuple(outcome for outcome in Outcome if outcome not in (Outcome.RUNNING, Outcome.LOST))


class JobMetrics:
    """Counts jobs as they end, once each: nothing is counted while one runs. Any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._jobs: dict[Outcome, int] = dict.fromkeys(_ENDS, 0)
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


@dataclass(frozen=True)
class Family:
    """One metric with all its samples.

    Attributes:
        name: with unit, and ``_total`` for a counter.
        kind: counter, gauge or histogram.
        text: what it is, in one line.
        samples: suffix of the name, labels and value of each; none for what is unknown now.
    """

    name: str
    kind: str
    text: str
    samples: tuple[tuple[str, Mapping[str, str], float], ...] = ()

    def write(self) -> str:
        """Return its lines."""
        lines = [f"# HELP {self.name} {_escape(self.text)}", f"# TYPE {self.name} {self.kind}"]
        lines += [
            f"{self.name}{suffix}{_labels(labels)} {_number(value)}" for suffix, labels, value in self.samples
        ]
        return "\n".join(lines) + "\n"


@dataclass
class Histogram:
    """Counts durations by upper bounds. Its owner locks it.

    Attributes:
        bounds_s: upper bounds in seconds, ascending, without the last one, which is infinite.
    """

    bounds_s: Sequence[float]
    _counts: list[int] = field(default_factory=list)
    _sum_s: float = 0.0

    def __post_init__(self) -> None:
        self._counts = [0] * (len(self.bounds_s) + 1)

    def observe(self, seconds: float) -> None:
        """Count one duration."""
        index = next((index for index, bound in enumerate(self.bounds_s) if seconds <= bound), -1)
        self._counts[index] += 1
        self._sum_s += seconds

    def family(self, name: str, text: str) -> Family:
        """Return it as a metric."""
        samples: list[tuple[str, Mapping[str, str], float]] = []
        total = 0
        for bound, count in zip((*self.bounds_s, math.inf), self._counts, strict=True):
            total += count
            samples.append(("_bucket", {"le": _number(bound)}, total))
        samples += [("_sum", {}, self._sum_s), ("_count", {}, total)]
        return Family(name, "histogram", text, tuple(samples))


def write_families(families: Iterable[Family]) -> str:
    """Return the text that a scrape gets."""
    return "".join(family.write() for family in families)


def _counter(name: str, text: str, value: float) -> Family:
    return Family(f"zluda_sync_{name}_total", "counter", text, (("", {}, value),))


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escape(value, quotes=True)}"' for name, value in labels.items()) + "}"


def _escape(text: str, *, quotes: bool = False) -> str:
    escaped = text.replace("\\", "\\\\").replace("\n", "\\n")
    return escaped.replace('"', '\\"') if quotes else escaped


def _number(value: float) -> str:
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if float(value).is_integer() else repr(float(value))
