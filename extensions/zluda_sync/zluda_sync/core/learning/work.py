"""Work: what is computed in a part of a job. Durations are kept by it, and not by who asked for it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from zluda_sync.core.phase import REFINE, Phase
from zluda_sync.core.progress.memory import LEARNED_EXPONENT, is_lead_in
from zluda_sync.core.progress.part import PartKind
from zluda_sync.core.progress.shape import JobShape

#: How much the time of two kinds of work may differ, as a logarithm, if they are unlike in one thing.
UNLIKENESS = {
    "settings": 0.6,
    "mode": 0.2,
    "sampler": 0.3,
    "guidance": 0.7,
    "batch_size": 0.1,
    "source": 0.2,
    "role": 0.05,
    "scripts": 0.05,
}
#: A refiner is another model than the rest of the job is made with.
ANOTHER_MODEL = 0.7
#: Kinds of work no more unlike than this, and of the same size, take as good as the same time.
AS_GOOD_AS_ALIKE = 0.11
#: Two sizes tell how time grows with size if they are at least this far apart, as a ratio.
TELLING_RATIO = 1.3
#: Bounds of the exponent that two sizes may show: a part that has nothing to do with size, and attention.
LEAST_EXPONENT, MOST_EXPONENT = 0.0, 1.7


@dataclass(frozen=True)
class Work:
    """One kind of work. What does not change its speed is left empty, see :func:`work_of`.

    Attributes:
        device, model, settings, mode, sampler, guidance, batch_size, source, scripts: as of the job's shape.
        phase, role: of the part; see :func:`zluda_sync.core.progress.forecast.lead_in_kind` for one more.
        pixels: what it is done to, in proportion to the values that are computed.
    """

    device: str
    model: str
    settings: str
    mode: str
    sampler: str
    guidance: str
    batch_size: int
    source: str
    scripts: str
    phase: Phase
    role: str
    pixels: int

    @property
    def family(self) -> tuple[str, str, Phase, bool]:
        """What it has to have in common with other work to tell anything of it."""
        return self.device, self.model, self.phase, is_lead_in((self.phase, self.role))

    @property
    def of_anybody(self) -> Work:
        """The same work without the scripts that take part in it."""
        return replace(self, scripts="")

    def unlikeness(self, other: Work) -> float:
        """Return how unlike another work of the family it is, its size aside; 0 only if it is alike."""
        found = sum(
            weight for name, weight in UNLIKENESS.items() if getattr(self, name) != getattr(other, name)
        )
        is_other_model = (self.role == REFINE) != (other.role == REFINE)
        return found + ANOTHER_MODEL * is_other_model


def work_of(shape: JobShape, kind: PartKind, pixels: int) -> Work:
    """Return the work of one part of a job."""
    phase, role = kind
    is_step = phase is Phase.DENOISE and not is_lead_in(kind)
    is_alike_for_all_sources = is_step or phase is Phase.DECODE
    return Work(
        device=shape.device,
        model=shape.model,
        settings=shape.settings,
        mode=shape.mode,
        sampler=shape.sampler if is_step else "",
        guidance=shape.guidance if is_step else "",
        batch_size=shape.batch_size,
        source="" if is_alike_for_all_sources else shape.source,
        scripts=shape.scripts,
        phase=phase,
        role=role,
        pixels=pixels,
    )


def scale(known: Sequence[tuple[int, float]], pixels: int) -> tuple[float, bool]:
    """Return what work takes at a size, from what it takes at others.

    Args:
        known: pixels and seconds, at least one pair, no size twice.
        pixels: size that is asked for.
    Returns:
        Seconds, and whether the size lies among those that are known, and not beyond them.
    """
    by_size = sorted(known)
    below = [pair for pair in by_size if pair[0] <= pixels]
    above = [pair for pair in by_size if pair[0] >= pixels]
    if below and above:
        (low, low_s), (high, high_s) = below[-1], above[0]
        if low == high or min(low_s, high_s) <= 0:
            return low_s, True
        share = math.log(pixels / low) / math.log(high / low)
        return low_s * (high_s / low_s) ** share, True
    nearest, other = (below[-1], below[-2:-1]) if below else (above[0], above[1:2])
    exponent = LEARNED_EXPONENT
    if other:
        ratio, times = nearest[0] / other[0][0], (nearest[1], other[0][1])
        if max(ratio, 1 / ratio) >= TELLING_RATIO and min(times) > 0:
            shown = math.log(times[0] / times[1]) / math.log(ratio)
            exponent = min(max(shown, LEAST_EXPONENT), MOST_EXPONENT)
    return nearest[1] * (pixels / nearest[0]) ** exponent, False
