"""A pass that no request tells of: each decoded picture is denoised and decoded again, as by a detailer."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

DETAIL_STEPS = 10
DETAIL_STRENGTH = 0.5


@contextlib.contextmanager
def unforeseen_passes() -> Iterator[None]:
    """A context in which the host's jobs have one more pass for each of their pictures.

    The order of phases is that of SD.Next's detailer: `Detailer` around a whole job from picture to picture.
    """
    from modules import processing, shared

    process_samples = processing.process_samples
    is_in_detailer = False

    def process_samples_in_detail(p: Any, samples: list[Any]) -> tuple[list[Any], list[str]]:
        nonlocal is_in_detailer
        images, infotexts = process_samples(p, samples)
        if is_in_detailer or shared.state.interrupted or shared.state.skipped:  # as SD.Next asks
            return images, infotexts
        detailed = []
        for image in images:
            phase = shared.state.begin("Detailer")
            is_in_detailer = True
            done = processing.process_images_inner(_build_detail(p, image))
            is_in_detailer = False
            shared.state.end(phase)
            detailed += done.images
        return detailed, infotexts

    processing.process_samples = process_samples_in_detail
    try:
        yield
    finally:
        processing.process_samples = process_samples


def _build_detail(p: Any, image: Any) -> Any:
    """Return the job inside the job."""
    from modules import processing

    return processing.StableDiffusionProcessingImg2Img(
        prompt=p.prompt,
        seed=p.seed,
        steps=DETAIL_STEPS,
        width=image.width,
        height=image.height,
        init_images=[image],
        denoising_strength=DETAIL_STRENGTH,
        do_not_save_samples=True,
    )
