"""Sound."""

from __future__ import annotations

import diffusers
from diffusers.pipelines.ace_step import AceStepConditionEncoder
from diffusers.pipelines.audioldm2 import AudioLDM2ProjectionModel, AudioLDM2UNet2DConditionModel
from diffusers.pipelines.stable_audio import StableAudioProjectionModel
from transformers import (
    ClapConfig,
    ClapModel,
    GPT2Config,
    GPT2LMHeadModel,
    Qwen3Model,
    RobertaTokenizer,
    SpeechT5HifiGan,
    SpeechT5HifiGanConfig,
)

from .components import (
    CHARACTERS,
    VOCABULARY,
    WIDTH,
    autoencoder,
    flow_scheduler,
    qwen3_config,
    qwen_tokenizer,
    t5_encoder,
    t5_tokenizer,
    with_prompt,
)
from .registry import Built, tiny


@tiny("StableAudioPipeline", steps=4, produces="audio")
def stable_audio() -> Built:
    """A sound of two channels; it takes the older callback."""
    pipe = diffusers.StableAudioPipeline(
        vae=diffusers.AutoencoderOobleck(
            encoder_hidden_size=6,
            downsampling_ratios=[1, 2],
            decoder_channels=3,
            decoder_input_channels=3,
            audio_channels=2,
            channel_multiples=[2, 4],
            sampling_rate=4,
        ),
        text_encoder=t5_encoder(),
        projection_model=StableAudioProjectionModel(
            text_encoder_dim=WIDTH, conditioning_dim=4, min_value=0, max_value=32
        ),
        tokenizer=t5_tokenizer(),
        transformer=diffusers.StableAudioDiTModel(
            sample_size=4,
            in_channels=3,
            num_layers=2,
            attention_head_dim=4,
            num_attention_heads=4,
            num_key_value_attention_heads=2,
            out_channels=3,
            cross_attention_dim=4,
            time_proj_dim=8,
            global_states_input_dim=8,
            cross_attention_input_dim=4,
        ),
        scheduler=diffusers.EDMDPMSolverMultistepScheduler(),
    )
    return pipe, with_prompt()


@tiny("AudioLDM2Pipeline", steps=4, produces="audio")
def audio_ldm2() -> Built:
    """A sound, by way of a language model's guess at it; it takes the older callback."""
    text = {"vocab_size": VOCABULARY, "hidden_size": 8, "intermediate_size": 8, "num_attention_heads": 1}
    audio = {
        "spec_size": 8,
        "window_size": 4,
        "num_mel_bins": 8,
        "depths": [1, 1],
        "num_attention_heads": [1, 1],
        "hidden_size": 32,
        "patch_embeds_hidden_size": 16,
        "patch_size": 2,
        "patch_stride": 2,
    }
    clap = ClapConfig(
        text_config={**text, "num_hidden_layers": 1, "projection_dim": 8},
        audio_config={**audio, "projection_dim": 8},
        projection_dim=16,
    )
    words = {word: i for i, word in enumerate(["<s>", "<pad>", "</s>", "<unk>", "<mask>", *CHARACTERS, "Ġ"])}
    language_model = GPT2Config(n_embd=16, n_head=1, n_layer=1, vocab_size=VOCABULARY, n_positions=99)
    language_model.max_new_tokens = 8
    vocoder = SpeechT5HifiGanConfig(
        model_in_dim=8,
        upsample_initial_channel=16,
        upsample_rates=[2, 2],
        upsample_kernel_sizes=[4, 4],
        resblock_kernel_sizes=[3],
        resblock_dilation_sizes=[[1, 3]],
        normalize_before=False,
    )
    pipe = diffusers.AudioLDM2Pipeline(
        vae=autoencoder(in_channels=1, out_channels=1),
        text_encoder=ClapModel(clap),
        text_encoder_2=t5_encoder(),
        projection_model=AudioLDM2ProjectionModel(
            text_encoder_dim=16, text_encoder_1_dim=WIDTH, langauge_model_dim=16
        ),
        language_model=GPT2LMHeadModel(language_model),
        tokenizer=RobertaTokenizer(vocab=words, merges=[], model_max_length=77),
        tokenizer_2=t5_tokenizer(),
        feature_extractor=None,
        unet=AudioLDM2UNet2DConditionModel(
            sample_size=32,
            block_out_channels=(8, 16),
            layers_per_block=1,
            norm_num_groups=4,
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
            cross_attention_dim=((None, 16, WIDTH), (None, 16, WIDTH)),
        ),
        scheduler=diffusers.DDIMScheduler(),
        vocoder=SpeechT5HifiGan(vocoder),
    )
    return pipe, with_prompt(audio_length_in_s=0.02)


@tiny("AceStepPipeline", steps=4, produces="audio")
def ace_step() -> Built:
    """A piece of music with words to it."""
    shape = {
        "hidden_size": WIDTH,
        "intermediate_size": WIDTH,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 8,
        "sliding_window": 16,
    }
    pipe = diffusers.AceStepPipeline(
        vae=diffusers.AutoencoderOobleck(
            encoder_hidden_size=6,
            downsampling_ratios=[1, 2],
            decoder_channels=3,
            decoder_input_channels=8,
            audio_channels=2,
            channel_multiples=[2, 4],
            sampling_rate=4,
        ),
        text_encoder=Qwen3Model(qwen3_config()),
        tokenizer=qwen_tokenizer(),
        transformer=diffusers.AceStepTransformer1DModel(
            **shape, num_hidden_layers=2, in_channels=24, audio_acoustic_hidden_dim=8, patch_size=2
        ),
        condition_encoder=AceStepConditionEncoder(
            **shape,
            text_hidden_dim=16,
            timbre_hidden_dim=8,
            num_lyric_encoder_hidden_layers=1,
            num_timbre_encoder_hidden_layers=1,
        ),
        scheduler=flow_scheduler(num_train_timesteps=1, shift=1.0),
    )
    return pipe, with_prompt(lyrics="a red circle", audio_duration=4.0)
