"""What the forecast asks of earlier jobs: how long one unit of a kind of part takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from zluda_sync.core.progress.part import Part, PartKind
from zluda_sync.core.progress.shape import Extra
from zluda_sync.core.progress.true_sizes import NOTHING_EXPECTED, Expected

#: Relative uncertainty of an expectation, by where it comes from.
EXACT, OBSERVED, ALIKE, SCALED, GUESSED = 0.03, 0.06, 0.1, 0.2, 0.5
#: How time grows with pixels, as an exponent, between jobs: a little less than in proportion.
LEARNED_EXPONENT = 0.95


@dataclass(frozen=True)
class Rate:
    """An expectation.

    Attributes:
        unit_s: seconds per step of a pass, or of the whole part in other phases.
        spread: relative uncertainty, 0.1 for ten percent.
    """

    unit_s: float
    spread: float

    @property
    def is_guess(self) -> bool:
        """Whether nothing like it was seen: at this size, or at sizes on both sides of it."""
        return self.spread > ALIKE


def lead_in_kind(part: Part) -> PartKind:
    """Return what the time before the first step of a pass is learned under."""
    return part.phase, f"{part.role}{_LEAD_IN}"


def is_lead_in(kind: PartKind) -> bool:
    """Return whether something is learned of the time before the first step, and not of a part."""
    return kind[1].endswith(_LEAD_IN)


_LEAD_IN = " lead-in"


class Memory(Protocol):
    """What earlier jobs have taught."""

    @property
    def extras(self) -> tuple[Extra, ...]:
        """Parts that came unforeseen with the last job of the same shape."""

    @property
    def passes(self) -> Mapping[str, Expected]:
        """What passes are expected to come to, by role; as asked for where nothing is known."""

    def recall(self, kind: PartKind, pixels: int) -> Rate | None:
        """Return what is known of a kind of part at this size, None if nothing is."""


class NothingLearned:
    """The memory of who has seen no job yet."""

    extras: tuple[Extra, ...] = ()
    passes = NOTHING_EXPECTED

    def recall(self, kind: PartKind, pixels: int) -> Rate | None:
        """Return None."""
        return None


NOTHING_LEARNED = NothingLearned()
