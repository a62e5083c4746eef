"""How far off estimates were: from that the range of the next one follows, which eight of ten jobs keep."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from pathlib import Path
from statistics import NormalDist, median
from typing import Any

from zluda_sync.core.files import JsonFile
from zluda_sync.core.learning.durations import Learning
from zluda_sync.core.learning.estimate import Estimate, Foreseen, Knowledge, foresee
from zluda_sync.core.learning.late_saver import LateSaver
from zluda_sync.core.phase import Phase
from zluda_sync.core.progress.job import Job
from zluda_sync.core.progress.shape import JobShape

FORMAT_VERSION = 1
#: Residuals that are kept of each kind of knowledge; the newest, so that a change is followed.
MOST_RESIDUALS = 40
#: Lengths of the last requests, for those that wait and of which nothing else is known.
MOST_RECENT, FEWEST_RECENT = 16, 3
#: A job that took a hundred times as long, or as short, tells no more than that it was far off.
FARTHEST = 4.6
#: Share of the jobs that may end before the range, and after it.
OUTSIDE = 0.1


class Kind(str, Enum):
    """Jobs that tell of each other how far off the estimate was.

    Jobs with a detailer or with scripts tell nothing of those without: it is what these do that takes longer
    or shorter, whatever the rest of the estimate rests on.
    """

    EXACT = Knowledge.EXACT.value
    SCALED = Knowledge.SCALED.value
    GUESSED = Knowledge.GUESSED.value
    DETAILER = "detailer"
    SCRIPT = "script"

    @classmethod
    def of(cls, foreseen: Foreseen) -> Kind:
        """Return which jobs one belongs to that this is foreseen of."""
        if foreseen.has_scripts:
            return cls.SCRIPT
        return cls.DETAILER if foreseen.has_detailer else cls(foreseen.knowledge.value)


#: Kinds that files of earlier versions do not have: they kept these jobs with the others.
_LATER_KINDS = (Kind.DETAILER, Kind.SCRIPT)
#: What residuals are expected to scatter by before there are any, and how many of them that weighs.
PRIOR_SCATTER = {Kind.EXACT: 0.09, Kind.SCALED: 0.13, Kind.GUESSED: 0.5, Kind.DETAILER: 0.3, Kind.SCRIPT: 0.3}
PRIOR_WEIGHT = 4.0
#: After so many residuals the expectation weighs half as much: it is not to blur what is known by then.
PRIOR_HALVED_AFTER = 10
_PRIOR_POINTS = tuple(NormalDist().inv_cdf((index + 0.5) / 40) for index in range(40))
#: The outermost of a few residuals lie further inside than those that are still to come.
FEW_RESIDUALS_SHARE = 0.4
#: One that is off by itself may be an accident: it counts as no further from the next one than so many times
#: what is expected to scatter. The second job that is as far off tells that it is none.
FARTHEST_ALONE = 3.0


def is_usual(job: Job) -> bool:
    """Return whether a job took as long as the next one like it: it loaded no model and compiled nothing."""
    return not any(part.phase is Phase.LOAD or part.has_compiled for part in job.parts)


class Residuals:
    """What finished jobs took by what was foreseen, as logarithms.

    Replaced whole by what is learned, so that readers need no lock.

    Args:
        kept: residuals by kind of job, the newest last.
        recent_s: lengths of the last requests, the newest last.
    """

    def __init__(
        self, kept: Mapping[Kind, Sequence[float]] | None = None, recent_s: Sequence[float] = ()
    ) -> None:
        self._kept = {kind: tuple((kept or {}).get(kind, ()))[-MOST_RESIDUALS:] for kind in Kind}
        self._recent_s = tuple(recent_s)[-MOST_RECENT:]

    def estimate(self, foreseen: Foreseen | None) -> Estimate | None:
        """Return the best guess with its range, None where nothing is foreseen."""
        if foreseen is None:
            return None
        low, middle, high = (
            foreseen.seconds * math.exp(self._quantile(foreseen, share))
            for share in (OUTSIDE, 0.5, 1 - OUTSIDE)
        )
        return Estimate(middle, low, high, foreseen.knowledge)

    def estimate_unknown(self) -> Estimate | None:
        """Return the usual length of a request, for one of which nothing is known; None after too few."""
        if len(self._recent_s) < FEWEST_RECENT:
            return None
        usual_s = median(self._recent_s)
        apart = [math.log(one_s / usual_s) for one_s in self._recent_s]
        near = _draw_in_accidents(apart, PRIOR_SCATTER[Kind.GUESSED])
        low_s, high_s = (usual_s * math.exp(outermost(near)) for outermost in (min, max))
        return Estimate(usual_s, low_s, high_s, Knowledge.GUESSED)

    def learn(self, foreseen: Foreseen | None, took_s: float) -> None:
        """A job has ended that this was foreseen of.

        Nothing is learned where something was left out of it: that came on top, as was told.
        """
        if foreseen is not None and foreseen.is_whole and 0 < took_s < math.inf:
            kind = Kind.of(foreseen)
            residual = max(-FARTHEST, min(math.log(took_s / foreseen.seconds), FARTHEST))
            self._kept = {**self._kept, kind: (*self._kept[kind], residual)[-MOST_RESIDUALS:]}

    def learn_length(self, took_s: float) -> None:
        """A request has ended, all of its cells included."""
        if 0 < took_s < math.inf:
            self._recent_s = (*self._recent_s, took_s)[-MOST_RECENT:]

    def to_json(self) -> dict[str, Any]:
        """Return a tree that :meth:`from_json` reads back."""
        return {
            "version": FORMAT_VERSION,
            "residuals": {kind.value: [round(one, 4) for one in self._kept[kind]] for kind in Kind},
            "recent_s": [round(seconds, 3) for seconds in self._recent_s],
        }

    @classmethod
    def from_json(cls, tree: Any) -> Residuals:
        """Read what :meth:`to_json` wrote.

        Raises:
            ValueError: the tree is of another version, or not of this form.
        """
        try:
            if tree["version"] != FORMAT_VERSION:
                raise ValueError(f"version {tree['version']} is not {FORMAT_VERSION}")
            known = {**dict.fromkeys(_LATER_KINDS, ()), **tree["residuals"]}
            kept = {kind: [float(one) for one in known[kind.value]] for kind in Kind}
            recent_s = [float(seconds) for seconds in tree["recent_s"]]
        except (KeyError, TypeError, AttributeError, OverflowError) as error:
            raise ValueError(f"not of the expected form: {error!r}") from error
        if not all(abs(one) <= FARTHEST for ones in kept.values() for one in ones):
            raise ValueError("a residual is out of all bounds")
        if not all(0 < seconds < math.inf for seconds in recent_s):
            raise ValueError("a job of no possible length")
        return cls(kept, recent_s)

    def _quantile(self, foreseen: Foreseen, share: float) -> float:
        """Return the residual that so many stay below: of those that are kept, and of what was expected."""
        kind = Kind.of(foreseen)
        scatter = max(PRIOR_SCATTER[kind], PRIOR_SCATTER[Kind(foreseen.knowledge.value)])
        kept = _draw_in_accidents(self._kept[kind], scatter)
        of_prior = PRIOR_WEIGHT / (1 + len(kept) / PRIOR_HALVED_AFTER)
        weight, prior = len(kept) + of_prior, of_prior / len(_PRIOR_POINTS)
        if share != 0.5:
            further = FEW_RESIDUALS_SHARE * len(kept) / weight**2
            share += -further if share < 0.5 else further
        points = sorted([(one, 1.0) for one in kept] + [(scatter * z, prior) for z in _PRIOR_POINTS])
        passed, before = 0.0, points[0][0]
        before_at = 0.0
        for value, own in points:
            at = (passed + own / 2) / weight
            if at >= share:
                return before + (value - before) * (share - before_at) / (at - before_at)
            passed, before, before_at = passed + own, value, at
        return before


def _draw_in_accidents(residuals: Sequence[float], scatter: float) -> list[float]:
    """Return residuals in order, the lowest and the highest no further off than one by itself counts.

    Args:
        residuals: in any order.
        scatter: what they are expected to scatter by, around 0.
    """
    in_order, farthest = sorted(residuals), FARTHEST_ALONE * scatter
    low = min([0.0, *in_order[1:2]]) - farthest
    high = max([0.0, *in_order[-2:-1]]) + farthest
    return [min(max(low, one), high) for one in in_order]


class Estimates:
    """Estimates jobs before they begin, and learns at the end of each how far off it was.

    Args:
        learning: knows what earlier jobs took.
        folder: the user's data folder.
        warn: told in one sentence of a file that cannot be used.
        saver: writes the file.

    Attributes:
        learning: the same.
    """

    def __init__(
        self, learning: Learning, folder: Path, warn: Callable[[str], None], saver: LateSaver
    ) -> None:
        file = folder / "zluda_sync" / "estimates.json"
        self._file = JsonFile(file, "how far off estimates were", Residuals.from_json, warn)
        self._saver = saver
        self.learning = learning
        self._residuals: Residuals | None = None
        self._begun: Foreseen | None = None

    def estimate(self, shape: JobShape | None) -> Estimate | None:
        """Return what a job of this shape will take, None where nothing is known. Any thread."""
        return self._loaded().estimate(self._foresee(shape))

    def estimate_unknown(self) -> Estimate | None:
        """Return what a job takes of which nothing is known, None where that cannot be told either."""
        return self._loaded().estimate_unknown()

    def job_begins(self, shape: JobShape | None) -> None:
        """A job of this shape begins: what is foreseen of it now is held against what it takes."""
        self._begun = self._foresee(shape)

    def job_changed(self) -> None:
        """What was asked for has changed after the job began: its length says nothing of the estimate."""
        self._begun = None

    def job_ended(self, job: Job) -> None:
        """A job has ended as it should: keep how far off the estimate was.

        Not where a model was loaded or kernels were compiled on the way: the estimate leaves these out, and
        says so.
        """
        if not is_usual(job):
            return
        residuals = self._loaded()
        residuals.learn(self._begun, job.elapsed_s)
        self._saver.save(self._file, residuals.to_json)

    def request_ended(self, took_s: float) -> None:
        """A request has ended as it should, without anything that happens once: keep how long it took."""
        residuals = self._loaded()
        residuals.learn_length(took_s)
        self._saver.save(self._file, residuals.to_json)

    def _foresee(self, shape: JobShape | None) -> Foreseen | None:
        return foresee(shape, self.learning.memory_for(shape)) if shape is not None else None

    def _loaded(self) -> Residuals:
        if self._residuals is None:
            self._residuals = self._file.load() or Residuals()
        return self._residuals
