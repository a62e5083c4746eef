"""Pictures by a transformer: the families beside Stable Diffusion 3 and Flux."""

from __future__ import annotations

from typing import Any

import diffusers
from transformers import (
    BertConfig,
    BertModel,
    Gemma2Config,
    Gemma2Model,
    GemmaConfig,
    GemmaForCausalLM,
)

from .components import (
    VOCABULARY,
    WIDTH,
    autoencoder,
    bert_tokenizer,
    flow_autoencoder,
    flow_scheduler,
    gemma_tokenizer,
    t5_encoder,
    t5_tokenizer,
    with_prompt,
)
from .registry import Built, tiny

SMALL = {
    "vocab_size": VOCABULARY,
    "hidden_size": 16,
    "intermediate_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "head_dim": 8,
}
"""A language model of two layers."""


def sized(**arguments: Any) -> dict[str, Any]:
    """Return the arguments of a call of four steps for a picture of 64 pixels."""
    return with_prompt(**{"height": 64, "width": 64, **arguments})


def pixart_parts() -> dict[str, Any]:
    """Build what both of PixArt have in common."""
    return {
        "tokenizer": t5_tokenizer(),
        "text_encoder": t5_encoder(),
        "vae": autoencoder(),
        "transformer": diffusers.PixArtTransformer2DModel(
            sample_size=32,
            num_layers=2,
            patch_size=2,
            attention_head_dim=8,
            num_attention_heads=3,
            caption_channels=WIDTH,
            in_channels=4,
            cross_attention_dim=24,
            out_channels=8,
            norm_type="ada_norm_single",
            use_additional_conditions=False,
        ),
        "scheduler": diffusers.DPMSolverMultistepScheduler(),
    }


PIXART_CALL = {"use_resolution_binning": False, "clean_caption": False}


@tiny("PixArtAlphaPipeline", steps=4)
def pixart_alpha() -> Built:
    """It takes the older callback."""
    return diffusers.PixArtAlphaPipeline(**pixart_parts()), sized(
        use_resolution_binning=False, clean_caption=False
    )


@tiny("PixArtSigmaPipeline", steps=4)
def pixart_sigma() -> Built:
    """It takes the older callback."""
    return diffusers.PixArtSigmaPipeline(**pixart_parts()), sized(
        use_resolution_binning=False, clean_caption=False
    )


def sana_parts(**transformer_changes: Any) -> dict[str, Any]:
    """Build what those of Sana have in common."""
    blocks = ("ResBlock", "EfficientViTBlock")
    return {
        "tokenizer": gemma_tokenizer(),
        "text_encoder": Gemma2Model(Gemma2Config(**SMALL)),
        "vae": diffusers.AutoencoderDC(
            in_channels=3,
            latent_channels=4,
            attention_head_dim=2,
            encoder_block_types=blocks,
            decoder_block_types=blocks,
            encoder_block_out_channels=(8, 8),
            decoder_block_out_channels=(8, 8),
            encoder_qkv_multiscales=((), (5,)),
            decoder_qkv_multiscales=((), (5,)),
            encoder_layers_per_block=(1, 1),
            decoder_layers_per_block=(1, 1),
            downsample_block_type="conv",
            upsample_block_type="interpolate",
            decoder_norm_types="rms_norm",
            decoder_act_fns="silu",
        ),
        "transformer": diffusers.SanaTransformer2DModel(
            patch_size=1,
            in_channels=4,
            out_channels=4,
            num_layers=1,
            num_attention_heads=2,
            attention_head_dim=4,
            num_cross_attention_heads=2,
            cross_attention_head_dim=4,
            cross_attention_dim=8,
            caption_channels=16,
            sample_size=32,
            **transformer_changes,
        ),
        "scheduler": flow_scheduler(shift=3.0),
    }


SANA_CALL = {"use_resolution_binning": False, "complex_human_instruction": None, "max_sequence_length": 16}


@tiny("SanaPipeline", steps=4)
def sana() -> Built:
    """Text to image, by linear attention."""
    return diffusers.SanaPipeline(**sana_parts()), sized(**SANA_CALL)


@tiny("SanaSprintPipeline", steps=2)
def sana_sprint() -> Built:
    """Text to image in two steps."""
    parts = sana_parts(qk_norm="rms_norm_across_heads", guidance_embeds=True)
    pipe = diffusers.SanaSprintPipeline(**{**parts, "scheduler": diffusers.SCMScheduler()})
    return pipe, sized(num_inference_steps=2, **SANA_CALL)


@tiny("LuminaPipeline", steps=4)
def lumina() -> Built:
    """Text to image by the first Lumina."""
    pipe = diffusers.LuminaPipeline(
        transformer=diffusers.LuminaNextDiT2DModel(
            sample_size=8,
            patch_size=2,
            in_channels=4,
            hidden_size=16,
            num_layers=2,
            num_attention_heads=2,
            num_kv_heads=1,
            multiple_of=16,
            cross_attention_dim=16,
        ),
        scheduler=flow_scheduler(),
        vae=autoencoder(halvings=3),
        text_encoder=GemmaForCausalLM(GemmaConfig(**SMALL)),
        tokenizer=gemma_tokenizer(),
    )
    return pipe, sized(clean_caption=False, max_sequence_length=16)


@tiny("Lumina2Pipeline", steps=4)
def lumina2() -> Built:
    """Text to image by the second Lumina."""
    pipe = diffusers.Lumina2Pipeline(
        transformer=diffusers.Lumina2Transformer2DModel(
            sample_size=8,
            patch_size=2,
            in_channels=4,
            hidden_size=8,
            num_layers=2,
            num_attention_heads=1,
            num_kv_heads=1,
            multiple_of=16,
            scaling_factor=1.0,
            axes_dim_rope=(4, 2, 2),
            cap_feat_dim=16,
        ),
        scheduler=flow_scheduler(),
        vae=flow_autoencoder(halvings=3),
        text_encoder=Gemma2Model(Gemma2Config(**SMALL)),
        tokenizer=gemma_tokenizer(),
    )
    return pipe, sized(system_prompt="", max_sequence_length=32)


@tiny("HunyuanDiTPipeline", steps=4)
def hunyuan_dit() -> Built:
    """Text to image, by two text encoders of 77 and 256 tokens."""
    bert = BertConfig(
        vocab_size=VOCABULARY,
        hidden_size=WIDTH,
        intermediate_size=WIDTH,
        num_hidden_layers=2,
        num_attention_heads=2,
    )
    pipe = diffusers.HunyuanDiTPipeline(
        vae=autoencoder(halvings=3),
        text_encoder=BertModel(bert),
        tokenizer=bert_tokenizer(),
        text_encoder_2=t5_encoder(),
        tokenizer_2=t5_tokenizer(),
        transformer=diffusers.HunyuanDiT2DModel(
            sample_size=8,
            num_layers=2,
            patch_size=2,
            attention_head_dim=8,
            num_attention_heads=3,
            in_channels=4,
            cross_attention_dim=WIDTH,
            cross_attention_dim_t5=WIDTH,
            pooled_projection_dim=16,
            hidden_size=24,
            activation_fn="gelu-approximate",
        ),
        scheduler=diffusers.DDPMScheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    return pipe, sized(use_resolution_binning=False)
