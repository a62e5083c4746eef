"""A denoising pass with what the host says of it, and what its newest step has left with the host."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from zluda_sync.device.preview.ring import LatentsRing, StepFrame
from zluda_sync.pipeline.passes import FollowedPass

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
