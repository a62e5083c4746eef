"""What earlier jobs have taught: how long each kind of part takes, per device, model, size and so on."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from zluda_sync.core.files import JsonFile
from zluda_sync.core.phase import Phase
from zluda_sync.core.progress.forecast import EXACT, LEARNED_EXPONENT, SCALED, Rate, lead_in_kind
from zluda_sync.core.progress.job import Job
from zluda_sync.core.progress.part import Part, PartKind
from zluda_sync.core.progress.shape import Extra, JobShape, find_extras

FORMAT_VERSION = 1
MAX_ENTRIES = 200
MAX_SAMPLES = 9
LONGEST_LEAD_IN_STEPS = 6
#: Jobs differ too much in these to be of any use to each other.
_SAME = ("device", "model")


@dataclass(frozen=True)
class KindDurations:
    """Durations of one kind of part: seconds per step of a pass, or per part, at a number of pixels."""

    pixels: int
    unit_s: tuple[float, ...]


@dataclass(frozen=True)
class Entry:
    """What was learned of one shape of job. Replaced whole by what is learned next, and never changed.

    Attributes:
        key: what tells it from others: see :func:`key_of`.
        kinds: durations by kind of part.
        extras: parts that came unforeseen with each image of the last job.
    """

    key: Mapping[str, Any]
    kinds: Mapping[PartKind, KindDurations] = field(default_factory=dict)
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
    """All entries, the most recently used last.

    Read by any thread while a job learns; one job at a time does. What was learned is replaced whole, so that
    readers need no lock and never meet it half changed.
    """

    def __init__(self, entries: Sequence[Entry] = ()) -> None:
        self._entries = tuple(entries)

    def __len__(self) -> int:
        return len(self._entries)

    def memory_for(self, shape: JobShape) -> ShapeMemory:
        """Return what is known for jobs of this shape, from that shape or its nearest relatives."""
        return ShapeMemory(self, shape)

    def learn(self, shape: JobShape, parts: tuple[Part, ...]) -> None:
        """Take over how long the finished parts of a job took."""
        key, entries = key_of(shape), self._entries
        known = next((entry for entry in entries if entry.key == key), None)
        kinds = dict(known.kinds) if known is not None else {}
        for part in parts:
            durations_s = part.unit_durations_s() if part.is_finished else []
            # Of a pass only the first step is spoiled by compilation, and that is left out anyway.
            is_spoiled = part.has_compiled and (part.ledger is None or part.ledger.completed < 2)
            if not durations_s or is_spoiled:
                continue
            _keep(kinds, part.kind, part.pixels, median(durations_s))
            lead_in_s = part.lead_in_s()
            # Beyond a few steps it is no preparation but something that happens once.
            if lead_in_s is not None and lead_in_s <= LONGEST_LEAD_IN_STEPS * median(durations_s):
                _keep(kinds, lead_in_kind(part), part.pixels, lead_in_s)
        others = [entry for entry in entries if entry is not known]
        self._entries = (*others, Entry(key, kinds, find_extras(parts)))[-MAX_ENTRIES:]

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
        entries: list[Entry] = []
        try:
            if tree["version"] != FORMAT_VERSION:
                raise ValueError(f"version {tree['version']} is not {FORMAT_VERSION}")
            for item in tree["entries"][-MAX_ENTRIES:]:
                extras = tuple(
                    Extra(_kind_of(kind), _kind_of(after), None if steps is None else int(steps))
                    for kind, after, steps in item["extras"]
                )
                kinds: dict[PartKind, KindDurations] = {}
                for text, known in item["parts"].items():
                    unit_s = tuple(float(s) for s in known["unit_s"])
                    if not unit_s or not all(0 <= s < math.inf for s in unit_s) or int(known["pixels"]) < 1:
                        raise ValueError(f"{text} has no usable durations")
                    kinds[_kind_of(text)] = KindDurations(int(known["pixels"]), unit_s[-MAX_SAMPLES:])
                entries.append(Entry({name: item[name] for name in key_of(JobShape())}, kinds, extras))
        except (KeyError, TypeError, AttributeError, OverflowError) as error:
            raise ValueError(f"not of the expected form: {error!r}") from error
        return cls(entries)


class ShapeMemory:
    """What is known for one shape of job; serves :class:`zluda_sync.core.progress.forecast.Rates`."""

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


def _distance(known: Mapping[str, Any], wanted: Mapping[str, Any]) -> float:
    """Return how unlike two keys are; 0 only if they are equal. A little unlike in steps is very like."""
    distance = 0.0
    for name, weight in (("sampler", 0.3), ("mode", 0.2), ("batch", 0.2), ("passes", 0.1)):
        if known[name] != wanted[name]:
            distance += weight
    return distance


def _keep(kinds: dict[PartKind, KindDurations], kind: PartKind, pixels: int, unit_s: float) -> None:
    known = kinds.get(kind)
    earlier_s = known.unit_s if known is not None and known.pixels == pixels else ()
    kinds[kind] = KindDurations(pixels, (*earlier_s, unit_s)[-MAX_SAMPLES:])


def _kind_text(kind: PartKind) -> str:
    return f"{kind[0].value}/{kind[1]}"


def _kind_of(text: str) -> PartKind:
    phase, _, role = text.partition("/")
    return Phase(phase), role


class Learning:
    """Loads what was learned when it is first needed, and saves it after each job.

    Args:
        folder: the user's data folder.
        warn: told in one sentence of a file that cannot be used.
    """

    def __init__(self, folder: Path, warn: Callable[[str], None]) -> None:
        file = folder / "zluda_sync" / "durations.json"
        self._file = JsonFile(file, "learned durations", Durations.from_json, warn)
        self._durations: Durations | None = None

    def memory_for(self, shape: JobShape | None) -> ShapeMemory | None:
        """Return what is known for jobs of this shape, None for one of no known shape."""
        return self._loaded().memory_for(shape) if shape is not None else None

    def learn(self, job: Job) -> None:
        """Keep how long the parts of a job took that ended as it should."""
        if job.passes and job.shape is not None:
            self._loaded().learn(job.shape, job.cell_parts)
            self._file.save(self._loaded().to_json())

    def _loaded(self) -> Durations:
        if self._durations is None:
            self._durations = self._file.load() or Durations()
        return self._durations
