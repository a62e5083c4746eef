"""Stable Diffusion XL, and Stable Diffusion 3."""

from __future__ import annotations

from typing import Any

import diffusers

from .components import (
    WIDTH,
    autoencoder,
    clip_text,
    clip_tokenizer,
    flow_autoencoder,
    flow_scheduler,
    mask,
    picture,
    t5_encoder,
    t5_tokenizer,
    unet,
    with_prompt,
)
from .registry import Built, tiny
from .stable_diffusion import BETAS, THREE_LEVELS, edit_of, scheduler_of_inversions

SIZES = {"addition_embed_type": "text_time", "addition_time_embed_dim": 8}
"""The denoiser of XL is told six numbers about sizes, and the second encoder's summary of the text."""
SHAPE = {
    **SIZES,
    "cross_attention_dim": 2 * WIDTH,
    "projection_class_embeddings_input_dim": 6 * 8 + WIDTH,
}


def xl_parts(**unet_changes: Any) -> dict[str, Any]:
    """Build what those of XL have in common."""
    return {
        "vae": autoencoder(force_upcast=False),
        "text_encoder": clip_text(),
        "text_encoder_2": clip_text(projected=True),
        "tokenizer": clip_tokenizer(),
        "tokenizer_2": clip_tokenizer(),
        "unet": unet(**{**SHAPE, **unet_changes}),
        "scheduler": diffusers.EulerDiscreteScheduler(**BETAS),
    }


def xl_controlnet() -> Any:
    """Build the network that a picture steers by."""
    return diffusers.ControlNetModel(
        **SHAPE,
        block_out_channels=(8, 16),
        layers_per_block=1,
        norm_num_groups=2,
        attention_head_dim=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        conditioning_embedding_out_channels=(8, 16),
    )


@tiny("StableDiffusionXLPipeline", steps=4)
def xl() -> Built:
    """Text to image."""
    return diffusers.StableDiffusionXLPipeline(**xl_parts(), add_watermarker=False), with_prompt()


@tiny("StableDiffusionXLImg2ImgPipeline", steps=3)
def xl_image_to_image() -> Built:
    """Image to image: three of four steps."""
    pipe = diffusers.StableDiffusionXLImg2ImgPipeline(**xl_parts(), add_watermarker=False)
    return pipe, with_prompt(image=picture(), strength=0.75)


@tiny("StableDiffusionXLImg2ImgPipeline (as a refiner)", steps=2)
def xl_refiner() -> Built:
    """The second half of the steps, on latents that a base model would hand over."""
    pipe = diffusers.StableDiffusionXLImg2ImgPipeline(**xl_parts(), add_watermarker=False)
    return pipe, with_prompt(image=picture(), denoising_start=0.5)


@tiny("StableDiffusionXLInpaintPipeline", steps=3)
def xl_inpaint() -> Built:
    """The half of a picture: its own strength of 0.9999 leaves three of four steps."""
    pipe = diffusers.StableDiffusionXLInpaintPipeline(**xl_parts(in_channels=9), add_watermarker=False)
    return pipe, with_prompt(image=picture(), mask_image=mask(), height=64, width=64)


@tiny("StableDiffusionXLControlNetPipeline", steps=4)
def xl_with_controlnet() -> Built:
    """Text to image, steered by a picture."""
    pipe = diffusers.StableDiffusionXLControlNetPipeline(
        **xl_parts(), controlnet=xl_controlnet(), add_watermarker=False
    )
    return pipe, with_prompt(image=picture())


@tiny("StableDiffusionXLPAGPipeline", steps=4)
def xl_perturbed_attention() -> Built:
    """Guided by a third evaluation with its attention perturbed."""
    return diffusers.StableDiffusionXLPAGPipeline(**xl_parts(), add_watermarker=False), with_prompt(
        pag_scale=0.9
    )


@tiny("StableDiffusionXLAdapterPipeline", steps=4)
def xl_with_adapter() -> Built:
    """Steered by a smaller network than a ControlNet."""
    blocks = {
        "down_block_types": ("CrossAttnDownBlock2D", "DownBlock2D"),
        "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D"),
    }
    adapter = diffusers.T2IAdapter(channels=[8, 16], num_res_blocks=1, downscale_factor=2)
    pipe = diffusers.StableDiffusionXLAdapterPipeline(**xl_parts(**blocks), adapter=adapter)
    return pipe, with_prompt(image=picture())


@tiny("StableDiffusionXLInstructPix2PixPipeline", steps=4)
def xl_edit_by_instruction() -> Built:
    """A picture changed as it is told; it takes the older callback."""
    pipe = diffusers.StableDiffusionXLInstructPix2PixPipeline(
        **xl_parts(in_channels=8), add_watermarker=False
    )
    return pipe, with_prompt(image=picture(), height=64, width=64)


@tiny("LEditsPPPipelineStableDiffusionXL", steps=4)
def xl_edit_after_inversion() -> Built:
    """A picture inverted when the pipeline is built, then edited; the call is told no number of steps."""
    parts = {**xl_parts(**THREE_LEVELS), "scheduler": scheduler_of_inversions()}
    pipe = diffusers.LEditsPPPipelineStableDiffusionXL(**parts, add_watermarker=False)
    return pipe, edit_of(pipe)


def sd3_shape() -> dict[str, Any]:
    """Return the shape of Stable Diffusion 3's denoiser and of what steers it."""
    return {
        "sample_size": 32,
        "patch_size": 2,
        "in_channels": 4,
        "num_layers": 1,
        "attention_head_dim": 8,
        "num_attention_heads": 4,
        "caption_projection_dim": 32,
        "joint_attention_dim": 2 * WIDTH,
        "pooled_projection_dim": 2 * WIDTH,
    }


def sd3_parts() -> dict[str, Any]:
    """Build what those of Stable Diffusion 3 have in common: three text encoders."""
    return {
        "transformer": diffusers.SD3Transformer2DModel(**sd3_shape(), out_channels=4),
        "scheduler": flow_scheduler(shift=3.0),
        "vae": flow_autoencoder(),
        "text_encoder": clip_text(projected=True),
        "tokenizer": clip_tokenizer(),
        "text_encoder_2": clip_text(projected=True),
        "tokenizer_2": clip_tokenizer(),
        "text_encoder_3": t5_encoder(2 * WIDTH),
        "tokenizer_3": t5_tokenizer(),
    }


@tiny("StableDiffusion3Pipeline", steps=4)
def sd3() -> Built:
    """Text to image."""
    return diffusers.StableDiffusion3Pipeline(**sd3_parts()), with_prompt(max_sequence_length=16)


@tiny("StableDiffusion3Img2ImgPipeline", steps=3)
def sd3_image_to_image() -> Built:
    """Image to image: three of four steps."""
    pipe = diffusers.StableDiffusion3Img2ImgPipeline(**sd3_parts())
    return pipe, with_prompt(image=picture(), strength=0.75, height=64, width=64, max_sequence_length=16)


@tiny("StableDiffusion3ControlNetPipeline", steps=4)
def sd3_with_controlnet() -> Built:
    """Text to image, steered by a picture."""
    pipe = diffusers.StableDiffusion3ControlNetPipeline(
        **sd3_parts(), controlnet=diffusers.SD3ControlNetModel(**sd3_shape())
    )
    return pipe, with_prompt(control_image=picture(), height=64, width=64, max_sequence_length=16)
