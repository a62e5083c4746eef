"""A preview as clients get it: an image with a number, encoded once for all who ask."""

from __future__ import annotations

import base64
import io
import math
from typing import Any

import numpy as np
from PIL import Image

#: A projected preview has one pixel for each latent; it is enlarged, but not beyond this side.
LONGEST_SIDE_PX = 512
LARGEST_ZOOM = 8
CLIP_FRAME_MS = 125


class Preview:
    """One preview. Numbers rise over all jobs of a session, so that no client is shown one twice.

    Args:
        number: of the preview.
        step: zero-based index of the step that it shows.
        image: as it is shown.
        clip: all frames of a video, None where there are none or nobody asked for them.
    """

    def __init__(
        self, number: int, step: int, image: Image.Image, clip: list[Image.Image] | None = None
    ) -> None:
        self.number = number
        self.step = step
        self.image = image
        self.clip = clip
        self._encoded: dict[str, bytes] = {}

    def encode(self, kind: str) -> bytes:
        """Return it as a file of a kind: ``jpeg``, ``png``, or ``webp`` for the clip."""
        encoded = self._encoded.get(kind)
        if encoded is None:
            buffer = io.BytesIO()
            if kind == "webp":
                first, *others = self.clip or [self.image]
                first.save(
                    buffer, "webp", save_all=True, append_images=others, duration=CLIP_FRAME_MS, loop=0
                )
            else:
                self.image.save(buffer, kind, **({"quality": 60} if kind == "jpeg" else {}))
            encoded = self._encoded[kind] = buffer.getvalue()
        return encoded

    @property
    def data_uri(self) -> str:
        """It as the host's page wants it."""
        return f"data:image/jpeg;base64,{base64.b64encode(self.encode('jpeg')).decode('ascii')}"

    @property
    def png_base64(self) -> str:
        """It as the host's API gives images."""
        return base64.b64encode(self.encode("png")).decode("ascii")


def build_images(pixels: Any) -> list[Image.Image]:
    """Return one image for each frame; the pictures of a batch stand side by side.

    Args:
        pixels: (B, T, h, w, 3), uint8, a tensor on the CPU.
    """
    array = pixels.numpy()
    batch, frames, height, width, _ = array.shape
    columns = math.ceil(math.sqrt(batch))
    rows = math.ceil(batch / columns)
    zoom = max(1, min(LARGEST_ZOOM, LONGEST_SIDE_PX // max(columns * width, rows * height, 1)))
    images = []
    for frame in range(frames):
        grid = np.zeros((rows * height, columns * width, 3), dtype=np.uint8)
        for index in range(batch):
            top, left = index // columns * height, index % columns * width
            grid[top : top + height, left : left + width] = array[index, frame]
        image = Image.fromarray(grid)
        size = (image.width * zoom, image.height * zoom)
        images.append(image.resize(size, Image.Resampling.BICUBIC) if zoom > 1 else image)
    return images
