"""The parts of the model of moving shapes, untrained: those of Wan, only small."""

from __future__ import annotations

from typing import Any

import torch

from shapes.moving import COLOURS, SHAPES, WAYS

LATENT_CHANNELS = 4
TEXT_WIDTH = 32
TOKENS = 512
"""To which Wan's pipeline pads each prompt."""
STEPS_OF_NOISE = 1000


def build_tokenizer() -> Any:
    """Return a T5 tokenizer: each word of the language is one token, all other text is letters."""
    from transformers import T5Tokenizer

    words = ["<pad>", "</s>", "<unk>", "▁", *(chr(code) for code in range(33, 127))]
    words += [f"▁{word}" for word in ("a", "moving", *COLOURS, *SHAPES, *WAYS)]
    scores = [(word, 0.0 if len(word) > 1 else -10.0) for word in words]
    return T5Tokenizer(vocab=scores, extra_ids=0, model_max_length=TOKENS)


def build_text_encoder() -> Any:
    """Return an encoder that is never trained: it only has to tell words apart; the denoiser learns them."""
    from transformers import UMT5Config, UMT5EncoderModel

    torch.manual_seed(1)
    config = UMT5Config(
        vocab_size=128,
        d_model=TEXT_WIDTH,
        d_kv=16,
        d_ff=2 * TEXT_WIDTH,
        num_layers=1,
        num_heads=2,
        pad_token_id=0,
        eos_token_id=1,
    )
    return UMT5EncoderModel(config).eval().requires_grad_(False)


def build_autoencoder() -> Any:
    """Return a VAE that makes a film eight times smaller to each side, and four frames one."""
    from diffusers import AutoencoderKLWan

    return AutoencoderKLWan(
        base_dim=8,
        z_dim=LATENT_CHANNELS,
        dim_mult=[1, 2, 4, 4],
        num_res_blocks=1,
        temperal_downsample=[False, True, True],
        latents_mean=[0.0] * LATENT_CHANNELS,
        latents_std=[1.0] * LATENT_CHANNELS,
    )


def build_denoiser() -> Any:
    """Return a transformer that looks at patches of 2 x 2 latents of every frame at once."""
    from diffusers import WanTransformer3DModel

    return WanTransformer3DModel(
        patch_size=(1, 2, 2),
        num_attention_heads=4,
        attention_head_dim=24,
        in_channels=LATENT_CHANNELS,
        out_channels=LATENT_CHANNELS,
        text_dim=TEXT_WIDTH,
        freq_dim=64,
        ffn_dim=192,
        num_layers=4,
        rope_max_seq_len=64,
    )


def build_sampler() -> Any:
    """Return the sampler: straight from noise to picture, with more steps where there is much noise."""
    from diffusers import FlowMatchEulerDiscreteScheduler

    return FlowMatchEulerDiscreteScheduler(num_train_timesteps=STEPS_OF_NOISE, shift=2.0)
