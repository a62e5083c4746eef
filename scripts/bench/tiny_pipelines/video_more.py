"""Video, the other families."""

from __future__ import annotations

from typing import Any

import diffusers

from .components import (
    WIDTH,
    autoencoder,
    clip_vision,
    embedded_prompt,
    flow_scheduler,
    picture,
    t5_encoder,
    t5_tokenizer,
    with_prompt,
)
from .registry import Built, tiny
from .stable_diffusion import BETAS, text_and_latents
from .two_stages import kandinsky_5_parts
from .video import hunyuan_vae, short, wan_vae


def motion_parts() -> dict[str, Any]:
    """Build what those of AnimateDiff have in common."""
    return {
        **text_and_latents(),
        "motion_adapter": diffusers.MotionAdapter(
            block_out_channels=(8, 16),
            motion_layers_per_block=1,
            motion_norm_num_groups=2,
            motion_num_attention_heads=2,
        ),
        "scheduler": diffusers.DDIMScheduler(**BETAS, clip_sample=False),
    }


@tiny("AnimateDiffPipeline", steps=4, produces="video")
def animate_diff() -> Built:
    """Text to video, by a denoiser of pictures with motion put in between."""
    return diffusers.AnimateDiffPipeline(**motion_parts()), with_prompt(num_frames=4, height=32, width=32)


@tiny("AnimateDiffPipeline (FreeInit)", steps=12, produces="video")
def animate_diff_free_init() -> Built:
    """The same loop three times over, each from a better noise; each time its bar begins anew."""
    pipe = diffusers.AnimateDiffPipeline(**motion_parts())
    pipe.enable_free_init(num_iters=3)
    return pipe, with_prompt(num_frames=4, height=32, width=32)


@tiny("AnimateDiffVideoToVideoPipeline", steps=3, produces="video")
def animate_diff_video_to_video() -> Built:
    """A video like another one: three of four steps."""
    pipe = diffusers.AnimateDiffVideoToVideoPipeline(**motion_parts())
    return pipe, with_prompt(video=[picture(32)] * 4, strength=0.75, height=32, width=32)


@tiny("StableVideoDiffusionPipeline", steps=4, produces="video")
def stable_video() -> Built:
    """A video that begins with a picture, without any text."""
    vae = diffusers.AutoencoderKLTemporalDecoder(
        block_out_channels=(32, 32), down_block_types=("DownEncoderBlock2D",) * 2
    )
    denoiser = diffusers.UNetSpatioTemporalConditionModel(
        sample_size=16,
        block_out_channels=(32, 32),
        layers_per_block=1,
        down_block_types=("CrossAttnDownBlockSpatioTemporal", "DownBlockSpatioTemporal"),
        up_block_types=("UpBlockSpatioTemporal", "CrossAttnUpBlockSpatioTemporal"),
        cross_attention_dim=WIDTH,
        num_attention_heads=2,
        addition_time_embed_dim=16,
        projection_class_embeddings_input_dim=48,
    )
    scheduler = diffusers.EulerDiscreteScheduler(
        prediction_type="v_prediction",
        sigma_max=700.0,
        sigma_min=0.002,
        timestep_type="continuous",
        use_karras_sigmas=True,
    )
    pipe = diffusers.StableVideoDiffusionPipeline(
        vae=vae, unet=denoiser, scheduler=scheduler, **clip_vision(image_size=224)
    )
    return pipe, {"image": picture(32), "height": 32, "width": 32, "num_frames": 4, "num_inference_steps": 4}


@tiny("TextToVideoSDPipeline", steps=4, produces="video")
def model_scope() -> Built:
    """Text to video, by the first denoiser of its kind; it takes the older callback."""
    denoiser = diffusers.UNet3DConditionModel(
        sample_size=16,
        block_out_channels=(8, 8),
        layers_per_block=1,
        down_block_types=("CrossAttnDownBlock3D", "DownBlock3D"),
        up_block_types=("UpBlock3D", "CrossAttnUpBlock3D"),
        cross_attention_dim=WIDTH,
        attention_head_dim=4,
        norm_num_groups=2,
    )
    parts = {**text_and_latents(), "unet": denoiser}
    return diffusers.TextToVideoSDPipeline(**parts), with_prompt(num_frames=4, height=32, width=32)


@tiny("LattePipeline", steps=4, produces="video")
def latte() -> Built:
    """Text to video, by attention in space and in time by turns."""
    pipe = diffusers.LattePipeline(
        tokenizer=t5_tokenizer(),
        text_encoder=t5_encoder(),
        vae=autoencoder(),
        transformer=diffusers.LatteTransformer3DModel(
            sample_size=16,
            num_layers=1,
            patch_size=2,
            attention_head_dim=8,
            num_attention_heads=3,
            caption_channels=WIDTH,
            in_channels=4,
            cross_attention_dim=24,
            out_channels=8,
            num_embeds_ada_norm=1000,
            norm_type="ada_norm_single",
            video_length=4,
        ),
        scheduler=diffusers.DDIMScheduler(),
    )
    return pipe, with_prompt(video_length=4, height=32, width=32, clean_caption=False)


@tiny("AllegroPipeline", steps=4, produces="video")
def allegro() -> Built:
    """Text to video, decoded in tiles."""
    vae = diffusers.AutoencoderKLAllegro(
        down_block_types=("AllegroDownBlock3D",) * 4,
        up_block_types=("AllegroUpBlock3D",) * 4,
        block_out_channels=(8, 8, 8, 8),
        latent_channels=4,
        layers_per_block=1,
        norm_num_groups=2,
        temporal_compression_ratio=4,
    )
    vae.enable_tiling()
    pipe = diffusers.AllegroPipeline(
        tokenizer=t5_tokenizer(),
        text_encoder=t5_encoder(),
        vae=vae,
        transformer=diffusers.AllegroTransformer3DModel(
            num_attention_heads=2,
            attention_head_dim=12,
            in_channels=4,
            out_channels=4,
            num_layers=1,
            cross_attention_dim=24,
            sample_width=8,
            sample_height=8,
            sample_frames=8,
            caption_channels=WIDTH,
        ),
        scheduler=diffusers.DDIMScheduler(),
    )
    return pipe, short(frames=8, height=16, width=16, clean_caption=False)


@tiny("MochiPipeline", steps=4, produces="video")
def mochi() -> Built:
    """Text to video."""
    transformer = diffusers.MochiTransformer3DModel(
        patch_size=2,
        num_attention_heads=2,
        attention_head_dim=8,
        num_layers=2,
        pooled_projection_dim=16,
        in_channels=12,
        text_embed_dim=WIDTH,
        time_embed_dim=4,
        max_sequence_length=16,
    )
    pipe = diffusers.MochiPipeline(
        scheduler=flow_scheduler(),
        vae=diffusers.AutoencoderKLMochi(
            latent_channels=12,
            encoder_block_out_channels=(32, 32, 32, 32),
            decoder_block_out_channels=(32, 32, 32, 32),
            layers_per_block=(1, 1, 1, 1, 1),
        ),
        text_encoder=t5_encoder(),
        tokenizer=t5_tokenizer(),
        transformer=transformer,
    )
    return pipe, short(frames=7, height=16, width=16)


@tiny("SkyReelsV2DiffusionForcingPipeline", steps=4, produces="video")
def sky_reels() -> Built:
    """Text to video, each frame with a noise of its own."""
    pipe = diffusers.SkyReelsV2DiffusionForcingPipeline(
        tokenizer=t5_tokenizer(),
        text_encoder=t5_encoder(),
        transformer=diffusers.SkyReelsV2Transformer3DModel(
            num_attention_heads=2,
            attention_head_dim=12,
            in_channels=16,
            out_channels=16,
            text_dim=WIDTH,
            freq_dim=32,
            ffn_dim=32,
            num_layers=2,
            rope_max_seq_len=32,
        ),
        vae=wan_vae(),
        scheduler=diffusers.UniPCMultistepScheduler(flow_shift=8.0, use_flow_sigmas=True),
    )
    return pipe, short(**embedded_prompt())


@tiny("Kandinsky5T2VPipeline", steps=4, produces="video")
def kandinsky_5_video() -> Built:
    """Text to video."""
    pipe = diffusers.Kandinsky5T2VPipeline(**kandinsky_5_parts(), vae=hunyuan_vae())
    return pipe, short(max_sequence_length=1000)
