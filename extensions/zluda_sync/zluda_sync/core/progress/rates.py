"""Rates: how long one unit of a part is expected to take, from what this job shows and what was learned."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median
from typing import Protocol

from zluda_sync.core.phase import BASE, Phase
from zluda_sync.core.progress.part import Part, PartKind
from zluda_sync.core.progress.shape import Extra

#: How time grows with pixels, as an exponent, between jobs: a little less than in proportion.
LEARNED_EXPONENT = 0.85
#: The same within a job of a kind never seen: nearer to a busy device (1) than to one that mostly waits for
#: launches (0), where either extreme would be far off for the other.
GUESSED_EXPONENT = 0.8
#: Share of a lone first step that is taken for the step itself; the rest is preparation and warming up.
FIRST_STEP_SHARE = 0.5
#: Units of a base step that a phase takes where nothing at all is known of it.
GUESSED_BASE_STEPS = {
    Phase.PREPARE: 0.0,
    Phase.LOAD: 0.0,
    Phase.ENCODE: 0.5,
    Phase.UPSCALE: 0.5,
    Phase.DECODE: 3.0,
    Phase.DETAIL: 3.0,
    Phase.SAVE: 0.3,
}
#: How many observed steps weigh as much as what was learned.
PRIOR_WEIGHT = 2.0
#: Relative uncertainty of an expectation, by where it comes from.
EXACT, OBSERVED, SCALED, GUESSED = 0.03, 0.06, 0.2, 0.5


@dataclass(frozen=True)
class Rate:
    """An expectation.

    Attributes:
        unit_s: seconds per step of a pass, or of the whole part in other phases.
        spread: relative uncertainty, 0.1 for ten percent.
    """

    unit_s: float
    spread: float


def lead_in_kind(part: Part) -> PartKind:
    """Return what the time before the first step of a pass is learned under."""
    return part.phase, f"{part.role} lead-in"


class Memory(Protocol):
    """What earlier jobs have taught."""

    @property
    def extras(self) -> tuple[Extra, ...]:
        """Parts that came unforeseen with the last job of the same shape."""

    def recall(self, kind: PartKind, pixels: int) -> Rate | None:
        """Return what is known of a kind of part at this size, None if nothing is."""


class Rates:
    """Expectations for the parts of one job.

    Args:
        parts: the parts of the job, those under way and over included; read anew at each question.
        memory: what earlier jobs have taught, None if nothing.
    """

    def __init__(self, parts: Iterable[Part], memory: Memory | None = None) -> None:
        self._parts = parts
        self._memory = memory

    def rate_of(self, part: Part) -> Rate | None:
        """Return the expectation for a part, None if there is nothing to go by."""
        prior = self._of_same_kind(part) or self._remembered(part)
        observed = part.unit_durations_s() if part.ledger is not None else []
        if not observed:
            return prior or self._from_another_pass(part) or self._from_base_step(part)
        is_first = part.ledger is not None and part.ledger.completed == 1
        shown = (
            Rate(median(observed) * FIRST_STEP_SHARE, GUESSED)
            if is_first
            else Rate(median(observed), OBSERVED)
        )
        if prior is None:
            return shown
        if is_first:
            return prior
        weight = len(observed) / (len(observed) + PRIOR_WEIGHT)
        return Rate(weight * shown.unit_s + (1 - weight) * prior.unit_s, min(shown.spread, prior.spread))

    def lead_in_of(self, part: Part) -> float:
        """Return how many seconds a pass is expected to take before its first step; 0 if nothing is known."""
        for other in reversed(list(self._parts)):
            lead_in_s = other.lead_in_s() if other is not part and other.kind == part.kind else None
            if lead_in_s is not None:
                return lead_in_s
        recalled = self._memory.recall(lead_in_kind(part), part.pixels) if self._memory is not None else None
        return recalled.unit_s if recalled is not None else 0.0

    def _of_same_kind(self, part: Part) -> Rate | None:
        """What an earlier image of this job has taken."""
        for other in reversed(list(self._parts)):
            is_alike = other.kind == part.kind and not (other.has_compiled and other.ledger is None)
            if other is not part and is_alike and other.is_finished:
                durations = other.unit_durations_s()
                if durations:
                    return Rate(median(durations) * (part.pixels / other.pixels), OBSERVED)
        return None

    def _remembered(self, part: Part) -> Rate | None:
        return self._memory.recall(part.kind, part.pixels) if self._memory is not None else None

    def _from_another_pass(self, part: Part) -> Rate | None:
        """What a step takes in another pass of this job, or was learned to take there."""
        if part.phase is not Phase.DENOISE:
            return None
        for other in reversed(list(self._parts)):
            if other is part or other.ledger is None:
                continue
            durations = other.unit_durations_s()
            if durations:
                return Rate(median(durations) * (part.pixels / other.pixels) ** GUESSED_EXPONENT, GUESSED)
        base = self._memory.recall((Phase.DENOISE, BASE), part.pixels) if self._memory is not None else None
        return Rate(base.unit_s, SCALED) if base is not None else None

    def _from_base_step(self, part: Part) -> Rate | None:
        if part.phase is Phase.DENOISE:
            return None
        step = self._from_another_pass(Part(Phase.DENOISE, part.role, part.image, part.pixels))
        return Rate(step.unit_s * GUESSED_BASE_STEPS[part.phase], GUESSED) if step is not None else None
