"""Pictures of pixels and of classes, depth, solids, and a picture with its text."""

from __future__ import annotations

from typing import Any

import diffusers
from diffusers.pipelines.deprecated.unidiffuser import UniDiffuserModel, UniDiffuserTextDecoder
from diffusers.pipelines.shap_e import ShapERenderer

from .components import (
    VOCABULARY,
    WIDTH,
    autoencoder,
    clip_text,
    clip_tokenizer,
    clip_vision,
    picture,
    qwen_tokenizer,
    t5_encoder,
    t5_tokenizer,
    unet,
    with_prompt,
)
from .registry import Built, tiny
from .two_stages import added_attention

PIXELS = {
    "sample_size": 16,
    "block_out_channels": (8, 16),
    "layers_per_block": 1,
    "norm_num_groups": 4,
    "down_block_types": ("DownBlock2D", "AttnDownBlock2D"),
    "up_block_types": ("AttnUpBlock2D", "UpBlock2D"),
}


def pixel_unet(**changes: Any) -> Any:
    """Build a denoiser of pixels, told nothing."""
    return diffusers.UNet2DModel(**{**PIXELS, **changes})


@tiny("DDPMPipeline", steps=5)
def ddpm() -> Built:
    """It takes no callback of any kind."""
    pipe = diffusers.DDPMPipeline(pixel_unet(), diffusers.DDPMScheduler())
    return pipe, {"num_inference_steps": 5}


@tiny("DDIMPipeline", steps=5)
def ddim() -> Built:
    """It takes no callback of any kind."""
    pipe = diffusers.DDIMPipeline(pixel_unet(), diffusers.DDIMScheduler())
    return pipe, {"num_inference_steps": 5, "batch_size": 2}


@tiny("ConsistencyModelPipeline", steps=3)
def consistency_model() -> Built:
    """It takes the older callback."""
    scheduler = diffusers.CMStochasticIterativeScheduler(num_train_timesteps=40)
    return diffusers.ConsistencyModelPipeline(pixel_unet(), scheduler), {"num_inference_steps": 3}


@tiny("DiTPipeline", steps=4)
def dit() -> Built:
    """A picture of a class; it takes no callback of any kind."""
    transformer = diffusers.DiTTransformer2DModel(
        sample_size=16,
        num_layers=2,
        patch_size=4,
        attention_head_dim=8,
        num_attention_heads=2,
        in_channels=4,
        out_channels=8,
        num_embeds_ada_norm=1000,
        norm_type="ada_norm_zero",
        norm_elementwise_affine=False,
    )
    pipe = diffusers.DiTPipeline(transformer, autoencoder(), diffusers.DDIMScheduler())
    return pipe, {"class_labels": [1], "num_inference_steps": 4}


@tiny("LDMTextToImagePipeline", steps=4)
def latent_diffusion() -> Built:
    """What Stable Diffusion came from; it takes no callback of any kind."""
    pipe = diffusers.LDMTextToImagePipeline(
        vqvae=autoencoder(),
        bert=clip_text(),
        tokenizer=clip_tokenizer(),
        unet=unet(),
        scheduler=diffusers.DDIMScheduler(),
    )
    return pipe, with_prompt(height=64, width=64)


@tiny("LDMSuperResolutionPipeline", steps=4)
def super_resolution() -> Built:
    """A larger picture of the same; it takes no callback of any kind."""
    vqvae = diffusers.VQModel(
        block_out_channels=(8, 8),
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        latent_channels=3,
        norm_num_groups=4,
        num_vq_embeddings=16,
    )
    denoiser = pixel_unet(in_channels=6, out_channels=3, sample_size=32)
    pipe = diffusers.LDMSuperResolutionPipeline(vqvae, denoiser, diffusers.DDIMScheduler())
    return pipe, {"image": picture(32), "num_inference_steps": 4}


@tiny("IFPipeline", steps=4)
def deepfloyd() -> Built:
    """A small picture without any latents; it takes the older callback."""
    pipe = diffusers.IFPipeline(
        tokenizer=t5_tokenizer(longest=77),
        text_encoder=t5_encoder(),
        unet=added_attention(
            in_channels=3,
            out_channels=6,
            addition_embed_type="text",
            addition_embed_type_num_heads=2,
            cross_attention_norm="group_norm",
            act_fn="gelu",
        ),
        scheduler=diffusers.DDPMScheduler(variance_type="learned_range"),
        safety_checker=None,
        feature_extractor=None,
        watermarker=None,
        requires_safety_checker=False,
    )
    return pipe, with_prompt(clean_caption=False)


@tiny("MarigoldDepthPipeline", steps=4, produces="other")
def marigold_depth() -> Built:
    """The depth of a picture; its bar counts every picture of an ensemble, and it takes no callback."""
    pipe = diffusers.MarigoldDepthPipeline(
        unet=unet(in_channels=8),
        vae=autoencoder(),
        scheduler=diffusers.DDIMScheduler(prediction_type="v_prediction"),
        text_encoder=clip_text(),
        tokenizer=clip_tokenizer(),
        default_denoising_steps=4,
        default_processing_resolution=64,
        prediction_type="depth",
    )
    return pipe, {"image": picture(), "num_inference_steps": 4}


@tiny("ShapEPipeline", steps=5, produces="other")
def shap_e() -> Built:
    """The latents of a solid, for to look at it from all sides takes half a minute; it takes no callback."""
    prior = diffusers.PriorTransformer(
        num_attention_heads=2,
        attention_head_dim=8,
        embedding_dim=16,
        num_embeddings=32,
        embedding_proj_dim=16,
        time_embed_dim=64,
        num_layers=1,
        clip_embed_dim=32,
        additional_embeddings=0,
        time_embed_act_fn="gelu",
        norm_in_type="layer",
        encoder_hid_proj_type=None,
        added_emb_type=None,
    )
    renderer = ShapERenderer(
        param_shapes=((8, 93), (8, 8), (8, 8), (8, 8)), d_latent=16, d_hidden=8, background=(0.1,) * 3
    )
    scheduler = diffusers.HeunDiscreteScheduler(
        beta_schedule="exp", num_train_timesteps=1024, prediction_type="sample", use_karras_sigmas=True
    )
    text_encoder = clip_text(projected=True, width=16)
    pipe = diffusers.ShapEPipeline(prior, text_encoder, clip_tokenizer(), scheduler, renderer)
    return pipe, with_prompt(num_inference_steps=3, output_type="latent")


@tiny("UniDiffuserPipeline", steps=4)
def unidiffuser() -> Built:
    """A picture and its text in one denoiser, here the picture of a text; it takes the older callback."""
    vision = clip_vision()
    pipe = diffusers.UniDiffuserPipeline(
        vae=autoencoder(),
        text_encoder=clip_text(),
        image_encoder=vision["image_encoder"],
        clip_image_processor=vision["feature_extractor"],
        clip_tokenizer=clip_tokenizer(),
        text_decoder=UniDiffuserTextDecoder(
            prefix_length=77,
            prefix_inner_dim=WIDTH,
            prefix_hidden_dim=WIDTH,
            vocab_size=VOCABULARY,
            n_positions=128,
            n_embd=WIDTH,
            n_layer=1,
            n_head=2,
        ),
        text_tokenizer=qwen_tokenizer(),
        unet=UniDiffuserModel(
            text_dim=WIDTH,
            clip_img_dim=WIDTH,
            num_text_tokens=77,
            num_attention_heads=2,
            attention_head_dim=8,
            in_channels=4,
            out_channels=4,
            sample_size=32,
            patch_size=2,
            num_layers=2,
            norm_num_groups=4,
        ),
        scheduler=diffusers.DPMSolverMultistepScheduler(solver_order=2),
    )
    return pipe, with_prompt()
