"""What earlier jobs have taught: how long each kind of work takes, and what came of each kind of request."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from statistics import median
from typing import Any

from zluda_sync.core.files import JsonFile
from zluda_sync.core.learning.durations_json import read_tree, write_tree
from zluda_sync.core.learning.late_saver import LateSaver
from zluda_sync.core.learning.outcome import Asked, Outcome, expect, find_outcome
from zluda_sync.core.learning.samples import KEPT_SAMPLES, agree, typical_s
from zluda_sync.core.learning.speed_change import Deviation, find_deviation, rescale
from zluda_sync.core.learning.work import AS_GOOD_AS_ALIKE, Work, scale, work_of
from zluda_sync.core.progress.job import Job
from zluda_sync.core.progress.memory import ALIKE, EXACT, SCALED, Rate, lead_in_kind
from zluda_sync.core.progress.part import Part, PartKind
from zluda_sync.core.progress.shape import Extra, JobShape
from zluda_sync.core.progress.true_sizes import Expected

#: Kinds of work that are kept, a handful for each kind of job, and kinds of requests.
MAX_ENTRIES = 1000
MAX_REQUESTS = 200
LONGEST_LEAD_IN_STEPS = 6


@dataclass(frozen=True)
class _Known:
    """All that is known, the most recently learned last. Replaced whole, never changed."""

    work: Mapping[Work, tuple[float, ...]] = field(default_factory=dict)
    requests: Mapping[Asked, Outcome] = field(default_factory=dict)
    deviation: Deviation | None = None
    """Of the last job, until another one tells whether that was an accident."""

    @cached_property
    def families(self) -> Mapping[Any, list[Work]]:
        """Work that may tell something of each other, by what it has in common."""
        found: dict[Any, list[Work]] = defaultdict(list)
        for work in self.work:
            found[work.family].append(work)
        return found


class Durations:
    """What each kind of work took in the last jobs, and what came of each kind of request.

    Read by any thread while a job learns; one job at a time does. What was learned is replaced whole, so that
    readers need no lock and never meet it half changed.
    """

    def __init__(self, known: _Known | None = None) -> None:
        self._known = known or _Known()

    def __len__(self) -> int:
        return len(self._known.work)

    def memory_for(self, shape: JobShape) -> ShapeMemory:
        """Return what is known for jobs of this shape, from that shape or its nearest relatives."""
        return ShapeMemory(self, shape)

    def learn(self, shape: JobShape, parts: tuple[Part, ...]) -> None:
        """Take over how long the finished parts of a job took, and what came of its request."""
        known = self._known
        work, requests = dict(known.work), dict(known.requests)
        measured = {found: median(durations_s) for found, durations_s in _measure(shape, parts).items()}
        samples_s = {_keeper_of(found, sample_s, work): sample_s for found, sample_s in measured.items()}
        deviation = find_deviation(samples_s, work)
        if known.deviation is not None and deviation is not None and deviation.confirms(known.deviation):
            work, deviation = rescale(work, known.deviation), None
        for kept, sample_s in samples_s.items():
            work[kept] = (*work.pop(kept, ()), sample_s)[-KEPT_SAMPLES:]
        asked = Asked.of(shape)
        requests.pop(asked, None)
        requests[asked] = find_outcome(parts)
        self._known = _Known(
            dict([*work.items()][-MAX_ENTRIES:]), dict([*requests.items()][-MAX_REQUESTS:]), deviation
        )

    def outcome_of(self, shape: JobShape) -> Outcome:
        """Return what is expected to come of a request for this shape that it does not tell."""
        return expect(self._known.requests, Asked.of(shape))

    def find(self, shape: JobShape, kind: PartKind, pixels: int) -> Rate | None:
        """Return the expectation for a part: of that very work, else scaled from work like it, else None."""
        known, wanted = self._known, work_of(shape, kind, pixels)
        for work in (wanted, wanted.of_anybody):
            if work in known.work:
                return Rate(typical_s(known.work[work]), EXACT)
        family = known.families.get(wanted.family)
        if not family:
            return None
        # Of two that are as near, the newer one.
        nearest = min(
            reversed(family),
            key=lambda work: work.unlikeness(wanted) + abs(math.log(work.pixels / wanted.pixels)),
        )
        alike = [work for work in family if work.unlikeness(nearest) == 0]
        unit_s, is_between = scale([(work.pixels, typical_s(known.work[work])) for work in alike], pixels)
        is_good = is_between and nearest.unlikeness(wanted) <= AS_GOOD_AS_ALIKE
        return Rate(unit_s, ALIKE if is_good else SCALED)

    def to_json(self) -> dict[str, Any]:
        """Return a tree that :meth:`from_json` reads back."""
        known = self._known  # of one moment
        return write_tree(known.work, known.requests)

    @classmethod
    def from_json(cls, tree: Any) -> Durations:
        """Read what :meth:`to_json` wrote.

        Raises:
            ValueError: the tree is of another version, or not of this form.
        """
        work, requests = read_tree(tree)
        return cls(_Known(dict([*work.items()][-MAX_ENTRIES:]), dict([*requests.items()][-MAX_REQUESTS:])))


def _measure(shape: JobShape, parts: tuple[Part, ...]) -> dict[Work, list[float]]:
    """Return what each kind of work took in a job, as often as it was done."""
    found: dict[Work, list[float]] = defaultdict(list)
    for part in parts:
        durations_s = part.unit_durations_s() if part.is_finished else []
        # Of a pass only the first step is spoiled by compilation, and that is left out anyway.
        is_spoiled = part.has_compiled and (part.ledger is None or part.ledger.completed < 2)
        if not durations_s or is_spoiled:
            continue
        unit_s = median(durations_s)
        found[work_of(shape, part.kind, part.pixels)].append(unit_s)
        lead_in_s = part.lead_in_s()
        # Beyond a few steps it is no preparation but something that happens once.
        if lead_in_s is not None and lead_in_s <= LONGEST_LEAD_IN_STEPS * unit_s:
            found[work_of(shape, lead_in_kind(part), part.pixels)].append(lead_in_s)
    return found


def _keeper_of(found: Work, sample_s: float, known: Mapping[Work, tuple[float, ...]]) -> Work:
    """Return what a sample is kept under: scripts have work of their own only where it takes other times."""
    general = found.of_anybody
    if found not in known and general in known and agree(typical_s(known[general]), sample_s):
        return general
    return found


class ShapeMemory:
    """What is known for one shape of job; serves :class:`zluda_sync.core.progress.forecast.Rates`."""

    def __init__(self, durations: Durations, shape: JobShape) -> None:
        self._durations = durations
        self._shape = shape
        self._recalled: dict[tuple[PartKind, int], Rate | None] = {}  # asked at each poll

    @property
    def extras(self) -> tuple[Extra, ...]:
        """Parts that are expected to come unforeseen with each image."""
        return self._outcome.extras

    @property
    def passes(self) -> Mapping[str, Expected]:
        """What passes are expected to come to, by role; as asked for where nothing is known."""
        return self._outcome.passes

    @cached_property
    def _outcome(self) -> Outcome:
        return self._durations.outcome_of(self._shape)

    def recall(self, kind: PartKind, pixels: int) -> Rate | None:
        """Return the expectation for a kind of part, None if nothing comparable was seen."""
        question = kind, pixels
        if question not in self._recalled:
            self._recalled[question] = self._durations.find(self._shape, kind, pixels)
        return self._recalled[question]


class Learning:
    """Loads what was learned when it is first needed, and has it saved soon after each job.

    Args:
        folder: the user's data folder.
        warn: told in one sentence of a file that cannot be used.
        saver: writes the file.
    """

    def __init__(self, folder: Path, warn: Callable[[str], None], saver: LateSaver) -> None:
        file = folder / "zluda_sync" / "durations.json"
        self._file = JsonFile(file, "learned durations", Durations.from_json, warn)
        self._saver = saver
        self._durations: Durations | None = None

    def memory_for(self, shape: JobShape | None) -> ShapeMemory | None:
        """Return what is known for jobs of this shape, None for one of no known shape."""
        return self._loaded().memory_for(shape) if shape is not None else None

    def learn(self, job: Job) -> None:
        """Keep how long the parts of a job took that ended as it should; waits for no disk."""
        shape = job.shape
        if shape is not None and (job.passes or not shape.is_denoised):
            durations = self._loaded()
            durations.learn(shape, job.cell_parts)
            self._saver.save(self._file, durations.to_json)

    def _loaded(self) -> Durations:
        if self._durations is None:
            self._durations = self._file.load() or Durations()
        return self._durations
