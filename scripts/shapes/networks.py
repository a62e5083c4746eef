"""The parts of the model, untrained: ordinary ones of diffusers and transformers, only small."""

from __future__ import annotations

import json
from typing import Any

from shapes.language import WORDS

START, END = "<|startoftext|>", "<|endoftext|>"
TOKENS = 24
TEXT_WIDTH = 96
LATENT_CHANNELS = 4
LATENT_SPREAD_LOG = -6.0
"""Logarithm of the variance of latents around their mean: what img2img draws them with."""


def build_tokenizer() -> Any:
    """Return a CLIP tokenizer: each word of the language is one token, all other text is letters."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers
    from transformers import CLIPTokenizer

    letters = [chr(code) for code in range(33, 127)]
    learned = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    learned.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    trainer = trainers.BpeTrainer(
        vocab_size=10_000, min_frequency=1, end_of_word_suffix="</w>", show_progress=False
    )
    learned.train_from_iterator([" ".join(WORDS)], trainer)
    model = json.loads(learned.to_str())["model"]
    merges = [tuple(merge) if isinstance(merge, list) else tuple(merge.split()) for merge in model["merges"]]
    tokens = [START, END, *letters, *(f"{letter}</w>" for letter in letters)]
    tokens += [token for token in sorted(model["vocab"]) if token not in set(tokens)]
    vocabulary = {token: number for number, token in enumerate(tokens)}
    return CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=TOKENS)


def build_text_encoder(vocabulary: int) -> Any:
    """Return a CLIP text encoder for so many tokens."""
    from transformers import CLIPTextConfig, CLIPTextModel

    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=vocabulary,
            hidden_size=TEXT_WIDTH,
            intermediate_size=2 * TEXT_WIDTH,
            num_hidden_layers=2,
            num_attention_heads=4,
            max_position_embeddings=TOKENS,
            bos_token_id=0,
            eos_token_id=1,
            pad_token_id=1,
        )
    )


def build_autoencoder() -> Any:
    """Return a VAE that makes a picture eight times smaller in each direction."""
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        block_out_channels=(8, 16, 32, 64),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=1,
        latent_channels=LATENT_CHANNELS,
        # One group: with few channels in each, a normalization would wash an even colour out.
        norm_num_groups=1,
        mid_block_add_attention=False,
        sample_size=256,
        scaling_factor=1.0,
    )


def build_denoiser() -> Any:
    """Return a UNet that is told the prompt where the picture is smallest."""
    from diffusers import UNet2DConditionModel

    return UNet2DConditionModel(
        sample_size=32,
        in_channels=LATENT_CHANNELS,
        out_channels=LATENT_CHANNELS,
        block_out_channels=(24, 48, 128),
        layers_per_block=1,
        cross_attention_dim=TEXT_WIDTH,
        attention_head_dim=4,
        norm_num_groups=8,
        down_block_types=("DownBlock2D", "DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D", "UpBlock2D"),
    )


def build_noise_schedule() -> Any:
    """Return the schedule by which training adds noise; DDIM is the form that adds it to plain latents."""
    from diffusers import DDIMScheduler

    return DDIMScheduler(
        beta_start=1e-4,
        beta_end=0.02,
        beta_schedule="linear",
        prediction_type="v_prediction",
        timestep_spacing="trailing",
        clip_sample=False,
        steps_offset=1,
        set_alpha_to_one=True,
    )


def build_sampler() -> Any:
    """Return the sampler that uses that schedule best in few steps: Euler, which steps as DDIM does.

    DDIM itself looks its timestep up in a table each time, and so reads the device back in each step: the
    host would never be ahead of it. Euler keeps its sigmas on the host.
    """
    from diffusers import EulerDiscreteScheduler

    # What only DDIM asks for stays in the configuration, for whoever chooses DDIM.
    return EulerDiscreteScheduler.from_config(build_noise_schedule().config)
