"""The outcome of a request: what came of it that it does not tell, and what will come of the next like it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from zluda_sync.core.phase import Phase
from zluda_sync.core.progress.part import Part
from zluda_sync.core.progress.shape import MASK, Extra, JobShape, PassShape, find_extras
from zluda_sync.core.progress.true_sizes import Expected


@dataclass(frozen=True)
class Asked:
    """What tells one request from another. How many images it makes does not: each comes out alike."""

    model: str
    sampler: str
    batch_size: int
    passes: tuple[PassShape, ...]
    source: str
    strength: float | None
    scripts: str
    has_detailer: bool

    @classmethod
    def of(cls, shape: JobShape) -> Asked:
        """Return what a job of this shape was asked for."""
        return cls(
            shape.model,
            shape.sampler,
            shape.batch_size,
            shape.passes,
            shape.source,
            shape.strength,
            shape.scripts,
            shape.has_detailer,
        )

    @property
    def base_pixels(self) -> int:
        """Pixels of one batch in its first pass."""
        return self.pixels_of(self.passes[0])

    def pixels_of(self, one: PassShape) -> int:
        """Pixels of one batch in a pass."""
        return max(1, one.width_px * one.height_px * self.batch_size)

    def find(self, role: str) -> PassShape | None:
        """Return the pass of this role, None if none was asked for."""
        return next((one for one in self.passes if one.role == role), None)


@dataclass(frozen=True)
class Outcome:
    """What came of a request.

    Attributes:
        extras: parts that came unforeseen with each image.
        passes: true steps and sizes by role, of passes that were not asked for as well.
    """

    extras: tuple[Extra, ...] = ()
    passes: Mapping[str, Expected] = field(default_factory=dict)


def find_outcome(parts: Sequence[Part]) -> Outcome:
    """Return what came of a request, from the parts of its job."""
    passes = {
        part.role: Expected(part.ledger.total or part.ledger.completed, part.pixels)
        for part in parts
        if part.phase is Phase.DENOISE and part.ledger is not None
    }
    return Outcome(find_extras(parts), passes)


def expect(known: Mapping[Asked, Outcome], asked: Asked) -> Outcome:
    """Return what is expected to come of a request, from what came of this one or of its nearest relative.

    What a script has done belongs to requests with that script and these arguments of it alone.
    """
    if asked in known:
        return known[asked]
    relatives = [one for one in known if _is_related(one, asked)]
    if not relatives:
        return Outcome()
    nearest = min(reversed(relatives), key=lambda one: _distance(one, asked))
    came = known[nearest]
    passes = {role: _transfer(role, one, nearest, asked) for role, one in came.passes.items()}
    # Of requests without either, only the very same one tells what comes unforeseen.
    is_told = bool(asked.scripts or asked.has_detailer) and _what_adds_parts(nearest) == _what_adds_parts(
        asked
    )
    return Outcome(came.extras if is_told else (), passes)


def _is_related(one: Asked, asked: Asked) -> bool:
    is_source_alike = one.source == asked.source or MASK not in (one.source, asked.source)
    return one.model == asked.model and one.scripts in ("", asked.scripts) and is_source_alike


def _distance(one: Asked, other: Asked) -> float:
    names = ("scripts", "has_detailer", "source", "strength", "sampler")
    unlike = sum(getattr(one, name) != getattr(other, name) for name in names)
    return float(unlike) + abs(math.log(one.base_pixels / other.base_pixels))


def _transfer(role: str, came: Expected, nearest: Asked, asked: Asked) -> Expected:
    """Return what a pass comes to that was asked for otherwise: in proportion to what was asked for."""
    before, now = nearest.find(role), asked.find(role)
    if before is None or now is None:
        return came
    pixels = round(asked.pixels_of(now) * came.pixels / nearest.pixels_of(before))
    is_alike = all(
        getattr(nearest, name) == getattr(asked, name)
        for name in ("scripts", "source", "strength", "sampler")
    )
    steps = now.steps
    if is_alike and before.steps and now.steps and came.steps:
        steps = max(1, round(now.steps * came.steps / before.steps))
    return Expected(steps, max(1, pixels))


def _what_adds_parts(asked: Asked) -> tuple[object, ...]:
    return asked.scripts, asked.has_detailer, asked.source, [one.role for one in asked.passes]
