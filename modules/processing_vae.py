"""Stand-in for SD.Next's modules/processing_vae.py: from latents to pictures."""

from __future__ import annotations

from typing import Any

import torch
from PIL import Image

from modules import devices, shared


def vae_decode(latents: torch.Tensor, model: Any) -> list[Image.Image]:
    """Decode (B, 4, h, w) latents. Waits for the device when the pictures are copied to the CPU."""
    jobid = shared.state.begin("VAE Decode")
    scaled = latents.to(devices.device, model.vae.dtype) / model.vae.config.scaling_factor
    decoded = model.vae.decode(scaled, return_dict=False)[0]
    pictures = model.image_processor.postprocess(decoded, output_type="pil")
    shared.state.end(jobid)
    return pictures
