"""A denoising pass with what the host says of it, and what its newest step has left with the host."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from zluda_sync.core.errors import LatentShapeError
from zluda_sync.device.preview.frames import middle_frame, select_frames
from zluda_sync.device.preview.ring import LatentsRing, StepFrame
from zluda_sync.pipeline.loop_outputs import LoopOutput
from zluda_sync.pipeline.passes import FollowedPass
from zluda_sync.pipeline.run import PipelineRun

#: Fields of the host that describe the pass and are lost when the host goes on before the device does.
KEPT_FIELDS = ("job", "time_start", "prediction_type")


@dataclass(eq=False)
class HostPass:
    """A denoising pass, with what the host said of it when it queued the last step.

    Attributes:
        followed: its place in the job, its launches and completions.
        kept: values of KEPT_FIELDS when the pass began.
        first_count: the host's step count when the pass began; older versions count on over passes.
        host_count: the host's step count after the newest launch.
        host_total: the host's total after the newest launch, 0 while it has none.
        frames: latents of the steps in flight, while somebody reads them.
    """

    followed: FollowedPass
    kept: dict[str, Any]
    first_count: int
    host_count: int
    host_total: int
    frames: LatentsRing = field(default_factory=LatentsRing)

    @property
    def is_done(self) -> bool:
        """Whether the host has left it and the device has finished it."""
        return self.followed.is_left and self.followed.ledger.is_drained

    def keep(self, frame: StepFrame, is_wanted: bool) -> None:
        """Keep the latents of a step for whoever reads the host's, or let go of all if nobody does."""
        if is_wanted:
            self.frames.hold(frame, self.followed.ledger.completed)
        else:
            self.frames.clear()


class PinnedStep(threading.local):
    """A step that every progress field shows to the calling thread, however far the device gets meanwhile.

    The host reads its fields one after the other while it makes a preview, the latents twice: what it makes
    is of the one step that it will be said to show, though the pass or the job be over by then.

    Attributes:
        of: the pass and what its step has left, None where nothing is pinned.
    """

    of: tuple[HostPass, StepFrame] | None = None

    @contextlib.contextmanager
    def pinning(self, shown: HostPass, frame: StepFrame) -> Iterator[None]:
        """A context in which the calling thread is shown this step of this pass."""
        self.of = shown, frame
        try:
            yield
        finally:
            self.of = None


def find_frame(followed: FollowedPass, state: Any) -> StepFrame:
    """Return what the newest step has left with the host."""
    return StepFrame(
        step=followed.ledger.launched - 1,
        latents=state.current_latent,
        noise_pred=getattr(state, "current_noise_pred", None),
        sigma=getattr(state, "current_sigma", None),
        sigma_next=getattr(state, "current_sigma_next", None),
    )


def settle_output(
    newest: HostPass, output: LoopOutput, run: PipelineRun, are_read: bool, size_px: tuple[int, int] | None
) -> torch.Tensor | None:
    """Take over what a loop that calls nobody back has left: for its preview, and for readers of the host's.

    Args:
        newest: the pass of the step.
        output: what that has left.
        run: offered the preview.
        are_read: whether somebody reads the latents of the host.
        size_px: width and height of the picture, None if unknown.
    Returns:
        Its latents where they are a picture's, whole: (B, C, h, w).
    """
    followed, latents = newest.followed, output.latents
    followed.note_latents(latents, tuple(latents.shape))
    step, are_wanted = followed.ledger.launched - 1, are_read or run.are_previews_wanted
    frames = output.build_frames(step, are_wanted)
    shown = _as_host_holds(frames[0], size_px) if are_read else None
    if shown is not None:
        newest.frames.hold(shown, followed.ledger.completed)
    elif not are_read:
        newest.frames.clear()
    run.offer_preview(followed, frames, output.build_details())
    return latents if latents.ndim == 4 and latents._base is None else None


def _as_host_holds(frame: StepFrame, size_px: tuple[int, int] | None) -> StepFrame | None:
    """Return a frame in the shape in which the host holds latents, None where it cannot be told."""
    parts = [frame.latents] if frame.noise_pred is None else [frame.latents, frame.noise_pred]
    try:
        shown = [middle_frame(select_frames(part, None, size_px)) for part in parts]
    except LatentShapeError:
        return None
    return replace(frame, latents=shown[0], noise_pred=shown[1] if len(shown) > 1 else None)
