"""What earlier jobs have taught: how long each kind of part takes, per device, model, size and so on."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from zluda_sync.core.job_shape import Extra, JobShape, find_extras
from zluda_sync.core.part import Part, PartKind
from zluda_sync.core.phase import Phase
from zluda_sync.core.rates import EXACT, LEARNED_EXPONENT, SCALED, Rate, lead_in_kind

FORMAT_VERSION = 1
MAX_ENTRIES = 200
MAX_SAMPLES = 9
LONGEST_LEAD_IN_STEPS = 6
#: Jobs differ too much in these to be of any use to each other.
_SAME = ("device", "model")


@dataclass
class KindDurations:
    """Durations of one kind of part: seconds per step of a pass, or per part, at so many pixels."""

    pixels: int
    unit_s: deque[float] = field(default_factory=lambda: deque(maxlen=MAX_SAMPLES))


@dataclass
class Entry:
    """What was learned of one shape of job.

    Attributes:
        key: what tells it from others: see :func:`key_of`.
        kinds: durations by kind of part.
        extras: parts that came unforeseen with each image of the last job.
    """

    key: dict[str, Any]
    kinds: dict[PartKind, KindDurations] = field(default_factory=dict)
    extras: tuple[Extra, ...] = ()


def key_of(shape: JobShape) -> dict[str, Any]:
    """Return the properties under which the durations of a job are kept."""
    return {
        "device": shape.device,
        "model": shape.model,
        "sampler": shape.sampler,
        "mode": shape.mode,
        "batch": shape.batch_size,
        "passes": [[p.role, p.steps, p.width_px, p.height_px] for p in shape.passes],
    }


class Durations:
    """All entries, the most recently used last. Not thread-safe: one job is made at a time."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []

    def __len__(self) -> int:
        return len(self._entries)

    def memory_for(self, shape: JobShape) -> ShapeMemory:
        """Return what is known for jobs of this shape, from that shape or its nearest relatives."""
        return ShapeMemory(self, shape)

    def learn(self, shape: JobShape, parts: tuple[Part, ...]) -> None:
        """Take over how long the finished parts of a job took."""
        key = key_of(shape)
        entry = next((known for known in self._entries if known.key == key), None) or Entry(key)
        if entry in self._entries:
            self._entries.remove(entry)
        self._entries.append(entry)
        del self._entries[:-MAX_ENTRIES]
        entry.extras = find_extras(parts)
        for part in parts:
            durations_s = part.unit_durations_s() if part.is_finished else []
            # Of a pass only the first step is spoiled by compilation, and that is left out anyway.
            is_spoiled = part.has_compiled and (part.ledger is None or part.ledger.completed < 2)
            if not durations_s or is_spoiled:
                continue
            _keep(entry, part.kind, part.pixels, median(durations_s))
            lead_in_s = part.lead_in_s()
            # Beyond a few steps it is no preparation but something that happens once.
            if lead_in_s is not None and lead_in_s <= LONGEST_LEAD_IN_STEPS * median(durations_s):
                _keep(entry, lead_in_kind(part), part.pixels, lead_in_s)

    def extras_of(self, shape: JobShape) -> tuple[Extra, ...]:
        """Return what came unforeseen with the last job of exactly this shape."""
        key = key_of(shape)
        return next((entry.extras for entry in self._entries if entry.key == key), ())

    def find(self, shape: JobShape, kind: PartKind, pixels: int) -> Rate | None:
        """Return the expectation from the entry nearest to a shape that knows the kind of part."""
        key, best = key_of(shape), None
        for entry in reversed(self._entries):
            known = entry.kinds.get(kind)
            if known is None or any(entry.key[name] != key[name] for name in _SAME):
                continue
            distance = _distance(entry.key, key) + abs(math.log(pixels / known.pixels))
            if best is None or distance < best[0]:
                best = (distance, known)
        if best is None:
            return None
        distance, known = best
        # Saving and the like do not grow with the picture as work on the device does.
        unit_s = median(known.unit_s) * (pixels / known.pixels) ** LEARNED_EXPONENT
        return Rate(unit_s, EXACT if distance == 0 else SCALED)

    def to_json(self) -> dict[str, Any]:
        """Return a tree that :meth:`from_json` reads back."""
        return {
            "version": FORMAT_VERSION,
            "entries": [
                {
                    **entry.key,
                    "parts": {
                        _kind_text((phase, role)): {
                            "pixels": known.pixels,
                            "unit_s": [round(s, 5) for s in known.unit_s],
                        }
                        for (phase, role), known in entry.kinds.items()
                    },
                    "extras": [
                        [_kind_text(extra.kind), _kind_text(extra.after), extra.steps]
                        for extra in entry.extras
                    ],
                }
                for entry in self._entries
            ],
        }

    @classmethod
    def from_json(cls, tree: Any) -> Durations:
        """Read what :meth:`to_json` wrote.

        Raises:
            ValueError: the tree is of another version, or not of this form.
        """
        made = cls()
        try:
            if tree["version"] != FORMAT_VERSION:
                raise ValueError(f"version {tree['version']} is not {FORMAT_VERSION}")
            for item in tree["entries"][-MAX_ENTRIES:]:
                key = {name: item[name] for name in key_of(JobShape())}
                entry = Entry(key)
                entry.extras = tuple(
                    Extra(_kind_of(kind), _kind_of(after), None if steps is None else int(steps))
                    for kind, after, steps in item["extras"]
                )
                for text, known in item["parts"].items():
                    unit_s = [float(s) for s in known["unit_s"]]
                    if not unit_s or not all(0 <= s < math.inf for s in unit_s) or int(known["pixels"]) < 1:
                        raise ValueError(f"{text} has no usable durations")
                    kept = KindDurations(int(known["pixels"]))
                    kept.unit_s.extend(unit_s)
                    entry.kinds[_kind_of(text)] = kept
                made._entries.append(entry)
        except (KeyError, TypeError, AttributeError, OverflowError) as error:
            raise ValueError(f"not of the expected form: {error!r}") from error
        return made


class ShapeMemory:
    """What is known for one shape of job; serves :class:`zluda_sync.core.rates.Rates`."""

    def __init__(self, durations: Durations, shape: JobShape) -> None:
        self._durations = durations
        self._shape = shape
        self._recalled: dict[tuple[PartKind, int], Rate | None] = {}  # asked at each poll

    @property
    def extras(self) -> tuple[Extra, ...]:
        """Parts that came unforeseen with the last job of this shape."""
        return self._durations.extras_of(self._shape)

    def recall(self, kind: PartKind, pixels: int) -> Rate | None:
        """Return the expectation for a kind of part, None if nothing comparable was seen."""
        question = kind, pixels
        if question not in self._recalled:
            self._recalled[question] = self._durations.find(self._shape, kind, pixels)
        return self._recalled[question]


def _distance(known: dict[str, Any], wanted: dict[str, Any]) -> float:
    """Return how unlike two keys are; 0 only if they are equal. A little unlike in steps is very like."""
    distance = 0.0
    for name, weight in (("sampler", 0.3), ("mode", 0.2), ("batch", 0.2), ("passes", 0.1)):
        if known[name] != wanted[name]:
            distance += weight
    return distance


def _keep(entry: Entry, kind: PartKind, pixels: int, unit_s: float) -> None:
    known = entry.kinds.get(kind)
    if known is None or known.pixels != pixels:
        known = entry.kinds[kind] = KindDurations(pixels)
    known.unit_s.append(unit_s)


def _kind_text(kind: PartKind) -> str:
    return f"{kind[0].value}/{kind[1]}"


def _kind_of(text: str) -> PartKind:
    phase, _, role = text.partition("/")
    return Phase(phase), role
