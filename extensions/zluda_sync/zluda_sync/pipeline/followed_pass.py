"""A denoising pass while it is followed: its place in the job, and what its newest step has left."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from zluda_sync.core.progress.part import Part
from zluda_sync.core.steps.ledger import Ledger


@dataclass(eq=False)
class FollowedPass:
    """A denoising pass. Changed by the thread that queues the steps alone.

    Attributes:
        part: its place in the job.
        ledger: its launches and completions.
        last_index: loop index of the newest launch, None if the pipeline does not tell.
        is_left: whether the pipeline has gone on to something else.
        is_from_bar: whether the newest launch was told by the progress bar alone.
        newest_latents: gives what the newest step computes as long as the pipeline keeps it, else None; None
            if the pipeline does not tell.
        latents_shape: (B, C, h, w) of the latents, None if the pipeline does not tell.
    """

    part: Part
    ledger: Ledger
    last_index: int | None = None
    is_left: bool = False
    is_from_bar: bool = False
    newest_latents: Callable[[], torch.Tensor | None] | None = None
    latents_shape: tuple[int, ...] | None = None

    def note_latents(self, latents: Any, shape: tuple[int, ...]) -> None:
        """Remember what the newest step computes, without keeping it.

        Args:
            latents: in whatever shape the pipeline has them; only tensors can be held against a report.
            shape: (B, C, h, w).
        """
        self.newest_latents = weakref.ref(latents) if isinstance(latents, torch.Tensor) else None
        self.latents_shape = shape

    def has_begun_anew(self, index: int | None) -> bool:
        """Whether a step of this loop index, None if unknown, belongs to a later loop than the last one."""
        return index is not None and self.last_index is not None and index <= self.last_index
