"""The projection: an affine map from the channels of a latent to the colour of the pixel it stands for.

It is fitted to pairs of final latents and decoded pictures, by least squares over all jobs so far.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from zluda_sync.core.errors import LatentShapeError
from zluda_sync.device.steps.device_kinds import PINNED_TYPES

#: Keeps the fit steady where few pictures have been seen: a share of the mean power of the latents.
_RIDGE_SHARE = 1e-3
#: What was known before the first picture counts as so many jobs of latents of all kinds: their variance
#: is one, which is how models scale them.
_PRIOR_JOBS = 0.4
#: Jobs that count in full; beyond them older ones fade, so that a model that changes is followed.
FULL_JOBS = 30


@dataclass(frozen=True)
class Projection:
    """RGB = latent · weights + bias, in 0 to 255.

    Attributes:
        weights: (C, 3), float32, on the CPU.
        bias: (3,), float32, on the CPU.
    """

    weights: Tensor
    bias: Tensor

    @property
    def channels(self) -> int:
        """C."""
        return int(self.weights.shape[0])


def plain_projection(channels: int) -> Projection:
    """Return the projection for a model of which nothing is known: its first three channels as colours."""
    weights = torch.zeros(channels, 3)
    for colour in range(min(channels, 3)):
        weights[colour, colour] = 64.0
    return Projection(weights, torch.full((3,), 127.5))


class DeviceProjection:
    """A projection whose numbers lie on one device. Making one uploads them, see :func:`upload`.

    Args:
        projection: the numbers.
        device: of the latents.
    """

    def __init__(self, projection: Projection, device: torch.device) -> None:
        self.channels = projection.channels
        self.device = device
        # The host's memory is kept with them: the device may read it later.
        self._weights, self._host_weights = upload(projection.weights.T.contiguous(), device)
        self._bias, self._host_bias = upload(projection.bias, device)

    def project(self, latents: Tensor) -> Tensor:
        """Queue the projection; never waits.

        Args:
            latents: (B, C, h, w), on the device, any floating type. NaN becomes grey, infinity full colour.
        Returns:
            (B, h, w, 3), uint8, on the device.
        """
        rgb = torch.nn.functional.linear(latents.permute(0, 2, 3, 1).float(), self._weights, self._bias)
        return torch.nan_to_num(rgb, nan=127.0, posinf=255.0, neginf=0.0).clamp(0, 255).to(torch.uint8)


def upload(numbers: Tensor, device: torch.device) -> tuple[Tensor, Tensor]:
    """Queue the upload of a few numbers; returns them there, and the host's memory that is read for it.

    CUDA reads other memory than pinned only after waiting for all that is queued; where no memory can be
    pinned, this waits too.
    """
    if device.type in PINNED_TYPES:
        with contextlib.suppress(RuntimeError):
            pinned = numbers.pin_memory()
            return pinned.to(device, non_blocking=True), pinned
    return numbers.to(device), numbers


@dataclass(frozen=True)
class DecodedPair:
    """Final latents and the picture that was decoded from them, at the size of the latents.

    Attributes:
        latents: (C, h, w), float32, on the CPU.
        picture: (h, w, 3), float32, 0 to 255, on the CPU.
    """

    latents: Tensor
    picture: Tensor

    @property
    def channels(self) -> int:
        """C."""
        return int(self.latents.shape[0])


class ProjectionFit:
    """Sums of the normal equations, which are all that is kept of the pictures.

    Args:
        channels: C of the latents.
    Attributes:
        jobs: how many jobs have taught it.
        gram: (C + 1, C + 1), float64: latents with a one behind them, times themselves.
        target: (C + 1, 3), float64: the same times the colours.
    """

    def __init__(self, channels: int) -> None:
        self.jobs = 0
        self.gram = torch.zeros(channels + 1, channels + 1, dtype=torch.float64)
        self.target = torch.zeros(channels + 1, 3, dtype=torch.float64)

    @property
    def channels(self) -> int:
        """C."""
        return int(self.gram.shape[0]) - 1

    def learn(self, pairs: Sequence[DecodedPair]) -> None:
        """Take in what one job has decoded; its pictures count together as one.

        Raises:
            LatentShapeError: none of them teaches anything: other channels, or values that are not finite.
        """
        usable = [
            pair
            for pair in pairs
            if pair.channels == self.channels and bool(torch.isfinite(pair.latents).all())
        ]
        if not usable:
            shape = tuple(pairs[0].latents.shape) if pairs else ()
            raise LatentShapeError(shape, f"no finite latents of {self.channels} channels")
        fading = min(1.0, FULL_JOBS / (self.jobs + 1))
        self.gram *= fading
        self.target *= fading
        for pair in usable:
            points = pair.latents.double().flatten(1).T
            points = torch.cat([points, torch.ones(len(points), 1, dtype=torch.float64)], dim=1)
            weight = 1 / (len(points) * len(usable))
            self.gram += points.T @ points * weight
            self.target += points.T @ pair.picture.double().flatten(0, 1) * weight
        self.jobs += 1

    def solve(self, prior: Projection | None = None) -> Projection:
        """Return the projection that fits best; :meth:`learn` must have been called.

        Pictures of few colours leave most directions of the latents open. There what is known before decides:
        pictures of red on blue say nothing of yellow.

        Args:
            prior: what is known without them, None if nothing is.
        """
        count = len(self.gram)
        if prior is None:
            weight = torch.eye(count, dtype=torch.float64) * self.gram.diagonal()[:-1].mean() * _RIDGE_SHARE
            weight[-1, -1] = 0  # the bias is free
            known = torch.zeros(count, 3, dtype=torch.float64)
        else:
            weight = torch.eye(count, dtype=torch.float64) * _PRIOR_JOBS
            known = torch.cat([prior.weights, prior.bias[None]]).double()
        solution = torch.linalg.lstsq(self.gram + weight, self.target + weight @ known).solution.float()
        return Projection(solution[:-1].contiguous(), solution[-1].contiguous())


def shrink(picture: Tensor, height: int, width: int) -> Tensor:
    """Return a picture (H, W, 3) as (height, width, 3), float32: means of the pixels that each stands for."""
    planes = picture.permute(2, 0, 1).float()[None]
    return torch.nn.functional.adaptive_avg_pool2d(planes, (height, width))[0].permute(1, 2, 0)
