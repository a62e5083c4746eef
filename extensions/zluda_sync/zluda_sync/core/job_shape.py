"""The shape of a job: everything that decides how long it takes, and the parts that follow from it."""

from __future__ import annotations

from dataclasses import dataclass, field

from zluda_sync.core.part import Part
from zluda_sync.core.phase import BASE, DETAIL, Phase


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
    """

    device: str = ""
    model: str = ""
    sampler: str = ""
    mode: str = ""
    images: int = 1
    batch_size: int = 1
    passes: tuple[PassShape, ...] = field(default=(PassShape(BASE, None, 512, 512),))
    has_detailer: bool = False

    @property
    def base_pixels(self) -> int:
        """Pixels of one batch in its first pass."""
        return self.pixels_of(self.passes[0])

    def pixels_of(self, shape: PassShape) -> int:
        """Pixels of one batch in a pass."""
        return max(1, shape.width_px * shape.height_px * self.batch_size)


def plan_parts(shape: JobShape) -> list[Part]:
    """Return the parts that a job of this shape is expected to have, in order."""
    parts = [Part(Phase.PREPARE, pixels=shape.base_pixels)]
    for image in range(shape.images):
        for index, pass_shape in enumerate(shape.passes):
            pixels = shape.pixels_of(pass_shape)
            role = pass_shape.role
            if index:
                parts.append(Part(Phase.UPSCALE, role, image, pixels))
            parts.append(Part(Phase.ENCODE, role, image, pixels))
            parts.append(Part(Phase.DENOISE, role, image, pixels, pass_shape.steps))
        parts.append(Part(Phase.DECODE, BASE, image, pixels))
        if shape.has_detailer:
            parts.append(Part(Phase.DETAIL, DETAIL, image, pixels))
        parts.append(Part(Phase.SAVE, BASE, image, pixels))
    return parts
