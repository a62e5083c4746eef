"""The shape of a job: everything that decides how long it takes, and the parts that follow from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from zluda_sync.core.phase import BASE, DETAIL, Phase
from zluda_sync.core.progress.part import Part, PartKind


@dataclass(frozen=True)
class PassShape:
    """One denoising pass over one batch.

    Attributes:
        role: base, hires, refine or detail.
        steps: loop steps that are expected, None if unknown.
        width_px, height_px: of the picture that it makes.
    """

    role: str
    steps: int | None
    width_px: int
    height_px: int


@dataclass(frozen=True)
class JobShape:
    """What is asked for.

    Attributes:
        device: name of the accelerator, as its driver tells it.
        model: name of the checkpoint.
        sampler: name of the sampler.
        mode: when the host waits.
        images: how many batches are made one after the other.
        batch_size: pictures of one batch.
        passes: denoising passes of each batch, in order.
        has_detailer: whether a detailer looks for things to redo; what it finds is not known before.
        phases: what each batch goes through besides its passes.
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

    @property
    def base_pixels(self) -> int:
        """Pixels of one batch in its first pass."""
        return self.pixels_of(self.passes[0])

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


def plan_parts(shape: JobShape, extras: Sequence[Extra] = (), cell: int = 0) -> list[Part]:
    """Return the parts that a cell of a job is expected to have, in order.

    Args:
        shape: what is asked for.
        extras: parts that came with each image of an earlier job of this shape.
        cell: zero-based index of the cell within the job.
    """
    parts = [Part(Phase.PREPARE, pixels=shape.base_pixels, is_foreseen=True)]
    for image in range(shape.images):
        of_image = _foreseen_parts(shape, image)
        for extra in extras:
            _insert(extra, of_image)
        parts += of_image
    for part in parts:
        part.cell = cell
    return parts


def plan_rest(
    shape: JobShape, begun: Sequence[Part], extras: Sequence[Extra] = (), cell: int = 0
) -> list[Part]:
    """Return the parts that a cell is expected to have besides those that have begun, in order."""
    planned = plan_parts(shape, extras, cell)
    for part in begun:
        same = (one for one in planned if one.place == part.place)
        if (found := next(same, None)) is not None:
            planned.remove(found)
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
            of_image.insert(index + 1, Part(phase, role, before.image, before.pixels, extra.steps))
            return


def _foreseen_parts(shape: JobShape, image: int) -> list[Part]:
    parts: list[Part] = []
    pixels = shape.base_pixels
    for index, one in enumerate(shape.passes):
        pixels = shape.pixels_of(one)
        if index:
            parts.append(Part(Phase.UPSCALE, one.role, image, pixels))
        if Phase.ENCODE in shape.phases:
            parts.append(Part(Phase.ENCODE, one.role, image, pixels))
        parts.append(Part(Phase.DENOISE, one.role, image, pixels, one.steps))
    if Phase.DECODE in shape.phases:
        parts.append(Part(Phase.DECODE, BASE, image, pixels))
    if shape.has_detailer:
        parts.append(Part(Phase.DETAIL, DETAIL, image, pixels))
    if Phase.SAVE in shape.phases:
        parts.append(Part(Phase.SAVE, BASE, image, pixels))
    for part in parts:
        part.is_foreseen = True
    return parts
