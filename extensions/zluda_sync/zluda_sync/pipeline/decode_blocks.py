"""Hooks on the VAE decoder: how far a decode has come, block by block, over all its tiles and slices."""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import torch

from zluda_sync.core.clock import Clock
from zluda_sync.core.steps.ledger import Ledger
from zluda_sync.device.steps.watcher import Marks

#: Kinds of VAE that decode a picture in one run of the decoder; those for video run it once per frame.
_ONE_RUN_PER_PICTURE = ("AutoencoderKL", "AutoencoderKLFlux2", "AsymmetricAutoencoderKL")
#: (B, C, T, h, w).
FILM_DIMENSIONS = 5
#: How often each VAE has run its decoder, by the values of the latents and the shape of the first run.
_KNOWN_RUNS: weakref.WeakKeyDictionary[Any, dict[tuple[int | None, tuple[int, ...]], int]] = (
    weakref.WeakKeyDictionary()
)


class DecodeBlocks:
    """Follows one decode at a time; the hooks are there only while it lasts.

    A picture is mostly decoded in one run of the decoder. Films are decoded in chunks of frames, large
    pictures in tiles: then the host may wait behind each run, so that a Stop has an effect.

    Args:
        find_vae: gives the VAE of the model that the host uses now, None if it has none.
        marks: left behind each block of the decoder.
        clock: the job's, which times the blocks.
        pass_chunk: marks the last block of one run of several in its place, and waits; must never raise.
            None: nobody waits.

    Attributes:
        blocks_of_run: of the decode that is followed.
    """

    def __init__(
        self,
        find_vae: Callable[[], Any],
        marks: Marks,
        clock: Clock,
        pass_chunk: Callable[[Ledger], None] | None = None,
    ) -> None:
        self._find_vae = find_vae
        self._marks, self._clock = marks, clock
        self._pass_chunk = pass_chunk or marks.leave
        self._handles: list[Any] = []
        self._chunks: _Chunks | None = None
        self.blocks_of_run = 0

    def install(
        self, latents_shape: Sequence[int] | None, computed_shape: Sequence[int] | None = None
    ) -> Ledger | None:
        """Follow the decode that begins now.

        Args:
            latents_shape: (B, C, h, w) of what is decoded, None if unknown.
            computed_shape: of what a step has computed, packed or a film as it may be, None if unknown.
        Returns:
            Counts of blocks, whose total is unknown until the decoder first runs where only that tells how
            often it will; None for a decoder that cannot be followed: one that is compiled, or has no up
            blocks.
        """
        self.remove()
        vae = self._find_vae()
        blocks = _up_blocks(vae)
        if not blocks:
            return None
        runs = count_decoder_runs(vae, latents_shape)
        ledger = Ledger(len(blocks) * runs if runs is not None else None, self._clock)
        self.blocks_of_run = len(blocks)
        leave = self._marks.leave
        self._handles = [block.register_forward_hook(lambda *_: leave(ledger)) for block in blocks[:-1]]
        pass_last = leave if runs == 1 else self._pass_chunk
        self._handles.append(blocks[-1].register_forward_hook(lambda *_: pass_last(ledger)))
        if runs is None:
            values = math.prod(computed_shape) if computed_shape is not None else None
            self._chunks = chunks = _Chunks(vae, ledger, len(blocks), values)
            self._handles.append(
                vae.decoder.register_forward_pre_hook(lambda _, args: chunks.begin_run(args))
            )
        return ledger

    def end(self, is_whole: bool) -> None:
        """The decode has ended: leave the decoder as it was, and remember how often it ran.

        Args:
            is_whole: whether it was not left early.
        """
        if is_whole and self._chunks is not None:
            self._chunks.remember()
        self.remove()

    def remove(self) -> None:
        """Leave the decoder as it was."""
        for handle in self._handles:
            handle.remove()
        self._handles, self._chunks = [], None


class _Chunks:
    """How often a decoder will run: as often as it did before, or as its first run shows.

    Args:
        vae: whose decoder it is.
        ledger: told how many blocks come.
        blocks: of one run.
        values: of the latents of a film, None if unknown.
    """

    def __init__(self, vae: Any, ledger: Ledger, blocks: int, values: int | None) -> None:
        self._known = _KNOWN_RUNS.setdefault(vae, {})
        self._ledger = ledger
        self._blocks = blocks
        self._values = values
        self._key: tuple[int | None, tuple[int, ...]] | None = None

    def begin_run(self, inputs: Sequence[Any]) -> None:
        """The decoder is about to run; only the first time counts. Never raises, and never waits."""
        first = inputs[0] if inputs else None
        if self._key is not None or not isinstance(first, torch.Tensor):
            return
        self._key = self._values, tuple(first.shape)
        runs = self._known.get(self._key)
        if runs is None and self._values is not None and first.ndim == FILM_DIMENSIONS:
            runs = math.ceil(self._values / max(1, first.numel()))  # tiles that overlap: some more
        if runs is not None:
            self._ledger.expect_total(runs * self._blocks)

    def remember(self) -> None:
        """All runs have come."""
        launched = self._ledger.launched
        self._ledger.expect_total(launched)
        if self._key is not None and launched:
            self._known[self._key] = math.ceil(launched / self._blocks)


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
