"""Stand-in for SD.Next's modules/processing_vae.py: latents to pictures."""

from __future__ import annotations

from typing import Any

import torch

from modules import devices, shared


def vae_decode(
    latents: Any,
    model: Any,
    output_type: str = "np",
    vae_type: str = "Full",
    width: int | None = None,
    height: int | None = None,
    frames: int | None = None,
) -> Any:
    """Decode (B, 4, h, w) latents to B pictures, a (B, H, W, 3) array of 0 to 1, or PIL images for "pil".

    Waits for the device when the picture is copied to the CPU. Anything but a tensor is returned as is,
    and nothing is decoded after Stop or Skip.
    """
    model = model or shared.sd_model
    if not torch.is_tensor(latents):
        return latents
    if shared.state.interrupted or shared.state.skipped:
        return []
    jobid = shared.state.begin("VAE Decode")
    with devices.inference_context():
        scaled = latents.to(devices.device, model.vae.dtype) / model.vae.config.scaling_factor
        decoded = model.vae.decode(scaled, return_dict=False)[0]
    images = model.image_processor.postprocess(decoded, output_type=output_type)
    shared.state.end(jobid)
    return images
