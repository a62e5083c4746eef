"""A denoising pass while it is followed: its place in the job, and what the host has said of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch

from zluda_sync.core.progress.part import Part
from zluda_sync.core.steps.ledger import Ledger
from zluda_sync.device.preview.ring import LatentsRing

#: Fields of the host that describe the pass and are lost when the host goes on before the device does.
KEPT_FIELDS = ("job", "time_start", "prediction_type")


@dataclass
class TrackedPass:
    """A denoising pass, with what the host said of it when it queued the last step.

    Attributes:
        part: its place in the job.
        ledger: its launches and completions.
        kept: values of KEPT_FIELDS when the pass began.
        first_count: the host's step count when the pass began; older versions count on over passes.
        host_count: the host's step count after the newest launch.
        host_total: the host's total after the newest launch, 0 while it has none.
        last_index: loop index of the newest launch, None if the pipeline does not tell.
        is_left: whether the host has gone on to something else.
        is_from_bar: whether the newest launch was told by the progress bar alone.
        newest_latents: gives what the newest step computes as long as the pipeline keeps it, else None; None
            if the pipeline does not tell.
        latents_shape: (B, C, h, w) of the latents, None if the pipeline does not tell.
        frames: latents of the steps in flight, while somebody reads them.
    """

    part: Part
    ledger: Ledger
    kept: dict[str, Any]
    first_count: int
    host_count: int
    host_total: int
    last_index: int | None = None
    is_left: bool = False
    is_from_bar: bool = False
    newest_latents: Callable[[], torch.Tensor | None] | None = None
    latents_shape: tuple[int, ...] | None = None
    frames: LatentsRing = field(default_factory=LatentsRing)
