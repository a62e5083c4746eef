"""A job as stretches of time, for a bar that shows what is over and what is still to come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from zluda_sync.core.phase import Phase
from zluda_sync.core.progress.forecast import Rates, forecast
from zluda_sync.core.progress.part import Part, group_planned

#: A job of more parts is no picture any more, and would take a poll's time to draw.
MOST_PARTS = 60
#: What takes less than this share of a job is not seen on a bar: it counts to its neighbour.
LEAST_SHARE = 0.01


@dataclass(frozen=True)
class Stretch:
    """A part of a job on a bar.

    Attributes:
        phase: what is done.
        role: base, hires, refine or detail.
        image: zero-based index of its batch.
        share: of the job's whole time, as far as it is known: what is over took it, the rest is expected to.
    """

    phase: Phase
    role: str
    image: int
    share: float


def outline(parts: Sequence[Part], rates: Rates, now_s: float) -> tuple[Stretch, ...]:
    """Return the stretches of a job in their order, their shares adding up to 1.

    Empty where that cannot be told: no part is known, one is of no known length, or there are too many.

    Args:
        parts: of the job, in order.
        rates: expectations for them.
        now_s: the job's clock.
    """
    if not 0 < len(parts) <= MOST_PARTS:
        return ()
    planned_s = {  # one of each sort stands for all: who polls must not pay for every image
        example.sort: _length_s(example, rates, now_s) for example, _count in group_planned(parts)
    }
    lengths_s = [
        planned_s[part.sort] if part.began_at_s is None else _length_s(part, rates, now_s) for part in parts
    ]
    known_s = [length_s for length_s in lengths_s if length_s is not None]
    whole_s = sum(known_s)
    if len(known_s) < len(parts) or whole_s <= 0:
        return ()
    stretches: list[Stretch] = []
    carried = 0.0
    for part, length_s in zip(parts, known_s, strict=True):
        share = carried + length_s / whole_s
        if share < LEAST_SHARE:
            carried = share
            continue
        stretches.append(Stretch(part.phase, part.role, part.image, share))
        carried = 0.0
    if carried:
        stretches[-1] = replace(stretches[-1], share=stretches[-1].share + carried)
    return tuple(stretches)


def _length_s(part: Part, rates: Rates, now_s: float) -> float | None:
    """Return what a part took, or is expected to take from its beginning to its end."""
    began_at_s, finished_at_s = part.device_began_at_s, part.finished_at_s
    if began_at_s is not None and finished_at_s is not None:
        return max(0.0, finished_at_s - began_at_s)
    left = forecast((part,), rates, now_s)
    if left is None:
        return None
    spent_s = max(0.0, now_s - began_at_s) if began_at_s is not None else 0.0
    return spent_s + left.remaining_s
