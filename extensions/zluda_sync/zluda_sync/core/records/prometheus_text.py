"""Prometheus' text format, version 0.0.4: families of samples, well escaped."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


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
