"""What a preview costs the host, by the size of the picture; the device here is the CPU."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from bench.costs.cost import Pair, repeated
from zluda_sync.core.steps.ledger import Ledger
from zluda_sync.device.preview.copy import HostCopier, PendingCopy
from zluda_sync.device.preview.pace import PreviewPace
from zluda_sync.device.preview.projection import DeviceProjection, plain_projection
from zluda_sync.device.preview.queue import JobPreviews
from zluda_sync.device.preview.ring import StepFrame

SIZES_PX = (512, 1024, 2048)
CHANNELS = 4
PIXELS_OF_LATENT = 8


class CopiedAtOnce(PendingCopy):
    """A copy that is there."""

    def __init__(self, tensor: Tensor) -> None:
        self._tensor = tensor

    @property
    def is_done(self) -> bool:
        """Yes."""
        return True

    @property
    def tensor(self) -> Tensor:
        """The copy."""
        return self._tensor


class CopierAtOnce(HostCopier):
    """Copies where there is no way to go."""

    def begin(self, tensor: Tensor) -> PendingCopy:
        """Return the copy."""
        return CopiedAtOnce(tensor)


def build_latents(size_px: int) -> Tensor:
    """Return latents of a picture of this size."""
    side = size_px // PIXELS_OF_LATENT
    return torch.linspace(-3, 3, CHANNELS * side * side).reshape(1, CHANNELS, side, side)


@contextmanager
def open_projection(size_px: int) -> Iterator[Pair]:
    """A context with latents that become a picture, held against the bare product of the same numbers."""
    latents = build_latents(size_px)
    projection = DeviceProjection(plain_projection(CHANNELS), latents.device)
    weights, bias = torch.zeros(3, CHANNELS), torch.zeros(3)
    with torch.no_grad():
        yield Pair(
            repeated(lambda: projection.project(latents), 3),
            repeated(lambda: torch.nn.functional.linear(latents.permute(0, 2, 3, 1), weights, bias), 3),
        )


@contextmanager
def open_preview(size_px: int) -> Iterator[Pair]:
    """A context with the way of one preview, from a step to whoever asks, held against its projection."""
    latents = build_latents(size_px)
    projection = DeviceProjection(plain_projection(CHANNELS), latents.device)
    previews = JobPreviews(
        lambda _device: CopierAtOnce(), plain_projection, lambda: CHANNELS, PreviewPace(budget_share=1e9)
    )
    ledger = Ledger()

    def make() -> None:
        step = ledger.record_launch()
        assert previews.queue_preview(ledger, StepFrame(step, latents), None, size_px=(size_px, size_px))
        ledger.record_completion(step)
        assert previews.newest_ready() is not None

    with torch.no_grad():
        make()
        yield Pair(repeated(make, 3), repeated(lambda: projection.project(latents), 3))
    previews.close()
