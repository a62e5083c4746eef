"""The host's simplest preview as a projection: what previews begin with before a picture was learned."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from zluda_sync.device.preview.projection import Projection

#: The host has factors for latents of so many channels only, and logs an error for others.
SIMPLE_CHANNELS = 4


def read_projection(simple_preview: Callable[[Tensor], Tensor], channels: int) -> Projection | None:
    """Return the affine map that a preview function computes, None if it is none for so many channels.

    It is asked for the colours of no latent and of each channel alone, and of all for the proof; on the CPU.

    Args:
        simple_preview: from (C, h, w) to (3, h, w), -1 to 1.
        channels: C.
    """
    probes = torch.cat(
        [torch.zeros(channels, 1), torch.eye(channels), torch.full((channels, 1), -2.0)], dim=1
    )
    try:
        colours = simple_preview(probes[:, None, :]).float()[:, 0] * 127.5 + 127.5
    except Exception:  # noqa: BLE001  the host's function is not made for such a model
        return None
    if colours.shape != (3, channels + 2) or not torch.isfinite(colours).all():
        return None
    bias = colours[:, 0]
    weights = (colours[:, 1:-1] - bias[:, None]).T.contiguous()
    is_affine = torch.allclose(-2.0 * weights.sum(0) + bias, colours[:, -1], atol=0.5)
    return Projection(weights, bias.clone()) if is_affine else None
