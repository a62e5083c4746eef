"""The projection: an affine map from the channels of a latent to the colour of the pixel it stands for."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


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
    """A projection whose numbers lie on one device. Making one uploads them, which waits for what is queued.

    Args:
        projection: the numbers.
        device: of the latents.
    """

    def __init__(self, projection: Projection, device: torch.device) -> None:
        self.channels = projection.channels
        self.device = device
        self._weights = projection.weights.T.contiguous().to(device)
        self._bias = projection.bias.to(device)

    def project(self, latents: Tensor) -> Tensor:
        """Queue the projection; never waits.

        Args:
            latents: (B, C, h, w), on the device, any floating type. NaN becomes grey, infinity full colour.
        Returns:
            (B, h, w, 3), uint8, on the device.
        """
        rgb = torch.nn.functional.linear(latents.permute(0, 2, 3, 1).float(), self._weights, self._bias)
        return torch.nan_to_num(rgb, nan=127.0, posinf=255.0, neginf=0.0).clamp(0, 255).to(torch.uint8)
