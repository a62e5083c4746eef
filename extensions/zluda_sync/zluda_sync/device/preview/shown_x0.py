"""What a preview of a step shows: the predicted x0, of the frames that are looked at and of no others."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from torch import Tensor

from zluda_sync.core.errors import LatentShapeError
from zluda_sync.core.steps.ledger import Ledger
from zluda_sync.device.preview.frames import middle_frame, select_frames
from zluda_sync.device.preview.predicted_x0 import needs_previous, predict_x0, x0_of_solver
from zluda_sync.device.preview.ring import StepFrame


@dataclass(frozen=True)
class ShownX0:
    """What is to be shown of a step.

    Attributes:
        x0: (B, C, T, h, w); T is 1 unless a whole clip is looked at.
        kind: two of the same kind take the same kernels.
    """

    x0: Tensor
    kind: Hashable


class ShownX0s:
    """Tells the x0 of one step after the other; used by the thread that queues them, and never waits.

    Where it takes what the step before has left, a copy of that is kept: of what is looked at, one step long.

    Args:
        find_channels: gives C of the VAE that is loaded, None if unknown.
    """

    def __init__(self, find_channels: Callable[[], int | None]) -> None:
        self._find_channels = find_channels
        self._before: tuple[Ledger, StepFrame] | None = None

    def find(
        self,
        ledger: Ledger,
        frame: StepFrame,
        previous: StepFrame | None,
        *,
        is_due: bool,
        size_px: tuple[int, int] | None,
        prediction_type: str,
        scheduler: Any,
        wants_clip: bool,
    ) -> ShownX0 | None:
        """Return what a step shows, None if that is not asked for or cannot be told yet.

        Somebody begins to look in the middle of a pass: what the step before has left was not kept, and the
        next step can tell its x0.

        Args:
            ledger: of the pass.
            frame: what the step left.
            previous: what the step before left, None where that step was told of here, or is none.
            is_due: whether the step gets a preview.
            size_px: width and height of the picture, None if unknown.
            prediction_type: the host's name for what the model predicts.
            scheduler: of the pipeline, None if unknown.
            wants_clip: whether somebody looks at every frame of a video.
        Raises:
            LatentShapeError: no preview can be made of such latents.
        """
        select = partial(self._select, size_px=size_px, wants_clip=wants_clip)
        solved, before = x0_of_solver(scheduler, frame.latents), None
        if solved is None:
            prediction = _select_or_none(select, frame.noise_pred)
            frame = replace(frame, latents=select(frame.latents), noise_pred=prediction)
            if previous is not None:
                before = replace(previous, latents=select(previous.latents))
            elif needs_previous(frame, scheduler):
                before = self._exchange(ledger, frame)
                is_due = is_due and (before is not None or frame.step == 0)
        if not is_due:
            return None
        x0 = select(solved) if solved is not None else predict_x0(frame, before, prediction_type, scheduler)
        return ShownX0(x0, (x0.shape, x0.dtype, solved is None, before is None, prediction_type))

    def forget(self) -> None:
        """Let go of what the last step has left."""
        self._before = None

    def _select(self, latents: Tensor, size_px: tuple[int, int] | None, wants_clip: bool) -> Tensor:
        frames = select_frames(latents, self._find_channels(), size_px)
        return frames if wants_clip or frames.shape[2] == 1 else middle_frame(frames).unsqueeze(2)

    def _exchange(self, ledger: Ledger, frame: StepFrame) -> StepFrame | None:
        """Keep a copy of what a step leaves, and return that of the step before it."""
        kept = self._before
        copied = frame.latents.detach().clone()  # the pipeline may go on in the same memory
        self._before = ledger, replace(frame, latents=copied, noise_pred=None)
        if kept is None or kept[0] is not ledger or kept[1].step != frame.step - 1:
            return None
        return kept[1] if kept[1].latents.shape == copied.shape else None


def _select_or_none(select: Callable[[Tensor], Tensor], prediction: Any) -> Tensor | None:
    """Return what is shown of a prediction, None where that cannot be told."""
    if not isinstance(prediction, Tensor):
        return None
    try:
        return select(prediction)
    except LatentShapeError:
        return None
