"""One call, several loops one after another, and a bar that begins anew for each."""

from __future__ import annotations

from typing import Any

import diffusers
from diffusers.pipelines.deprecated.unclip import UnCLIPTextProjModel
from diffusers.pipelines.stable_diffusion import StableUnCLIPImageNormalizer
from transformers import SiglipImageProcessor, SiglipVisionConfig, SiglipVisionModel

from .components import (
    WIDTH,
    autoencoder,
    clip_text,
    clip_tokenizer,
    embedded_prompt,
    picture,
    t5_encoder,
    t5_tokenizer,
    unet,
    with_prompt,
)
from .registry import Built, tiny
from .two_stages import PRIOR_STEPS, added_attention
from .video import hunyuan_text, hunyuan_vae, short, wan_vae


def prior() -> Any:
    """Build what makes the embedding of a picture out of that of a text."""
    network = diffusers.PriorTransformer(
        num_attention_heads=2, attention_head_dim=12, embedding_dim=WIDTH, num_layers=1
    )
    network.clip_std.data.fill_(1.0)
    return network


@tiny("StableUnCLIPPipeline", steps=PRIOR_STEPS + 4)
def stable_unclip() -> Built:
    """An embedding and then the picture, both by its own bar; the older callback hears of the picture."""
    pipe = diffusers.StableUnCLIPPipeline(
        prior_tokenizer=clip_tokenizer(),
        prior_text_encoder=clip_text(projected=True),
        prior=prior(),
        prior_scheduler=diffusers.DDPMScheduler(variance_type="fixed_small_log", prediction_type="sample"),
        image_normalizer=StableUnCLIPImageNormalizer(embedding_dim=WIDTH),
        image_noising_scheduler=diffusers.DDPMScheduler(),
        tokenizer=clip_tokenizer(),
        text_encoder=clip_text(),
        unet=unet(class_embed_type="projection", projection_class_embeddings_input_dim=2 * WIDTH),
        scheduler=diffusers.DDIMScheduler(),
        vae=autoencoder(),
    )
    return pipe, with_prompt(prior_num_inference_steps=PRIOR_STEPS)


@tiny("UnCLIPPipeline", steps=PRIOR_STEPS + 4 + 2)
def unclip() -> Built:
    """An embedding, a small picture and a large one; it takes no callback of any kind."""
    enlarger = {
        "sample_size": 64,
        "in_channels": 6,
        "out_channels": 3,
        "block_out_channels": (32, 32),
        "layers_per_block": 1,
        "down_block_types": ("ResnetDownsampleBlock2D",) * 2,
        "up_block_types": ("ResnetUpsampleBlock2D",) * 2,
    }
    pipe = diffusers.UnCLIPPipeline(
        prior=prior(),
        decoder=added_attention(
            in_channels=3,
            out_channels=6,
            encoder_hid_dim=None,
            cross_attention_dim=WIDTH,
            class_embed_type="identity",
        ),
        text_encoder=clip_text(projected=True),
        tokenizer=clip_tokenizer(),
        text_proj=UnCLIPTextProjModel(
            clip_embeddings_dim=WIDTH, time_embed_dim=4 * WIDTH, cross_attention_dim=WIDTH
        ),
        super_res_first=diffusers.UNet2DModel(**enlarger),
        super_res_last=diffusers.UNet2DModel(**enlarger),
        prior_scheduler=diffusers.UnCLIPScheduler(variance_type="fixed_small_log", prediction_type="sample"),
        decoder_scheduler=diffusers.UnCLIPScheduler(variance_type="learned_range"),
        super_res_scheduler=diffusers.UnCLIPScheduler(variance_type="fixed_small_log"),
    )
    steps = {"decoder_num_inference_steps": 4, "super_res_num_inference_steps": 2}
    return pipe, {"prompt": "a red circle", "prior_num_inference_steps": PRIOR_STEPS, **steps}


@tiny("HunyuanVideoFramepackPipeline", steps=8, produces="video")
def framepack() -> Built:
    """A long video in two sections, each by a loop of its own."""
    vision = SiglipVisionConfig(
        hidden_size=WIDTH,
        intermediate_size=WIDTH,
        num_hidden_layers=1,
        num_attention_heads=2,
        image_size=32,
        patch_size=16,
    )
    pipe = diffusers.HunyuanVideoFramepackPipeline(
        **hunyuan_text(),
        transformer=diffusers.HunyuanVideoFramepackTransformer3DModel(
            in_channels=4,
            out_channels=4,
            num_attention_heads=2,
            attention_head_dim=10,
            num_layers=1,
            num_single_layers=1,
            num_refiner_layers=1,
            patch_size=2,
            patch_size_t=1,
            text_embed_dim=16,
            pooled_projection_dim=WIDTH,
            rope_axes_dim=(2, 4, 4),
            has_image_proj=True,
            image_proj_dim=WIDTH,
            has_clean_x_embedder=True,
        ),
        vae=hunyuan_vae(),
        image_encoder=SiglipVisionModel(vision),
        feature_extractor=SiglipImageProcessor(size={"height": 32, "width": 32}),
    )
    template = {"template": "{}", "crop_start": 0}
    return pipe, short(frames=17, image=picture(32), latent_window_size=3, prompt_template=template)


@tiny("HeliosPipeline", steps=8, produces="video")
def helios() -> Built:
    """A long video in two chunks, each by a loop of its own, upon the ones before."""
    pipe = diffusers.HeliosPipeline(
        tokenizer=t5_tokenizer(),
        text_encoder=t5_encoder(),
        vae=wan_vae(),
        scheduler=diffusers.HeliosScheduler(stage_range=[0, 1], stages=1, use_dynamic_shifting=True),
        transformer=diffusers.HeliosTransformer3DModel(
            num_attention_heads=2,
            attention_head_dim=12,
            in_channels=16,
            out_channels=16,
            text_dim=WIDTH,
            freq_dim=32,
            ffn_dim=32,
            num_layers=2,
            rope_dim=(4, 4, 4),
            has_multi_term_memory_patch=True,
            guidance_cross_attn=True,
            zero_history_timestep=True,
        ),
    )
    return pipe, short(frames=17, num_latent_frames_per_chunk=3, **embedded_prompt())
