"""A device that is not as fast as it was: a driver update, a power limit, another program for hours.

One slow job proves nothing. Two in a row that are slow by the same ratio, in their steps as in their decode,
are no accident, and no request is to blame: all that is known of the device is of another speed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median

from zluda_sync.core.learning.samples import typical_s
from zluda_sync.core.learning.work import Work
from zluda_sync.core.phase import Phase
from zluda_sync.core.progress.memory import is_lead_in

#: Ratios of speed no further apart than this, as a ratio, are the same.
SAME_RATIO = 1.1
#: A job is of another speed if it took longer or shorter than expected by this ratio.
OTHER_SPEED_RATIO = 1.15


@dataclass(frozen=True)
class Deviation:
    """A job that was slower or faster than expected, throughout.

    Attributes:
        device: that made it.
        ratio: of the time it took to the time it was expected to take.
        works: what it has left a sample of.
    """

    device: str
    ratio: float
    works: frozenset[Work]

    def confirms(self, earlier: Deviation | None) -> bool:
        """Return whether the job before was of the same other speed."""
        return earlier is not None and earlier.device == self.device and _are_same(earlier.ratio, self.ratio)


def find_deviation(
    samples_s: Mapping[Work, float], known: Mapping[Work, tuple[float, ...]]
) -> Deviation | None:
    """Return what tells that a job was of another speed, None if it was not, or if that cannot be told.

    Args:
        samples_s: what its kinds of work took.
        known: what was known of them before.
    """
    ratios: dict[Phase, list[float]] = {Phase.DENOISE: [], Phase.DECODE: []}
    for work, sample_s in samples_s.items():
        is_told = work in known and work.phase in ratios and not is_lead_in((work.phase, work.role))
        if is_told and (expected_s := typical_s(known[work])) > 0:
            ratios[work.phase].append(sample_s / expected_s)
    if not all(ratios.values()):
        return None
    of_steps, of_decode = (median(found) for found in ratios.values())
    ratio = (of_steps * of_decode) ** 0.5
    if not _are_same(of_steps, of_decode) or 1 / OTHER_SPEED_RATIO <= ratio <= OTHER_SPEED_RATIO:
        return None
    return Deviation(next(iter(samples_s)).device, ratio, frozenset(samples_s))


def rescale(known: Mapping[Work, tuple[float, ...]], deviation: Deviation) -> dict[Work, tuple[float, ...]]:
    """Return what is known as it is at another speed; what the job itself has left is so already."""

    def scaled(work: Work, samples_s: tuple[float, ...]) -> tuple[float, ...]:
        if work.device != deviation.device:
            return samples_s
        old = len(samples_s) - (work in deviation.works)
        return (*(one * deviation.ratio for one in samples_s[:old]), *samples_s[old:])

    return {work: scaled(work, samples_s) for work, samples_s in known.items()}


def _are_same(one: float, other: float) -> bool:
    low, high = sorted((one, other))
    return high <= SAME_RATIO * low
