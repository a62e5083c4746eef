"""Latents of every kind of model, brought into the one shape that a preview is made of."""

from __future__ import annotations

from torch import Tensor

from zluda_sync.core.errors import LatentShapeError

#: Packed latents: side of the patch that was folded into the channels, and pixels a latent's side stands for.
#: FLUX, Qwen-Image and the like fold 2 x 2; LTX folds nothing, and its VAE shrinks by 32; others by 16.
_PACKINGS = ((2, 8), (1, 32), (1, 16), (2, 16), (1, 8))
#: A moving preview has no more frames: one of the latents is mostly four of the film.
MOST_FRAMES = 12


def select_frames(
    latents: Tensor, channels: int | None = None, size_px: tuple[int, int] | None = None
) -> Tensor:
    """Bring latents into one shape; the guarantee is that nothing here waits for the device.

    Args:
        latents: images (B, C, h, w) or (C, h, w); video (B, C, T, h, w) or (B, T, C, h, w); packed
            (B, sequence, C * patch * patch).
        channels: C of the VAE, None if unknown; tells C from T, and a packed sequence from one image.
        size_px: width and height of the picture, None if unknown; tells how a packed sequence lies.
    Returns:
        (B, C, T, h, w), a view where that can be; T is 1 for images.
    Raises:
        LatentShapeError: it is none of these.
    """
    shape = tuple(latents.shape)
    if 0 in shape:
        raise LatentShapeError(shape, "it is empty")
    if latents.ndim == 5:
        is_frames_first = channels is not None and shape[2] == channels and shape[1] != channels
        return latents.transpose(1, 2) if is_frames_first else latents
    if latents.ndim == 4:
        return latents.unsqueeze(2)
    if latents.ndim == 3:
        if channels is not None and shape[0] == channels and not _packings(shape, size_px):
            return latents[None, :, None]
        return _unpack(latents, channels, size_px)
    raise LatentShapeError(shape, "it has neither 3, 4 nor 5 dimensions")


def middle_frame(frames: Tensor) -> Tensor:
    """Return the middle frame of (B, C, T, h, w) as (B, C, h, w), a view."""
    return frames[:, :, frames.shape[2] // 2]


def few_frames(frames: Tensor) -> Tensor:
    """Return (B, C, T, h, w) with no more frames than a moving preview has, evenly chosen; a view."""
    length = frames.shape[2]
    if length <= MOST_FRAMES:
        return frames
    return frames[:, :, :: -(-length // MOST_FRAMES)]


def _packings(shape: tuple[int, ...], size_px: tuple[int, int] | None) -> list[tuple[int, int, int]]:
    """Return patch, columns and rows of each way in which a sequence of this length fits the picture."""
    if size_px is None:
        return []
    width_px, height_px = size_px
    fitting = []
    for patch, scale in _PACKINGS:
        columns, rows = width_px // (scale * patch), height_px // (scale * patch)
        if columns and rows and shape[1] % (columns * rows) == 0 and shape[2] % (patch * patch) == 0:
            fitting.append((patch, columns, rows))
    return fitting


def _unpack(latents: Tensor, channels: int | None, size_px: tuple[int, int] | None) -> Tensor:
    batch, length, depth = latents.shape
    fitting = _packings(tuple(latents.shape), size_px)
    if channels is not None:
        fitting = [one for one in fitting if depth == channels * one[0] ** 2] or fitting
    if not fitting:
        side = round(length**0.5)  # of a square picture
        if side * side != length or depth % 4:
            raise LatentShapeError((batch, length, depth), "a packed sequence whose picture is unknown")
        fitting = [(2, side, side)]
    patch, columns, rows = fitting[0]
    frames = length // (columns * rows)
    unfolded = latents.reshape(batch, frames, rows, columns, depth // patch**2, patch, patch)
    return unfolded.permute(0, 4, 1, 2, 5, 3, 6).reshape(
        batch, depth // patch**2, frames, rows * patch, columns * patch
    )
