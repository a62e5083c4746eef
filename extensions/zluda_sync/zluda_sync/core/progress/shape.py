"""The shape of a job: everything that decides how long it takes, and the parts that follow from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from zluda_sync.core.phase import BASE, DETAIL, Phase
from zluda_sync.core.progress.part import Part, PartKind
from zluda_sync.core.progress.true_sizes import NOTHING_EXPECTED, Expected, TrueSizes

#: What a job begins with besides its prompt.
IMAGE, MASK = "image", "image and mask"
#: Phases that are asked for by themselves, and in which nothing of a request for pictures is told.
_ALONE = frozenset({Phase.UPSCALE, Phase.LOAD, Phase.DETAIL, Phase.CAPTION})
#: What comes once pictures, or the frames of a film, are made; in order.
_AFTER_PICTURES = (Phase.SAVE, Phase.INTERPOLATE, Phase.EXPORT)


@dataclass(frozen=True)
class PassShape:
    """One denoising pass over one batch.

    Attributes:
        role: base, hires, refine or detail.
        steps: loop steps that are expected, None if unknown.
        width_px, height_px: of the picture that it makes.
        is_from_picture: whether it begins with a picture that the pass before it has made, decoded and
            resized; else with what that has left.
    """

    role: str
    steps: int | None
    width_px: int
    height_px: int
    is_from_picture: bool = False


@dataclass(frozen=True)
class JobShape:
    """What is asked for.

    Attributes:
        device: name of the accelerator, as its driver tells it.
        model: name of the checkpoint.
        sampler: name of the sampler.
        mode: when the host waits.
        images: how many batches are made one after the other.
        batch_size: pictures of one batch, or frames of a film.
        passes: denoising passes of each batch, in order.
        has_detailer: whether a detailer looks for things to redo; what it finds is not known before.
        phases: what each batch goes through besides its passes.
        settings: what tells the settings that change speed from others: precision, attention, compilation.
        guidance: what makes a step compute more than once, empty if nothing is known of it.
        source: what it begins with: empty for nothing but a prompt, else IMAGE or MASK.
        strength: how much of that is made anew, None without one.
        scripts: what tells the scripts that take part, and their arguments, from others; empty for none.
    """

    device: str = ""
    model: str = ""
    sampler: str = ""
    mode: str = ""
    images: int = 1
    batch_size: int = 1
    passes: tuple[PassShape, ...] = field(default=(PassShape(BASE, None, 512, 512),))
    has_detailer: bool = False
    phases: tuple[Phase, ...] = (Phase.ENCODE, Phase.DECODE, Phase.SAVE)
    settings: str = ""
    guidance: str = ""
    source: str = ""
    strength: float | None = None
    scripts: str = ""

    @property
    def is_denoised(self) -> bool:
        """Whether pictures are made; else there are the phases alone, and the pass tells but a size."""
        return _ALONE.isdisjoint(self.phases)

    @property
    def base_pixels(self) -> int:
        """Pixels of one batch in its first pass."""
        return self.pixels_of(self.passes[0])

    @property
    def asked_pixels(self) -> dict[str, int]:
        """Pixels of one batch in each pass as they are asked for, by role."""
        return {one.role: self.pixels_of(one) for one in self.passes}

    def pixels_of(self, shape: PassShape) -> int:
        """Pixels of one batch in a pass."""
        return max(1, shape.width_px * shape.height_px * self.batch_size)


@dataclass(frozen=True)
class Extra:
    """A part that does not follow from the request, but came when a job of the same shape was made.

    Attributes:
        kind: phase and role.
        after: kind of the part that it came after, in the same image.
        steps: of a denoising pass, None for other phases.
    """

    kind: PartKind
    after: PartKind
    steps: int | None = None


def plan_parts(
    shape: JobShape,
    extras: Sequence[Extra] = (),
    expected: Mapping[str, Expected] = NOTHING_EXPECTED,
    cell: int = 0,
) -> list[Part]:
    """Return the parts that a cell of a job is expected to have, in order.

    Args:
        shape: what is asked for.
        extras: parts that came with each image of an earlier job of this shape.
        expected: what the passes of such jobs came to, by role; as asked for where that is unknown.
        cell: zero-based index of the cell within the job.
    """
    sizes = TrueSizes(shape.asked_pixels, expected)
    parts = [Part(Phase.PREPARE, is_foreseen=True)]
    for image in range(shape.images):
        of_image = _foreseen_parts(shape, image)
        for extra in extras:
            _insert(extra, of_image)
        parts += of_image
    sizes.apply(parts)
    for part in parts:
        part.cell = cell
        if part.phase is Phase.DENOISE and part.role in expected:
            part.steps = expected[part.role].steps or part.steps
    return parts


def plan_rest(
    shape: JobShape,
    begun: Sequence[Part],
    extras: Sequence[Extra] = (),
    expected: Mapping[str, Expected] = NOTHING_EXPECTED,
    cell: int = 0,
) -> list[Part]:
    """Return the parts that a cell is expected to have besides those that have begun, in order."""
    planned = plan_parts(shape, extras, expected, cell)
    for part in begun:
        same = (one for one in planned if one.place == part.place)
        if (found := next(same, None)) is not None:
            planned.remove(found)
    for part in planned:
        # What was asked for came to another number of steps in this job: so it will again.
        alike = (one for one in begun if (one.kind, one.steps) == (part.kind, part.steps))
        ledger = next((one.ledger for one in alike if one.ledger is not None), None)
        if ledger is not None:
            part.steps = ledger.total or part.steps
    return planned


def find_extras(parts: Sequence[Part]) -> tuple[Extra, ...]:
    """Return what came unforeseen with the last image of a job."""
    begun = [part for part in parts if part.began_at_s is not None]
    last = [part for part in begun if part.image == begun[-1].image] if begun else []
    return tuple(
        Extra(part.kind, before.kind, part.ledger.total if part.ledger is not None else None)
        for before, part in pairwise(last)
        if not part.is_foreseen and part.phase not in (Phase.LOAD, Phase.PREPARE)
    )


def _insert(extra: Extra, of_image: list[Part]) -> None:
    phase, role = extra.kind
    for index in range(len(of_image) - 1, -1, -1):
        before = of_image[index]
        if before.kind == extra.after:
            of_image.insert(index + 1, Part(phase, role, before.image, steps=extra.steps))
            return


def _foreseen_parts(shape: JobShape, image: int) -> list[Part]:
    if not shape.is_denoised:
        role = shape.passes[0].role
        return [Part(phase, role, image, is_foreseen=True) for phase in shape.phases]
    parts: list[Part] = []
    for index, one in enumerate(shape.passes):
        if index:
            parts.append(Part(Phase.UPSCALE, one.role, image))
        if index and one.is_from_picture:
            parts.append(Part(Phase.DECODE, one.role, image))
        if Phase.ENCODE in shape.phases:
            parts.append(Part(Phase.ENCODE, one.role, image))
        parts.append(Part(Phase.DENOISE, one.role, image, steps=one.steps))
    if Phase.DECODE in shape.phases:
        parts.append(Part(Phase.DECODE, BASE, image))
    if shape.has_detailer:
        parts.append(Part(Phase.DETAIL, DETAIL, image))
    parts += [Part(phase, BASE, image) for phase in _AFTER_PICTURES if phase in shape.phases]
    for part in parts:
        part.is_foreseen = True
    return parts
