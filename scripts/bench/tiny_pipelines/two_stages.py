"""Pictures by two loops, of an embedding and then of the picture, and what else is of their families."""

from __future__ import annotations

from typing import Any

import diffusers
import torch
from diffusers.pipelines.deprecated.wuerstchen import PaellaVQModel, WuerstchenDiffNeXt, WuerstchenPrior

from .components import (
    WIDTH,
    clip_text,
    clip_tokenizer,
    clip_vision,
    flow_autoencoder,
    flow_scheduler,
    picture,
    qwen_tokenizer,
    qwen_vl,
    t5_encoder,
    t5_tokenizer,
    with_prompt,
)
from .registry import Built, tiny

PRIOR_STEPS = 3


def movq() -> Any:
    """Build Kandinsky's autoencoder."""
    return diffusers.VQModel(
        block_out_channels=(32, 32),
        down_block_types=("DownEncoderBlock2D", "AttnDownEncoderBlock2D"),
        up_block_types=("AttnUpDecoderBlock2D", "UpDecoderBlock2D"),
        latent_channels=4,
        norm_num_groups=4,
        norm_type="spatial",
        num_vq_embeddings=12,
        vq_embed_dim=4,
    )


def added_attention(**changes: Any) -> Any:
    """Build a denoiser whose attention has the text's keys beside the picture's."""
    return diffusers.UNet2DConditionModel(
        **{
            "sample_size": 32,
            "down_block_types": ("ResnetDownsampleBlock2D", "SimpleCrossAttnDownBlock2D"),
            "up_block_types": ("SimpleCrossAttnUpBlock2D", "ResnetUpsampleBlock2D"),
            "mid_block_type": "UNetMidBlock2DSimpleCrossAttn",
            "block_out_channels": (32, 32),
            "layers_per_block": 1,
            "encoder_hid_dim": WIDTH,
            "cross_attention_dim": WIDTH,
            "attention_head_dim": 4,
            "resnet_time_scale_shift": "scale_shift",
            **changes,
        }
    )


def kandinsky_unet() -> Any:
    """Build the denoiser of Kandinsky 2.2, which also predicts a variance."""
    return added_attention(out_channels=8, addition_embed_type="image", encoder_hid_dim_type="image_proj")


@tiny("KandinskyV22Pipeline", steps=4)
def kandinsky_22() -> Built:
    """The second stage alone: the embedding of a picture is given."""
    pipe = diffusers.KandinskyV22Pipeline(
        unet=kandinsky_unet(), scheduler=diffusers.DDPMScheduler(), movq=movq()
    )
    embedding = torch.linspace(-1, 1, WIDTH)[None]
    return pipe, {
        "image_embeds": embedding,
        "negative_image_embeds": -embedding,
        "height": 64,
        "width": 64,
        "num_inference_steps": 4,
    }


@tiny("KandinskyV22CombinedPipeline", steps=PRIOR_STEPS + 4)
def kandinsky_22_combined() -> Built:
    """Both stages in one call; it takes a callback for each."""
    prior = diffusers.PriorTransformer(
        num_attention_heads=2, attention_head_dim=12, embedding_dim=WIDTH, num_layers=1
    )
    prior.clip_std.data.fill_(1.0)
    vision = clip_vision()
    pipe = diffusers.KandinskyV22CombinedPipeline(
        unet=kandinsky_unet(),
        scheduler=diffusers.DDPMScheduler(),
        movq=movq(),
        prior_prior=prior,
        prior_image_encoder=vision["image_encoder"],
        prior_image_processor=vision["feature_extractor"],
        prior_text_encoder=clip_text(projected=True),
        prior_tokenizer=clip_tokenizer(),
        prior_scheduler=diffusers.UnCLIPScheduler(variance_type="fixed_small_log", prediction_type="sample"),
    )
    return pipe, with_prompt(prior_num_inference_steps=PRIOR_STEPS, height=64, width=64)


def kandinsky_3_parts() -> dict[str, Any]:
    """Build what both of Kandinsky 3 have in common."""
    return {
        "tokenizer": t5_tokenizer(longest=128),
        "text_encoder": t5_encoder(),
        "unet": diffusers.Kandinsky3UNet(
            in_channels=4,
            time_embedding_dim=4,
            groups=2,
            attention_head_dim=4,
            layers_per_block=2,
            block_out_channels=(8, 16),
            cross_attention_dim=4,
            encoder_hid_dim=WIDTH,
        ),
        "scheduler": diffusers.DDPMScheduler(),
        "movq": movq(),
    }


@tiny("Kandinsky3Pipeline", steps=4)
def kandinsky_3() -> Built:
    """Text to image."""
    return diffusers.Kandinsky3Pipeline(**kandinsky_3_parts()), with_prompt(height=64, width=64)


@tiny("Kandinsky3Img2ImgPipeline", steps=3)
def kandinsky_3_image_to_image() -> Built:
    """Image to image: three of four steps."""
    pipe = diffusers.Kandinsky3Img2ImgPipeline(**kandinsky_3_parts())
    return pipe, with_prompt(image=picture(), strength=0.75)


def kandinsky_5_parts() -> dict[str, Any]:
    """Build what those of Kandinsky 5 have in common, all but the autoencoder."""
    return {
        "transformer": diffusers.Kandinsky5Transformer3DModel(
            in_visual_dim=4,
            in_text_dim=16,
            in_text_dim2=WIDTH,
            time_dim=16,
            out_visual_dim=4,
            patch_size=(1, 2, 2),
            model_dim=16,
            ff_dim=32,
            num_text_blocks=1,
            num_visual_blocks=2,
            axes_dims=(1, 1, 2),
        ),
        "text_encoder": qwen_vl(),
        "tokenizer": qwen_tokenizer(),
        "text_encoder_2": clip_text(),
        "tokenizer_2": clip_tokenizer(),
        "scheduler": flow_scheduler(shift=7.0),
    }


@tiny("Kandinsky5T2IPipeline", steps=4)
def kandinsky_5() -> Built:
    """Text to image."""
    pipe = diffusers.Kandinsky5T2IPipeline(**kandinsky_5_parts(), vae=flow_autoencoder(halvings=3))
    pipe.resolutions = [(64, 64)]
    return pipe, with_prompt(height=64, width=64)


@tiny("StableCascadeCombinedPipeline", steps=PRIOR_STEPS + 4)
def stable_cascade() -> Built:
    """A small picture of embeddings, then a larger one of latents; it takes a callback for each."""
    layers = {"down_num_layers_per_block": (1, 1), "up_num_layers_per_block": (1, 1)}
    prior = diffusers.StableCascadeUNet(
        conditioning_dim=32,
        block_out_channels=(32, 32),
        num_attention_heads=(2, 2),
        clip_image_in_channels=WIDTH,
        clip_text_in_channels=WIDTH,
        clip_text_pooled_in_channels=WIDTH,
        switch_level=(False,),
        **layers,
    )
    layer = ("SDCascadeResBlock", "SDCascadeTimestepBlock", "SDCascadeAttnBlock")
    decoder = diffusers.StableCascadeUNet(
        in_channels=4,
        out_channels=4,
        conditioning_dim=32,
        block_out_channels=(16, 32),
        num_attention_heads=(-1, 2),
        block_types_per_layer=(layer[:2], layer),
        **layers,
        dropout=(0.0, 0.0),
        kernel_size=3,
        patch_size=2,
        clip_text_pooled_in_channels=WIDTH,
        effnet_in_channels=16,
    )
    vision = clip_vision()
    pipe = diffusers.StableCascadeCombinedPipeline(
        tokenizer=clip_tokenizer(),
        text_encoder=clip_text(projected=True),
        decoder=decoder,
        scheduler=diffusers.DDPMWuerstchenScheduler(),
        vqgan=PaellaVQModel(bottleneck_blocks=1, num_vq_embeddings=16, embed_dim=16),
        prior_prior=prior,
        prior_text_encoder=clip_text(projected=True),
        prior_tokenizer=clip_tokenizer(),
        prior_scheduler=diffusers.DDPMWuerstchenScheduler(),
        prior_image_encoder=vision["image_encoder"],
        prior_feature_extractor=vision["feature_extractor"],
    )
    return pipe, with_prompt(prior_num_inference_steps=PRIOR_STEPS, height=128, width=128)


@tiny("WuerstchenCombinedPipeline", steps=PRIOR_STEPS + 4)
def wuerstchen() -> Built:
    """What Stable Cascade was made after."""
    pipe = diffusers.WuerstchenCombinedPipeline(
        tokenizer=clip_tokenizer(),
        text_encoder=clip_text(),
        decoder=WuerstchenDiffNeXt(
            c_cond=WIDTH,
            c_hidden=[16],
            nhead=[-1],
            blocks=[1],
            level_config=["CT"],
            clip_embd=WIDTH,
            inject_effnet=[False],
        ),
        scheduler=diffusers.DDPMWuerstchenScheduler(),
        vqgan=PaellaVQModel(bottleneck_blocks=1, num_vq_embeddings=16, embed_dim=16),
        prior_tokenizer=clip_tokenizer(),
        prior_text_encoder=clip_text(),
        prior_prior=WuerstchenPrior(c_in=2, c=8, depth=2, c_cond=WIDTH, c_r=8, nhead=2),
        prior_scheduler=diffusers.DDPMWuerstchenScheduler(),
    )
    return pipe, with_prompt(prior_num_inference_steps=PRIOR_STEPS, height=128, width=128)
