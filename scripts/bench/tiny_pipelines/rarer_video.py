"""Video, the families that fewer people have."""

from __future__ import annotations

import diffusers
from diffusers.pipelines.ltx2 import LTX2TextConnectors, LTX2Vocoder
from transformers import Gemma2Config, Gemma2Model, Gemma3Config, Gemma3ForConditionalGeneration

from .components import WIDTH, flow_scheduler, gemma_tokenizer, qwen_tokenizer, qwen_vl, with_prompt
from .rarer import byte_encoder
from .registry import Built, tiny
from .transformers_image import SMALL
from .video import short, wan_vae


@tiny("SanaVideoPipeline", steps=4, produces="video")
def sana_video() -> Built:
    """Text to video, by linear attention."""
    pipe = diffusers.SanaVideoPipeline(
        tokenizer=gemma_tokenizer(),
        text_encoder=Gemma2Model(Gemma2Config(**SMALL)),
        vae=wan_vae(),
        transformer=diffusers.SanaVideoTransformer3DModel(
            in_channels=16,
            out_channels=16,
            num_attention_heads=2,
            attention_head_dim=12,
            num_layers=2,
            num_cross_attention_heads=2,
            cross_attention_head_dim=12,
            cross_attention_dim=24,
            caption_channels=16,
            sample_size=4,
            patch_size=(1, 2, 2),
            qk_norm="rms_norm_across_heads",
            rope_max_seq_len=32,
        ),
        scheduler=diffusers.DPMSolverMultistepScheduler(),
    )
    arguments = short(complex_human_instruction=None, use_resolution_binning=False)
    arguments["frames"] = arguments.pop("num_frames")
    return pipe, arguments


@tiny("HunyuanVideo15Pipeline", steps=4, produces="video")
def hunyuan_video_15() -> Built:
    """Text to video; a guider asks for the evaluations of each step, and it takes no callback of any kind."""
    pipe = diffusers.HunyuanVideo15Pipeline(
        text_encoder=qwen_vl().model.language_model,
        tokenizer=qwen_tokenizer(),
        transformer=diffusers.HunyuanVideo15Transformer3DModel(
            in_channels=9,
            out_channels=4,
            num_attention_heads=2,
            attention_head_dim=8,
            num_layers=1,
            num_refiner_layers=1,
            mlp_ratio=2.0,
            patch_size=1,
            patch_size_t=1,
            text_embed_dim=16,
            text_embed_2_dim=WIDTH,
            image_embed_dim=12,
            rope_axes_dim=(2, 2, 4),
            target_size=16,
            task_type="t2v",
        ),
        vae=diffusers.AutoencoderKLHunyuanVideo15(
            latent_channels=4,
            block_out_channels=(16, 16),
            layers_per_block=1,
            spatial_compression_ratio=4,
            temporal_compression_ratio=2,
            downsample_match_channel=False,
            upsample_match_channel=False,
        ),
        scheduler=flow_scheduler(shift=7.0),
        guider=diffusers.ClassifierFreeGuidance(guidance_scale=2.0),
        **byte_encoder(),
    )
    pipe.tokenizer_max_length = 64
    return pipe, with_prompt(height=16, width=16, num_frames=9)


@tiny("LTX2Pipeline", steps=4, produces="video")
def ltx2() -> Built:
    """A video and its sound in one loop."""
    language = Gemma3Config(
        text_config={**SMALL, "num_hidden_layers": 2},
        vision_config={
            "hidden_size": 16,
            "intermediate_size": 16,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "image_size": 32,
            "patch_size": 16,
        },
        mm_tokens_per_image=4,
    )
    vae = diffusers.AutoencoderKLLTX2Video(
        latent_channels=4,
        block_out_channels=(8,),
        decoder_block_out_channels=(8,),
        layers_per_block=(1,),
        decoder_layers_per_block=(1, 1),
        spatio_temporal_scaling=(True,),
        decoder_spatio_temporal_scaling=(True,),
        decoder_inject_noise=(False, False),
        downsample_type=("spatial",),
        upsample_residual=(False,),
        upsample_factor=(1,),
        timestep_conditioning=False,
        patch_size=1,
        patch_size_t=1,
    )
    audio_vae = diffusers.AutoencoderKLLTX2Audio(
        base_channels=4,
        ch_mult=(1,),
        num_res_blocks=1,
        resolution=32,
        latent_channels=2,
        mel_bins=8,
        mid_block_add_attention=False,
    )
    shape = {
        "num_attention_heads": 4,
        "attention_head_dim": 4,
        "num_layers": 1,
        "num_learnable_registers": None,
    }
    connectors = LTX2TextConnectors(
        caption_channels=16,
        text_proj_in_factor=3,
        **{f"{kind}_connector_{name}": value for kind in ("video", "audio") for name, value in shape.items()},
        connector_rope_base_seq_len=32,
        rope_theta=10000.0,
        rope_double_precision=False,
        causal_temporal_positioning=False,
        rope_type="split",
    )
    pipe = diffusers.LTX2Pipeline(
        scheduler=flow_scheduler(),
        vae=vae,
        audio_vae=audio_vae,
        text_encoder=Gemma3ForConditionalGeneration(language),
        tokenizer=gemma_tokenizer(),
        connectors=connectors,
        transformer=diffusers.LTX2VideoTransformer3DModel(
            in_channels=4,
            out_channels=4,
            patch_size=1,
            patch_size_t=1,
            num_attention_heads=2,
            attention_head_dim=8,
            cross_attention_dim=16,
            audio_in_channels=4,
            audio_out_channels=4,
            audio_num_attention_heads=2,
            audio_attention_head_dim=4,
            audio_cross_attention_dim=8,
            num_layers=1,
            caption_channels=16,
            rope_double_precision=False,
            rope_type="split",
        ),
        vocoder=LTX2Vocoder(
            in_channels=16,
            hidden_channels=32,
            out_channels=2,
            upsample_kernel_sizes=[4, 4],
            upsample_factors=[2, 2],
            resnet_kernel_sizes=[3],
            resnet_dilations=[[1, 3, 5]],
            output_sampling_rate=16000,
        ),
    )
    return pipe, short(frames=5, frame_rate=25.0)
