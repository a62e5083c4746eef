"""Pictures, the families that fewer people have."""

from __future__ import annotations

from typing import Any

import diffusers
from transformers import (
    ByT5Tokenizer,
    LlamaConfig,
    LlamaForCausalLM,
    Qwen3Model,
    Qwen3VLConfig,
    Qwen3VLModel,
    T5Config,
    T5EncoderModel,
)

from .components import (
    WIDTH,
    autoencoder,
    clip_text,
    clip_tokenizer,
    flow_autoencoder,
    flow_scheduler,
    gemma_tokenizer,
    qwen3_config,
    qwen_tokenizer,
    qwen_vl,
    t5_encoder,
    t5_tokenizer,
    with_prompt,
)
from .registry import Built, tiny
from .transformers_image import SMALL
from .transformers_newer import qwen_image_vae, sized


def byte_encoder() -> dict[str, Any]:
    """Build the second text encoder of the newer Hunyuan, which reads bytes."""
    config = T5Config(vocab_size=512, d_model=WIDTH, d_ff=WIDTH, d_kv=8, num_heads=4, num_layers=1)
    return {"text_encoder_2": T5EncoderModel(config), "tokenizer_2": ByT5Tokenizer()}


@tiny("BriaPipeline", steps=4)
def bria() -> Built:
    """Text to image."""
    pipe = diffusers.BriaPipeline(
        transformer=diffusers.BriaTransformer2DModel(
            patch_size=1,
            in_channels=16,
            num_layers=1,
            num_single_layers=1,
            attention_head_dim=8,
            num_attention_heads=2,
            joint_attention_dim=WIDTH,
            axes_dims_rope=[0, 4, 4],
        ),
        scheduler=flow_scheduler(),
        vae=autoencoder(shift_factor=0),
        text_encoder=t5_encoder(),
        tokenizer=t5_tokenizer(),
    )
    return pipe, sized()


@tiny("OvisImagePipeline", steps=4)
def ovis() -> Built:
    """Text to image."""
    pipe = diffusers.OvisImagePipeline(
        scheduler=flow_scheduler(),
        vae=flow_autoencoder(),
        text_encoder=Qwen3Model(qwen3_config()),
        tokenizer=qwen_tokenizer(),
        transformer=diffusers.OvisImageTransformer2DModel(
            patch_size=1,
            in_channels=16,
            out_channels=16,
            num_layers=1,
            num_single_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=16,
            axes_dims_rope=(4, 4, 8),
        ),
    )
    return pipe, sized(max_sequence_length=256)


@tiny("HunyuanImagePipeline", steps=5)
def hunyuan_image() -> Built:
    """Text to image; a guider asks for the evaluations of each step, and it takes the newer callback."""
    pipe = diffusers.HunyuanImagePipeline(
        scheduler=flow_scheduler(shift=7.0),
        vae=diffusers.AutoencoderKLHunyuanImage(
            in_channels=3,
            out_channels=3,
            latent_channels=4,
            block_out_channels=(32, 32, 32, 32),
            layers_per_block=1,
            spatial_compression_ratio=8,
            sample_size=64,
            scaling_factor=0.476986,
        ),
        text_encoder=qwen_vl(),
        tokenizer=qwen_tokenizer(),
        transformer=diffusers.HunyuanImageTransformer2DModel(
            in_channels=4,
            out_channels=4,
            num_attention_heads=2,
            attention_head_dim=8,
            num_layers=1,
            num_single_layers=1,
            num_refiner_layers=1,
            patch_size=(1, 1),
            text_embed_dim=16,
            text_embed_2_dim=WIDTH,
            rope_axes_dim=(4, 4),
        ),
        guider=diffusers.AdaptiveProjectedMixGuidance(adaptive_projected_guidance_start_step=2),
        ocr_guider=diffusers.AdaptiveProjectedMixGuidance(adaptive_projected_guidance_start_step=3),
        **byte_encoder(),
    )
    pipe.tokenizer_max_length = 64
    return pipe, with_prompt(height=64, width=64, num_inference_steps=5)


@tiny("Krea2Pipeline", steps=4)
def krea2() -> Built:
    """Text to image; the denoiser sees several layers of the text encoder."""
    language = Qwen3VLConfig(
        text_config={**SMALL, "bos_token_id": 0, "eos_token_id": 0},
        vision_config={
            "depth": 1,
            "hidden_size": 16,
            "intermediate_size": 16,
            "num_heads": 2,
            "out_hidden_size": 16,
            "deepstack_visual_indexes": [0],
        },
    )
    pipe = diffusers.Krea2Pipeline(
        scheduler=flow_scheduler(use_dynamic_shifting=True),
        vae=qwen_image_vae(),
        text_encoder=Qwen3VLModel(language),
        tokenizer=qwen_tokenizer(),
        transformer=diffusers.Krea2Transformer2DModel(
            in_channels=16,
            num_layers=2,
            attention_head_dim=8,
            num_attention_heads=4,
            num_key_value_heads=2,
            intermediate_size=32,
            timestep_embed_dim=8,
            text_hidden_dim=16,
            num_text_layers=2,
            text_num_attention_heads=2,
            text_num_key_value_heads=1,
            text_intermediate_size=16,
            num_layerwise_text_blocks=1,
            num_refiner_text_blocks=1,
            axes_dims_rope=(4, 2, 2),
        ),
        text_encoder_select_layers=(1, 2),
    )
    return pipe, sized(max_sequence_length=512)


@tiny("HiDreamImagePipeline", steps=4)
def hidream() -> Built:
    """Text to image, by four text encoders and a mixture of experts."""
    language = LlamaForCausalLM(LlamaConfig(**SMALL, pad_token_id=0))
    pipe = diffusers.HiDreamImagePipeline(
        scheduler=flow_scheduler(),
        vae=flow_autoencoder(halvings=3),
        text_encoder=clip_text(projected=True),
        tokenizer=clip_tokenizer(),
        text_encoder_2=clip_text(projected=True),
        tokenizer_2=clip_tokenizer(),
        text_encoder_3=t5_encoder(),
        tokenizer_3=t5_tokenizer(),
        text_encoder_4=language,
        tokenizer_4=gemma_tokenizer(),
        transformer=diffusers.HiDreamImageTransformer2DModel(
            patch_size=2,
            in_channels=4,
            out_channels=4,
            num_layers=1,
            num_single_layers=1,
            attention_head_dim=8,
            num_attention_heads=4,
            caption_channels=[WIDTH, 16],
            text_emb_dim=2 * WIDTH,
            num_routed_experts=4,
            num_activated_experts=2,
            axes_dims_rope=(4, 2, 2),
            max_resolution=(32, 32),
            llama_layers=(0, 1),
        ),
    )
    # It makes every picture as large as its usual one.
    pipe.default_sample_size = 8
    return pipe, sized(max_sequence_length=16)


@tiny("AmusedPipeline", steps=4)
def amused() -> Built:
    """Tokens unmasked instead of latents denoised: whole numbers; it takes the older callback."""
    pipe = diffusers.AmusedPipeline(
        vqvae=diffusers.VQModel(
            block_out_channels=(8, 8),
            down_block_types=("DownEncoderBlock2D",) * 2,
            up_block_types=("UpDecoderBlock2D",) * 2,
            latent_channels=8,
            norm_num_groups=4,
            num_vq_embeddings=16,
            lookup_from_codebook=True,
        ),
        tokenizer=clip_tokenizer(),
        text_encoder=clip_text(projected=True),
        transformer=diffusers.UVit2DModel(
            hidden_size=16,
            cond_embed_dim=WIDTH,
            encoder_hidden_size=WIDTH,
            micro_cond_encode_dim=2,
            micro_cond_embed_dim=10,
            vocab_size=20,
            codebook_size=16,
            in_channels=8,
            block_out_channels=8,
            num_res_blocks=1,
            block_num_heads=1,
            num_hidden_layers=1,
            num_attention_heads=1,
            intermediate_size=16,
            sample_size=16,
        ),
        scheduler=diffusers.AmusedScheduler(mask_token_id=19),
    )
    return pipe, with_prompt()
