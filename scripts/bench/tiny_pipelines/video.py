"""Video, the families that most people have: Wan, LTX, Hunyuan, CogVideoX, Mochi."""

from __future__ import annotations

from typing import Any

import diffusers
from transformers import LlamaConfig, LlamaModel

from .components import (
    VOCABULARY,
    WIDTH,
    clip_text,
    clip_tokenizer,
    clip_vision,
    embedded_prompt,
    flow_scheduler,
    gemma_tokenizer,
    picture,
    t5_encoder,
    t5_tokenizer,
    with_prompt,
)
from .registry import Built, tiny


def short(frames: int = 9, **arguments: Any) -> dict[str, Any]:
    """Return the arguments of a call of four steps for a few small frames."""
    size = {"height": 32, "width": 32, "num_frames": frames, "max_sequence_length": 16}
    return with_prompt(**{**size, **arguments})


def wan_transformer(**changes: Any) -> Any:
    """Build Wan's denoiser."""
    return diffusers.WanTransformer3DModel(
        **{
            "patch_size": (1, 2, 2),
            "num_attention_heads": 2,
            "attention_head_dim": 12,
            "in_channels": 16,
            "out_channels": 16,
            "text_dim": WIDTH,
            "freq_dim": 32,
            "ffn_dim": 32,
            "num_layers": 2,
            "rope_max_seq_len": 32,
            **changes,
        }
    )


def wan_vae() -> Any:
    """Build Wan's autoencoder, which makes one of four frames and one of eight by eight pixels."""
    return diffusers.AutoencoderKLWan(
        base_dim=3,
        z_dim=16,
        dim_mult=[1, 1, 1, 1],
        num_res_blocks=1,
        temperal_downsample=[False, True, True],
    )


def wan_parts(**transformer_changes: Any) -> dict[str, Any]:
    """Build what those of Wan have in common."""
    return {
        "tokenizer": t5_tokenizer(),
        "text_encoder": t5_encoder(),
        "vae": wan_vae(),
        "scheduler": diffusers.UniPCMultistepScheduler(
            prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0
        ),
        "transformer": wan_transformer(**transformer_changes),
    }


@tiny("WanPipeline", steps=4, produces="video")
def wan() -> Built:
    """Text to video, by one denoiser."""
    return diffusers.WanPipeline(**wan_parts()), short()


@tiny("WanPipeline (two denoisers)", steps=4, produces="video")
def wan_22() -> Built:
    """Text to video as in Wan 2.2: one denoiser for the noisy steps, another for the rest."""
    pipe = diffusers.WanPipeline(**wan_parts(), transformer_2=wan_transformer(), boundary_ratio=0.875)
    return pipe, short()


@tiny("WanImageToVideoPipeline", steps=4, produces="video")
def wan_image_to_video() -> Built:
    """A video that begins with a picture."""
    vision = clip_vision(width=8)
    pipe = diffusers.WanImageToVideoPipeline(
        **wan_parts(in_channels=36, image_dim=8),
        image_encoder=vision["image_encoder"],
        image_processor=vision["feature_extractor"],
    )
    return pipe, short(image=picture(32), **embedded_prompt())


@tiny("WanVideoToVideoPipeline", steps=3, produces="video")
def wan_video_to_video() -> Built:
    """A video like another one: three of four steps."""
    pipe = diffusers.WanVideoToVideoPipeline(**wan_parts())
    arguments = short(video=[picture(32)] * 9, strength=0.75, **embedded_prompt())
    del arguments["num_frames"]
    return pipe, arguments


def ltx_parts() -> dict[str, Any]:
    """Build what both of LTX have in common."""
    vae = diffusers.AutoencoderKLLTXVideo(
        latent_channels=8,
        block_out_channels=(8, 8, 8, 8),
        decoder_block_out_channels=(8, 8, 8, 8),
        layers_per_block=(1, 1, 1, 1, 1),
        decoder_layers_per_block=(1, 1, 1, 1, 1),
        spatio_temporal_scaling=(True, True, False, False),
        decoder_spatio_temporal_scaling=(True, True, False, False),
        patch_size=1,
        patch_size_t=1,
    )
    return {
        "scheduler": flow_scheduler(),
        "vae": vae,
        "text_encoder": t5_encoder(),
        "tokenizer": t5_tokenizer(),
        "transformer": diffusers.LTXVideoTransformer3DModel(
            in_channels=8,
            out_channels=8,
            num_attention_heads=4,
            attention_head_dim=8,
            cross_attention_dim=32,
            num_layers=1,
            caption_channels=WIDTH,
        ),
    }


@tiny("LTXPipeline", steps=4, produces="video")
def ltx() -> Built:
    """Text to video, its latents in one row."""
    return diffusers.LTXPipeline(**ltx_parts()), short()


@tiny("LTXImageToVideoPipeline", steps=4, produces="video")
def ltx_image_to_video() -> Built:
    """A video that begins with a picture."""
    return diffusers.LTXImageToVideoPipeline(**ltx_parts()), short(image=picture(32))


def hunyuan_text() -> dict[str, Any]:
    """Build both text encoders of Hunyuan, and the scheduler."""
    llama = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=4,
        num_attention_heads=2,
        pad_token_id=0,
    )
    return {
        "text_encoder": LlamaModel(llama),
        "tokenizer": gemma_tokenizer(),
        "text_encoder_2": clip_text(),
        "tokenizer_2": clip_tokenizer(),
        "scheduler": flow_scheduler(shift=7.0),
    }


@tiny("HunyuanVideoPipeline", steps=4, produces="video")
def hunyuan_video() -> Built:
    """Text to video, by two text encoders."""
    pipe = diffusers.HunyuanVideoPipeline(
        **hunyuan_text(),
        transformer=diffusers.HunyuanVideoTransformer3DModel(
            in_channels=4,
            out_channels=4,
            num_attention_heads=2,
            attention_head_dim=10,
            num_layers=1,
            num_single_layers=1,
            num_refiner_layers=1,
            patch_size=1,
            patch_size_t=1,
            text_embed_dim=16,
            pooled_projection_dim=WIDTH,
            rope_axes_dim=(2, 4, 4),
        ),
        vae=hunyuan_vae(),
    )
    return pipe, short(prompt_template={"template": "{}", "crop_start": 0})


def hunyuan_vae() -> Any:
    """Build the autoencoder of Hunyuan and of Kandinsky 5."""
    return diffusers.AutoencoderKLHunyuanVideo(
        latent_channels=4,
        down_block_types=("HunyuanVideoDownBlock3D",) * 4,
        up_block_types=("HunyuanVideoUpBlock3D",) * 4,
        block_out_channels=(8, 8, 8, 8),
        layers_per_block=1,
        norm_num_groups=4,
    )


def cogvideox_parts(in_channels: int = 4) -> dict[str, Any]:
    """Build what those of CogVideoX have in common."""
    return {
        "tokenizer": t5_tokenizer(),
        "text_encoder": t5_encoder(),
        "vae": diffusers.AutoencoderKLCogVideoX(
            latent_channels=4,
            down_block_types=("CogVideoXDownBlock3D",) * 4,
            up_block_types=("CogVideoXUpBlock3D",) * 4,
            block_out_channels=(8, 8, 8, 8),
            layers_per_block=1,
            norm_num_groups=2,
        ),
        "transformer": diffusers.CogVideoXTransformer3DModel(
            num_attention_heads=2,
            attention_head_dim=16,
            in_channels=in_channels,
            out_channels=4,
            time_embed_dim=2,
            text_embed_dim=WIDTH,
            num_layers=1,
            sample_width=4,
            sample_height=4,
            sample_frames=9,
            max_text_seq_length=16,
            use_rotary_positional_embeddings=True,
        ),
        "scheduler": diffusers.CogVideoXDPMScheduler(),
    }


@tiny("CogVideoXPipeline", steps=4, produces="video")
def cogvideox() -> Built:
    """Text to video."""
    return diffusers.CogVideoXPipeline(**cogvideox_parts()), short()


@tiny("CogVideoXImageToVideoPipeline", steps=4, produces="video")
def cogvideox_image_to_video() -> Built:
    """A video that begins with a picture."""
    pipe = diffusers.CogVideoXImageToVideoPipeline(**cogvideox_parts(in_channels=8))
    return pipe, short(image=picture(32))
