"""Pictures: images of a preview, and pairs of latents and decoded picture that a projection is fitted to."""

from __future__ import annotations

import math
import threading
from typing import Any

import numpy as np
import torch
from PIL import Image

from zluda_sync.core.errors import LatentShapeError
from zluda_sync.device.preview.frames import middle_frame, select_frames
from zluda_sync.device.preview.projection import DecodedPair, shrink
from zluda_sync.device.preview.queue import JobPreviews

#: A projected preview has one pixel for each latent; it is enlarged, but not beyond this side.
LONGEST_SIDE_PX = 512
LARGEST_ZOOM = 8


class NewestPicture:
    """The picture of the newest preview of a pipeline; made when it is first asked for. Any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pixels: Any = None
        self._image: Image.Image | None = None

    def forget(self) -> None:
        """Another call begins."""
        with self._lock:
            self._pixels = self._image = None

    def take(self, queue: JobPreviews | None) -> Image.Image | None:
        """Return the newest that is ready, or else the one before, None if there is none.

        Args:
            queue: of the previews of the call, None if they are kept no more.
        """
        ready = queue.newest_ready() if queue is not None else None
        with self._lock:
            if ready is not None and ready.pixels is not self._pixels:
                images = build_images(ready.pixels)
                self._pixels, self._image = ready.pixels, images[len(images) // 2]
            return self._image


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


def build_pair(
    latents: torch.Tensor, pictures: Any, channels: int, size_px: tuple[int, int] | None
) -> DecodedPair | None:
    """Return the first picture with its latents, None where the two cannot be told to belong together.

    Args:
        latents: as they were decoded, in any shape that a preview can be made of; a clip may have lost its
            batch dimension.
        pictures: what the decode gave: images, or arrays (B, H, W, 3) of 0 to 1; for a video, its frames.
        channels: of the VAE.
        size_px: width and height of the picture, None if unknown.
    """
    if latents.ndim == 4 and latents.shape[0] == channels != latents.shape[1]:
        latents = latents.unsqueeze(0)
    try:
        frames = select_frames(latents, channels, size_px)
    except LatentShapeError:
        return None
    count = len(pictures) if pictures is not None else 0
    is_video = frames.shape[2] > 1
    if not count or frames.shape[1] != channels or (is_video and frames.shape[0] > 1):
        return None
    picture = to_array(pictures[count // 2 if is_video else 0])
    if picture is None:
        return None
    # The decode has ended with a copy to the host, so the device is idle: this waits for nothing.
    # A copy also where it lies on the host already: a view would keep the whole clip, or batch.
    of_picture = middle_frame(frames)[0].to("cpu", torch.float32, copy=True).contiguous()
    return DecodedPair(of_picture, shrink(torch.from_numpy(picture), *of_picture.shape[1:]))


def to_array(picture: Any) -> np.ndarray[Any, Any] | None:
    """Return a picture as (H, W, 3) of 0 to 255, None if it is none."""
    if isinstance(picture, Image.Image):
        return np.asarray(picture.convert("RGB"), dtype=np.float32)
    array = np.asarray(picture)
    if array.ndim != 3 or array.shape[-1] != 3:
        return None
    return array.astype(np.float32) * (1.0 if array.dtype == np.uint8 else 255.0)


def find_pictures(result: Any) -> Any:
    """Return the pictures that a pipeline has given, or the frames of its video; None if there are none."""
    if isinstance(result, tuple):  # return_dict=False
        result = result[0] if result else None
    pictures = getattr(result, "images", None)
    frames = getattr(result, "frames", None)
    if pictures is None and frames is not None and len(frames):
        pictures = frames[0]
    return pictures if isinstance(pictures, list) else None


def is_on_device(result: Any) -> bool:
    """Whether a pipeline has given tensors that a device may still be computing."""
    if isinstance(result, torch.Tensor):
        return result.device.type != "cpu"
    parts = result.values() if isinstance(result, dict) else result
    return isinstance(result, (dict, tuple, list)) and any(map(is_on_device, parts))
