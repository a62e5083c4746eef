"""The older pipelines of pixels and sound; none of them takes a callback of any kind."""

from __future__ import annotations

import diffusers
import torch

from .components import picture
from .other import pixel_unet
from .registry import Built, tiny

SIDE = 16


@tiny("PNDMPipeline", steps=5)
def pndm() -> Built:
    """A multistep sampler: its warm-up steps more often than was asked for."""
    pipe = diffusers.PNDMPipeline(pixel_unet(), diffusers.PNDMScheduler(skip_prk_steps=True))
    return pipe, {"num_inference_steps": 4}


@tiny("RePaintPipeline", steps=4)
def repaint() -> Built:
    """Fills a hole; it goes back between its steps, which are none of the sampler's."""
    pipe = diffusers.RePaintPipeline(pixel_unet(), diffusers.RePaintScheduler())
    hole = torch.zeros(1, 1, SIDE, SIDE)
    return pipe, {
        "image": picture(SIDE),
        "mask_image": hole,
        "num_inference_steps": 4,
        "jump_length": 1,
        "jump_n_sample": 1,
    }


@tiny("LDMPipeline", steps=4)
def latent_diffusion() -> Built:
    """A picture of nothing in particular."""
    vqvae = diffusers.VQModel(
        block_out_channels=(8, 8),
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        latent_channels=3,
        norm_num_groups=4,
        num_vq_embeddings=16,
    )
    return diffusers.LDMPipeline(vqvae, pixel_unet(), diffusers.DDIMScheduler()), {"num_inference_steps": 4}


@tiny("DanceDiffusionPipeline", steps=4, produces="audio")
def dance_diffusion() -> Built:
    """A short sound, of two channels."""
    unet = diffusers.UNet1DModel(
        sample_size=512,
        sample_rate=16_000,
        extra_in_channels=64,
        block_out_channels=(32, 32, 64),
        time_embedding_type="fourier",
        use_timestep_embedding=False,
    )
    return diffusers.DanceDiffusionPipeline(unet, diffusers.IPNDMScheduler()), {"num_inference_steps": 4}
