"""Hooks on the VAE decoder: how far a decode has come, block by block, over all its tiles and slices."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch

from zluda_sync.core.steps.ledger import Ledger
from zluda_sync.device.steps.watcher import Marks

#: Kinds of VAE that decode a picture in one run of the decoder; those for video run it once per frame.
_ONE_RUN_PER_PICTURE = ("AutoencoderKL", "AutoencoderKLFlux2", "AsymmetricAutoencoderKL")


class DecodeBlocks:
    """Follows one decode at a time; the hooks are there only while it lasts.

    Args:
        find_vae: gives the VAE of the model that the host uses now, None if it has none.
        marks: left behind each block of the decoder.
    """

    def __init__(self, find_vae: Callable[[], Any], marks: Marks) -> None:
        self._find_vae = find_vae
        self._marks = marks
        self._handles: list[Any] = []

    def install(self, latents_shape: Sequence[int] | None) -> Ledger | None:
        """Follow the decode that begins now.

        Args:
            latents_shape: (B, C, h, w) of what is decoded, None if unknown.
        Returns:
            Counts of blocks, None for a decoder that cannot be followed: one that is compiled, has no up
            blocks, or is run nobody knows how often.
        """
        self.remove()
        vae = self._find_vae()
        blocks = _up_blocks(vae)
        runs = count_decoder_runs(vae, latents_shape)
        if not blocks or runs is None:
            return None
        ledger = Ledger(len(blocks) * runs)
        self._handles = [
            block.register_forward_hook(lambda *_: self._marks.leave(ledger)) for block in blocks
        ]
        return ledger

    def remove(self) -> None:
        """Leave the decoder as it was."""
        for handle in self._handles:
            handle.remove()
        self._handles = []


def count_decoder_runs(vae: Any, latents_shape: Sequence[int] | None) -> int | None:
    """Return how often a VAE runs its decoder for these latents, None if nobody knows.

    Once, or once per tile and slice.

    Source: ``AutoencoderKL.decode`` of diffusers, whose tiles overlap by a factor.
    """
    if not any(kind.__name__ in _ONE_RUN_PER_PICTURE for kind in type(vae).__mro__):
        return None
    is_tiling, is_slicing = getattr(vae, "use_tiling", False), getattr(vae, "use_slicing", False)
    if not is_tiling and not is_slicing:
        return 1
    if latents_shape is None or len(latents_shape) != 4:
        return None
    batch, _channels, height, width = latents_shape
    slices = batch if is_slicing else 1
    if not is_tiling:
        return slices
    tile = getattr(vae, "tile_latent_min_size", None)
    overlap = getattr(vae, "tile_overlap_factor", None)
    if not tile or overlap is None:
        return None
    if height <= tile and width <= tile:
        return slices
    stride = max(1, int(tile * (1 - overlap)))
    return slices * math.ceil(height / stride) * math.ceil(width / stride)


def _up_blocks(vae: Any) -> list[torch.nn.Module]:
    decoder = getattr(vae, "decoder", None)
    if not isinstance(decoder, torch.nn.Module) or hasattr(decoder, "_orig_mod"):  # the latter: compiled
        return []
    blocks = getattr(decoder, "up_blocks", None)
    return list(blocks) if isinstance(blocks, torch.nn.ModuleList) else []
