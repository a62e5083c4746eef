"""Stable Diffusion 1 and 2, and what was built upon them."""

from __future__ import annotations

from typing import Any

import diffusers
import torch

from .components import (
    PROMPT,
    WIDTH,
    autoencoder,
    clip_text,
    clip_tokenizer,
    clip_vision,
    mask,
    picture,
    unet,
    with_prompt,
)
from .registry import Built, tiny

BETAS = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "steps_offset": 1}
UNCHECKED = {"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False}


def text_and_latents(**unet_changes: Any) -> dict[str, Any]:
    """Build what all of them have in common."""
    return {
        "vae": autoencoder(),
        "text_encoder": clip_text(),
        "tokenizer": clip_tokenizer(),
        "unet": unet(**unet_changes),
        "scheduler": diffusers.EulerDiscreteScheduler(**BETAS),
    }


@tiny("StableDiffusionPipeline", steps=4)
def stable_diffusion() -> Built:
    """Text to image, the one that most people have."""
    return diffusers.StableDiffusionPipeline(**text_and_latents(), **UNCHECKED), with_prompt()


@tiny("StableDiffusionImg2ImgPipeline", steps=3)
def image_to_image() -> Built:
    """Image to image: three of four steps, for its strength of 0.75."""
    pipe = diffusers.StableDiffusionImg2ImgPipeline(**text_and_latents(), **UNCHECKED)
    return pipe, with_prompt(image=picture(), strength=0.75)


@tiny("StableDiffusionInpaintPipeline", steps=4)
def inpaint() -> Built:
    """The half of a picture, by a denoiser that sees the mask."""
    pipe = diffusers.StableDiffusionInpaintPipeline(**text_and_latents(in_channels=9), **UNCHECKED)
    return pipe, with_prompt(image=picture(), mask_image=mask(), height=64, width=64)


@tiny("StableDiffusionPipeline (two evaluations a step)", steps=7)
def stable_diffusion_heun() -> Built:
    """Text to image by Heun's method, whose loop is longer than what is asked for."""
    parts = {**text_and_latents(), "scheduler": diffusers.HeunDiscreteScheduler(**BETAS)}
    return diffusers.StableDiffusionPipeline(**parts, **UNCHECKED), with_prompt()


@tiny("StableDiffusionPipeline (batch of two)", steps=3)
def stable_diffusion_batch() -> Built:
    """Two prompts, two images each, in one loop."""
    pipe = diffusers.StableDiffusionPipeline(**text_and_latents(), **UNCHECKED)
    return pipe, with_prompt(prompt=[PROMPT, PROMPT], num_images_per_prompt=2, num_inference_steps=3)


@tiny("LatentConsistencyModelPipeline", steps=4)
def latent_consistency() -> Built:
    """Few steps, guidance told to the denoiser."""
    parts = {**text_and_latents(time_cond_proj_dim=32), "scheduler": diffusers.LCMScheduler(**BETAS)}
    return diffusers.LatentConsistencyModelPipeline(**parts, **UNCHECKED), with_prompt()


@tiny("StableDiffusionPAGPipeline", steps=4)
def perturbed_attention() -> Built:
    """Guided by a third evaluation with its attention perturbed."""
    return diffusers.StableDiffusionPAGPipeline(**text_and_latents(), **UNCHECKED), with_prompt(pag_scale=0.9)


def controlnet() -> Any:
    """Build the network that a picture steers by."""
    return diffusers.ControlNetModel(
        block_out_channels=(8, 16),
        layers_per_block=1,
        norm_num_groups=2,
        attention_head_dim=4,
        cross_attention_dim=WIDTH,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        conditioning_embedding_out_channels=(8, 16),
    )


@tiny("StableDiffusionControlNetPipeline", steps=4)
def with_controlnet() -> Built:
    """Text to image, steered by a picture."""
    pipe = diffusers.StableDiffusionControlNetPipeline(
        **text_and_latents(), controlnet=controlnet(), **UNCHECKED
    )
    return pipe, with_prompt(image=picture())


@tiny("StableDiffusionControlNetImg2ImgPipeline", steps=3)
def image_to_image_with_controlnet() -> Built:
    """Image to image, steered by another picture."""
    pipe = diffusers.StableDiffusionControlNetImg2ImgPipeline(
        **text_and_latents(), controlnet=controlnet(), **UNCHECKED
    )
    return pipe, with_prompt(image=picture(), control_image=picture(), strength=0.75)


@tiny("StableDiffusionAdapterPipeline", steps=4)
def with_adapter() -> Built:
    """Steered by a smaller network than a ControlNet, run once for all steps; it takes the older callback."""
    blocks = {
        "down_block_types": ("CrossAttnDownBlock2D", "DownBlock2D"),
        "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D"),
    }
    adapter = diffusers.T2IAdapter(channels=[8, 16], num_res_blocks=1, downscale_factor=2)
    pipe = diffusers.StableDiffusionAdapterPipeline(
        **text_and_latents(**blocks), adapter=adapter, **UNCHECKED
    )
    return pipe, with_prompt(image=picture())


@tiny("StableDiffusionUpscalePipeline", steps=4)
def upscale() -> Built:
    """A larger picture of the same, by a denoiser that sees the small one; it takes the older callback."""
    parts = {
        **text_and_latents(in_channels=7, num_class_embeds=1000),
        "vae": autoencoder(scaling_factor=0.08333),
        "low_res_scheduler": diffusers.DDPMScheduler(),
    }
    pipe = diffusers.StableDiffusionUpscalePipeline(**parts)
    return pipe, with_prompt(image=picture(32))


@tiny("StableDiffusionLatentUpscalePipeline", steps=4)
def latent_upscale() -> Built:
    """Twice the size, in latents; it takes the older callback."""
    down = ("KDownBlock2D", *("KCrossAttnDownBlock2D",) * 3)
    up = (*("KCrossAttnUpBlock2D",) * 3, "KUpBlock2D")
    changes = {
        "act_fn": "gelu",
        "norm_num_groups": None,
        "block_out_channels": (32, 32, 64, 64),
        "attention_head_dim": 8,
        "time_cond_proj_dim": 128 + WIDTH,
        "conv_in_kernel": 1,
        "conv_out_kernel": 1,
        "down_block_types": down,
        "up_block_types": up,
        "in_channels": 8,
        "out_channels": 5,
        "mid_block_type": None,
        "resnet_time_scale_shift": "scale_shift",
        "time_embedding_type": "fourier",
        "timestep_post_act": "gelu",
    }
    parts = {
        **text_and_latents(**changes),
        "vae": autoencoder(halvings=3),
        "scheduler": diffusers.EulerDiscreteScheduler(prediction_type="sample"),
    }
    return diffusers.StableDiffusionLatentUpscalePipeline(**parts), with_prompt(image=picture())


@tiny("StableDiffusionDepth2ImgPipeline", steps=3)
def depth_to_image() -> Built:
    """Image to image that keeps a depth; it is given here, not looked for."""
    pipe = diffusers.StableDiffusionDepth2ImgPipeline(
        **text_and_latents(in_channels=5), depth_estimator=None, feature_extractor=None
    )
    depth = torch.linspace(0, 1, 64).repeat(1, 64, 1)
    return pipe, with_prompt(image=picture(), depth_map=depth, strength=0.75)


@tiny("StableDiffusionInstructPix2PixPipeline", steps=4)
def edit_by_instruction() -> Built:
    """A picture changed as it is told."""
    pipe = diffusers.StableDiffusionInstructPix2PixPipeline(**text_and_latents(in_channels=8), **UNCHECKED)
    return pipe, with_prompt(image=picture())


@tiny("StableDiffusionImageVariationPipeline", steps=4)
def image_variation() -> Built:
    """A picture like another one, without any text; it takes the older callback."""
    parts = text_and_latents()
    pipe = diffusers.StableDiffusionImageVariationPipeline(
        vae=parts["vae"],
        unet=parts["unet"],
        scheduler=parts["scheduler"],
        **clip_vision(),
        safety_checker=None,
        requires_safety_checker=False,
    )
    return pipe, {"image": picture(), "num_inference_steps": 4}


THREE_LEVELS = {
    "block_out_channels": (8, 16, 16),
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
}


def scheduler_of_inversions() -> Any:
    """Build the one scheduler with which a picture can be both inverted and edited."""
    return diffusers.DPMSolverMultistepScheduler(algorithm_type="sde-dpmsolver++", solver_order=2, **BETAS)


def edit_of(pipe: Any) -> dict[str, Any]:
    """Invert a picture in four steps, and return the arguments of its edit, which takes as many."""
    pipe.set_progress_bar_config(disable=True)
    pipe.invert(image=picture(), num_inversion_steps=4, skip=0.25)
    pipe.set_progress_bar_config()
    return {"editing_prompt": [PROMPT], "edit_guidance_scale": [5.0], "reverse_editing_direction": [False]}


@tiny("LEditsPPPipelineStableDiffusion", steps=4)
def edit_after_inversion() -> Built:
    """A picture inverted when the pipeline is built, then edited; the call is told no number of steps."""
    parts = {**text_and_latents(**THREE_LEVELS), "scheduler": scheduler_of_inversions()}
    pipe = diffusers.LEditsPPPipelineStableDiffusion(**parts, **UNCHECKED)
    return pipe, edit_of(pipe)
