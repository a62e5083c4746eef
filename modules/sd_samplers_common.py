"""Stand-in for SD.Next's modules/sd_samplers_common.py: previews straight from latents."""

from __future__ import annotations

import torch
from PIL import Image

from modules import images


def single_sample_to_image(sample: torch.Tensor, approximation: str | None = None) -> Image.Image:
    """The "Simple" preview of (C, h, w) latents: channels 0 to 2 as red, green, blue, one pixel a latent.

    Copies to the CPU, so it waits until the device has computed the latents.
    """
    rgb = torch.nan_to_num(sample[:3].detach().float().cpu(), nan=0.0, posinf=1.0, neginf=-1.0)
    rgb = (rgb * 0.25 + 0.5).clamp(0, 1).mul(255).to(torch.uint8)
    return Image.fromarray(rgb.permute(1, 2, 0).numpy())


def sample_to_image(samples: torch.Tensor, index: int = 0, approximation: str | None = None) -> Image.Image:
    """Preview of one image of (B, C, h, w)."""
    return single_sample_to_image(samples[index], approximation)


def samples_to_image_grid(samples: torch.Tensor, approximation: str | None = None) -> Image.Image:
    """Preview of all images of (B, C, h, w)."""
    return images.image_grid([single_sample_to_image(sample, approximation) for sample in samples])
