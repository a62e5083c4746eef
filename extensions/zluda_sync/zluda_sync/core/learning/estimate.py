"""The estimate before the press: how long a job will take, within which range, and what is not known."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

from zluda_sync.core.phase import DETAIL, Phase
from zluda_sync.core.progress.forecast import forecast_whole
from zluda_sync.core.progress.memory import Memory
from zluda_sync.core.progress.shape import JobShape

#: From the third image on each takes as long as the second: more are not planned to be counted.
_PLANNED_IMAGES = 2
#: Up to this relative spread of the forecast everything was seen before; up to the second, something like it.
_EXACT_SPREAD, _SCALED_SPREAD = 0.08, 0.3
_DETAILING = (Phase.DETAIL, DETAIL)

#: Each has to fit into one line below Generate, about 200 pixels, in every language of the page.
UNKNOWN_MODEL = "time known after the first job"
UNLIKE_ANY = "reckoned from other settings"
MAY_COMPILE = "first job may compile kernels"
MUST_LOAD = "loading the model comes on top"
DETAILER = "the detailer comes on top"
SCRIPT = "the script may change this"


class Knowledge(str, Enum):
    """What an estimate rests on."""

    EXACT = "exact"
    SCALED = "scaled"
    GUESSED = "guessed"


@dataclass(frozen=True)
class Foreseen:
    """What the forecast alone says of a job that has not begun.

    Attributes:
        seconds: that it takes.
        knowledge: what that rests on.
        has_detailer: whether a detailer takes part; what it finds nobody knows before.
        has_scripts: whether scripts take part, which may do anything.
        is_whole: whether something is known of all that follows from the request, and not only of the rest.
    """

    seconds: float
    knowledge: Knowledge
    has_detailer: bool = False
    has_scripts: bool = False
    is_whole: bool = True


@dataclass(frozen=True)
class Estimate:
    """What a user is told of it: eight of ten jobs should end within the range.

    Attributes:
        seconds: the best guess.
        low_s, high_s: the range.
        knowledge: what it rests on.
    """

    seconds: float
    low_s: float
    high_s: float
    knowledge: Knowledge


def foresee(shape: JobShape, memory: Memory | None) -> Foreseen | None:
    """Return what a job of this shape is expected to take, None where nothing is known.

    Args:
        shape: what is asked for.
        memory: what earlier jobs have taught of such.
    """
    if memory is None:
        return None
    planned = min(shape.images, _PLANNED_IMAGES)
    totals = [forecast_whole(replace(shape, images=images), memory) for images in range(1, planned + 1)]
    known = [total for total in totals if total is not None]
    if len(known) < planned or known[-1].remaining_s <= 0:
        return None
    first, more = known[0], shape.images - 1
    seconds, spread_s = first.remaining_s, first.spread_s
    if more:
        seconds += more * (known[1].remaining_s - first.remaining_s)
        spread_s += more * (known[1].spread_s - first.spread_s)
    return Foreseen(
        seconds,
        _knowledge_of(spread_s / seconds),
        has_detailer=shape.has_detailer,
        has_scripts=bool(shape.scripts),
        is_whole=not shape.has_detailer or memory.recall(_DETAILING, shape.base_pixels) is not None,
    )


def sum_up(ahead: Sequence[Estimate]) -> Estimate:
    """Return how long jobs take one after the other: their errors partly make up for each other."""
    seconds = sum(one.seconds for one in ahead)
    below_s = math.hypot(*(one.seconds - one.low_s for one in ahead))
    above_s = math.hypot(*(one.high_s - one.seconds for one in ahead))
    worst = max((one.knowledge for one in ahead), key=list(Knowledge).index, default=Knowledge.EXACT)
    return Estimate(seconds, max(0.0, seconds - below_s), seconds + above_s, worst)


def say_time(seconds: float) -> str:
    """Return a length of time as a person says it: ``4.2 s``, ``42 s``, ``3 min 20 s``, ``1 h 35 min``."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if seconds < 89.5:
        return f"{seconds:.0f} s"
    whole_s = round(seconds)
    if whole_s < 90 * 60:
        minutes, rest_s = divmod(whole_s, 60)
        return f"{minutes} min {rest_s} s" if rest_s else f"{minutes} min"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min"


def say_roughly(seconds: float) -> str:
    """Return a length of time that is far from certain: ``40 s``, ``3 min 20 s``, ``12 min``."""
    if seconds < 89.5:
        return f"{seconds:.0f} s"
    return say_time(10 * round(seconds / 10) if seconds < 295 else 60 * round(seconds / 60))


def say_range(low_s: float, high_s: float) -> str:
    """Return a range in the unit of its end: ``1.8 to 2.4 s``, ``18 to 24 s``, ``1:50 to 2:40``."""
    if high_s < 89.5:
        digits = 1 if high_s < 9.95 else 0
        return f"{low_s:.{digits}f} to {high_s:.{digits}f} s"
    if high_s < 90 * 60:
        return f"{_clock(low_s)} to {_clock(high_s)}"
    return f"{say_time(low_s)} to {say_time(high_s)}"


def say_estimate(estimate: Estimate | None) -> str:
    """Return an estimate in a few words: ``about 2 min 10 s (1:50 to 2:40)``; empty for None."""
    if estimate is None:
        return ""
    return f"about {say_time(estimate.seconds)} ({say_range(estimate.low_s, estimate.high_s)})"


def _knowledge_of(spread: float) -> Knowledge:
    if spread <= _EXACT_SPREAD:
        return Knowledge.EXACT
    return Knowledge.SCALED if spread <= _SCALED_SPREAD else Knowledge.GUESSED


def _clock(seconds: float) -> str:
    minutes, rest_s = divmod(round(seconds), 60)
    return f"{minutes}:{rest_s:02d}"
