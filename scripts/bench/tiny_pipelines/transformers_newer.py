"""Pictures by a transformer: the newer families."""

from __future__ import annotations

from typing import Any

import diffusers
from transformers import GlmConfig, GlmModel, Qwen3Model, UMT5Config, UMT5EncoderModel

from .components import (
    VOCABULARY,
    WIDTH,
    autoencoder,
    flow_autoencoder,
    flow_scheduler,
    gemma_tokenizer,
    picture,
    qwen3_config,
    qwen_tokenizer,
    qwen_vl,
    t5_encoder,
    t5_tokenizer,
    with_prompt,
)
from .registry import Built, tiny


def sized(**arguments: Any) -> dict[str, Any]:
    """Return the arguments of a call of four steps for a picture of 64 pixels."""
    return with_prompt(**{"height": 64, "width": 64, "max_sequence_length": 16, **arguments})


def qwen_image_vae() -> Any:
    """Build Qwen-Image's autoencoder, whose latents have a length in time, of one."""
    return diffusers.AutoencoderKLQwenImage(
        base_dim=8,
        z_dim=4,
        dim_mult=[1, 1, 1],
        num_res_blocks=1,
        temperal_downsample=[False, True],
        latents_mean=[0.0] * 4,
        latents_std=[1.0] * 4,
    )


def qwen_image_parts() -> dict[str, Any]:
    """Build what those of Qwen-Image have in common."""
    return {
        "scheduler": flow_scheduler(),
        "vae": qwen_image_vae(),
        "text_encoder": qwen_vl(),
        "tokenizer": qwen_tokenizer(),
        "transformer": diffusers.QwenImageTransformer2DModel(
            patch_size=2,
            in_channels=16,
            out_channels=4,
            num_layers=2,
            attention_head_dim=16,
            num_attention_heads=3,
            joint_attention_dim=16,
            axes_dims_rope=(8, 4, 4),
        ),
    }


@tiny("QwenImagePipeline", steps=4)
def qwen_image() -> Built:
    """Text to image, with a negative prompt."""
    return diffusers.QwenImagePipeline(**qwen_image_parts()), sized(negative_prompt="a square")


@tiny("QwenImageImg2ImgPipeline", steps=3)
def qwen_image_to_image() -> Built:
    """Image to image: three of four steps."""
    pipe = diffusers.QwenImageImg2ImgPipeline(**qwen_image_parts())
    return pipe, sized(image=picture(), strength=0.75, true_cfg_scale=1.0)


def z_image_parts() -> dict[str, Any]:
    """Build what those of Z-Image have in common."""
    transformer = diffusers.ZImageTransformer2DModel(
        all_patch_size=(2,),
        all_f_patch_size=(1,),
        in_channels=4,
        dim=32,
        n_layers=2,
        n_refiner_layers=1,
        n_heads=2,
        n_kv_heads=2,
        cap_feat_dim=16,
        axes_dims=[8, 4, 4],
        axes_lens=[256, 64, 64],
    )
    # What pads a sequence comes uninitialized.
    for pad in (transformer.x_pad_token, transformer.cap_pad_token):
        pad.data.fill_(1.0)
    return {
        "scheduler": flow_scheduler(),
        "vae": flow_autoencoder(),
        "text_encoder": Qwen3Model(qwen3_config()),
        "tokenizer": qwen_tokenizer(),
        "transformer": transformer,
    }


@tiny("ZImagePipeline", steps=4)
def z_image() -> Built:
    """Text to image."""
    return diffusers.ZImagePipeline(**z_image_parts()), sized()


@tiny("ZImageImg2ImgPipeline", steps=3)
def z_image_to_image() -> Built:
    """Image to image: three of four steps."""
    return diffusers.ZImageImg2ImgPipeline(**z_image_parts()), sized(image=picture(), strength=0.75)


@tiny("AuraFlowPipeline", steps=4)
def aura_flow() -> Built:
    """Text to image, guided by a negative prompt."""
    encoder = UMT5Config(
        vocab_size=VOCABULARY, d_model=WIDTH, d_ff=WIDTH, d_kv=8, num_heads=4, num_layers=2, pad_token_id=0
    )
    pipe = diffusers.AuraFlowPipeline(
        tokenizer=t5_tokenizer(),
        text_encoder=UMT5EncoderModel(encoder),
        vae=autoencoder(),
        transformer=diffusers.AuraFlowTransformer2DModel(
            sample_size=32,
            patch_size=2,
            in_channels=4,
            num_mmdit_layers=1,
            num_single_dit_layers=1,
            attention_head_dim=8,
            num_attention_heads=4,
            caption_projection_dim=32,
            joint_attention_dim=WIDTH,
            out_channels=4,
            pos_embed_max_size=256,
        ),
        scheduler=flow_scheduler(),
    )
    return pipe, sized()


@tiny("CogView3PlusPipeline", steps=4)
def cogview3() -> Built:
    """Text to image, by noise schedules of an older kind."""
    pipe = diffusers.CogView3PlusPipeline(
        tokenizer=t5_tokenizer(),
        text_encoder=t5_encoder(),
        vae=autoencoder(),
        transformer=diffusers.CogView3PlusTransformer2DModel(
            patch_size=2,
            in_channels=4,
            num_layers=1,
            attention_head_dim=4,
            num_attention_heads=2,
            out_channels=4,
            text_embed_dim=WIDTH,
            time_embed_dim=8,
            condition_dim=2,
            pos_embed_max_size=32,
            sample_size=32,
        ),
        scheduler=diffusers.CogVideoXDDIMScheduler(),
    )
    return pipe, sized()


@tiny("CogView4Pipeline", steps=4)
def cogview4() -> Built:
    """Text to image, by a flow."""
    config = GlmConfig(
        vocab_size=VOCABULARY,
        hidden_size=32,
        intermediate_size=8,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=8,
        pad_token_id=0,
    )
    pipe = diffusers.CogView4Pipeline(
        tokenizer=gemma_tokenizer(),
        text_encoder=GlmModel(config),
        vae=autoencoder(),
        transformer=diffusers.CogView4Transformer2DModel(
            patch_size=2,
            in_channels=4,
            num_layers=2,
            attention_head_dim=4,
            num_attention_heads=4,
            out_channels=4,
            text_embed_dim=32,
            time_embed_dim=8,
            condition_dim=4,
        ),
        scheduler=flow_scheduler(
            base_shift=0.25,
            max_shift=0.75,
            base_image_seq_len=256,
            use_dynamic_shifting=True,
            time_shift_type="linear",
        ),
    )
    return pipe, sized()
