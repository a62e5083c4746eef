"""Flux 1 and 2, and Chroma."""

from __future__ import annotations

from typing import Any

import diffusers
from transformers import Qwen3ForCausalLM

from .components import (
    WIDTH,
    clip_text,
    clip_tokenizer,
    flow_autoencoder,
    flow_scheduler,
    mask,
    picture,
    qwen3_config,
    qwen_tokenizer,
    t5_encoder,
    t5_tokenizer,
    with_prompt,
)
from .registry import Built, tiny

LATENT_CHANNELS = 4
SHAPE = {
    "patch_size": 1,
    "num_layers": 1,
    "num_single_layers": 1,
    "attention_head_dim": 16,
    "num_attention_heads": 2,
    "joint_attention_dim": WIDTH,
    "axes_dims_rope": (4, 4, 8),
}
FLUX_SHAPE = {**SHAPE, "pooled_projection_dim": WIDTH}
PACKED = 4 * LATENT_CHANNELS
"""Channels of the denoiser: two by two latents make one token."""


def flux_parts(**transformer_changes: Any) -> dict[str, Any]:
    """Build what those of Flux 1 have in common."""
    return {
        "scheduler": flow_scheduler(use_dynamic_shifting=True),
        "vae": flow_autoencoder(LATENT_CHANNELS, halvings=1),
        "text_encoder": clip_text(),
        "tokenizer": clip_tokenizer(),
        "text_encoder_2": t5_encoder(),
        "tokenizer_2": t5_tokenizer(),
        "transformer": diffusers.FluxTransformer2DModel(
            **{**FLUX_SHAPE, "in_channels": PACKED, **transformer_changes}
        ),
    }


def sized(**arguments: Any) -> dict[str, Any]:
    """Return the arguments of a call of four steps for a picture of 64 pixels."""
    return with_prompt(**{"height": 64, "width": 64, "max_sequence_length": 16, **arguments})


@tiny("FluxPipeline", steps=4)
def flux() -> Built:
    """Text to image."""
    return diffusers.FluxPipeline(**flux_parts()), sized()


@tiny("FluxPipeline (true guidance)", steps=4)
def flux_guided() -> Built:
    """Text to image with a negative prompt: two evaluations a step, told one after the other."""
    return diffusers.FluxPipeline(**flux_parts()), sized(negative_prompt="a square", true_cfg_scale=2.0)


@tiny("FluxImg2ImgPipeline", steps=3)
def flux_image_to_image() -> Built:
    """Image to image: three of four steps."""
    return diffusers.FluxImg2ImgPipeline(**flux_parts()), sized(image=picture(), strength=0.75)


@tiny("FluxInpaintPipeline", steps=3)
def flux_inpaint() -> Built:
    """The half of a picture: three of four steps."""
    pipe = diffusers.FluxInpaintPipeline(**flux_parts())
    return pipe, sized(image=picture(), mask_image=mask(), strength=0.75)


@tiny("FluxFillPipeline", steps=4)
def flux_fill() -> Built:
    """The half of a picture, by a denoiser that sees the mask."""
    # Latents and the masked picture's latents, packed, and one number for each pixel of the mask.
    channels = 2 * PACKED + 4 * 4
    pipe = diffusers.FluxFillPipeline(**flux_parts(in_channels=channels, out_channels=PACKED))
    return pipe, sized(image=picture(), mask_image=mask())


@tiny("FluxControlPipeline", steps=4)
def flux_control() -> Built:
    """Steered by a picture that the denoiser itself sees."""
    pipe = diffusers.FluxControlPipeline(**flux_parts(in_channels=2 * PACKED, out_channels=PACKED))
    return pipe, sized(control_image=picture())


@tiny("FluxControlNetPipeline", steps=4)
def flux_with_controlnet() -> Built:
    """Steered by a network beside the denoiser."""
    controlnet = diffusers.FluxControlNetModel(**FLUX_SHAPE, in_channels=PACKED)
    pipe = diffusers.FluxControlNetPipeline(**flux_parts(), controlnet=controlnet)
    return pipe, sized(control_image=picture())


@tiny("FluxKontextPipeline", steps=4)
def flux_kontext() -> Built:
    """A picture changed as it is told."""
    pipe = diffusers.FluxKontextPipeline(**flux_parts())
    return pipe, sized(image=picture(), max_area=64 * 64, _auto_resize=False)


def flux2_parts() -> dict[str, Any]:
    """Build a Flux 2 of the small kind, whose text encoder is a Qwen 3."""
    return {
        "scheduler": flow_scheduler(),
        "vae": diffusers.AutoencoderKLFlux2(
            latent_channels=LATENT_CHANNELS,
            block_out_channels=(8, 8),
            down_block_types=("DownEncoderBlock2D",) * 2,
            up_block_types=("UpDecoderBlock2D",) * 2,
            layers_per_block=1,
            norm_num_groups=2,
        ),
        "text_encoder": Qwen3ForCausalLM(qwen3_config()),
        "tokenizer": qwen_tokenizer(),
        "transformer": diffusers.Flux2Transformer2DModel(
            **{**SHAPE, "joint_attention_dim": 16, "axes_dims_rope": (4, 4, 4, 4)},
            in_channels=PACKED,
            guidance_embeds=False,
        ),
    }


@tiny("Flux2KleinPipeline", steps=4)
def flux2() -> Built:
    """Text to image."""
    return diffusers.Flux2KleinPipeline(**flux2_parts()), sized(text_encoder_out_layers=(1,))


@tiny("Flux2KleinPipeline (with a picture)", steps=4)
def flux2_edit() -> Built:
    """A picture changed as it is told."""
    pipe = diffusers.Flux2KleinPipeline(**flux2_parts())
    return pipe, sized(image=picture(), text_encoder_out_layers=(1,))


@tiny("ChromaPipeline", steps=4)
def chroma() -> Built:
    """Text to image, guided by a negative prompt."""
    pipe = diffusers.ChromaPipeline(
        scheduler=flow_scheduler(),
        vae=flow_autoencoder(LATENT_CHANNELS),
        text_encoder=t5_encoder(),
        tokenizer=t5_tokenizer(),
        transformer=diffusers.ChromaTransformer2DModel(
            **SHAPE,
            in_channels=PACKED,
            approximator_hidden_dim=32,
            approximator_layers=1,
            approximator_num_channels=16,
        ),
    )
    return pipe, sized(negative_prompt="a square")
