"""What several tiny pipelines share: tokenizers, text encoders, autoencoders, pictures to begin with."""

from __future__ import annotations

import string
from typing import Any

import torch
from diffusers import AutoencoderKL, FlowMatchEulerDiscreteScheduler, UNet2DConditionModel
from PIL import Image
from transformers import (
    BertTokenizer,
    CLIPImageProcessor,
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
    CLIPVisionConfig,
    CLIPVisionModelWithProjection,
    GemmaTokenizer,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2Tokenizer,
    Qwen3Config,
    T5Config,
    T5EncoderModel,
    T5Tokenizer,
)

PROMPT = "a red circle"
CHARACTERS = string.ascii_letters + string.digits + string.punctuation
VOCABULARY = 256
"""Words of each text encoder: more than any of the tokenizers has."""
WIDTH = 32
"""Channels of each text encoder."""


def clip_tokenizer() -> Any:
    """Build a tokenizer that spells."""
    letters = string.ascii_lowercase + string.digits + string.punctuation
    words = ["<|startoftext|>", "<|endoftext|>", *letters, *(f"{c}</w>" for c in letters)]
    return CLIPTokenizer(vocab={word: i for i, word in enumerate(words)}, merges=[], model_max_length=77)


def t5_tokenizer(longest: int = 16) -> Any:
    """Build a tokenizer that spells and pads to `longest` where it is not told how far."""
    words = ["<pad>", "</s>", "<unk>", "▁", *CHARACTERS]
    return T5Tokenizer(
        vocab=[(word, -float(i > 2)) for i, word in enumerate(words)], extra_ids=0, model_max_length=longest
    )


def qwen_tokenizer() -> Any:
    """Build a tokenizer that spells and knows how a chat is marked."""
    names = ("endoftext", "im_start", "im_end", "vision_start", "vision_end", "image_pad")
    words = [*(f"<|{name}|>" for name in names), *CHARACTERS, "Ġ", "Ċ"]
    vocabulary = {word: i for i, word in enumerate(words)}
    tokenizer = Qwen2Tokenizer(vocab=vocabulary, merges=[], model_max_length=1024)
    tokenizer.chat_template = "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}{% endfor %}"
    return tokenizer


def gemma_tokenizer() -> Any:
    """Build a tokenizer that spells, for Gemma and for Llama."""
    words = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", "▁", *CHARACTERS]
    return GemmaTokenizer(vocab={word: i for i, word in enumerate(words)}, merges=[], add_bos_token=True)


def bert_tokenizer() -> Any:
    """Build a tokenizer that spells."""
    letters = string.ascii_lowercase + string.digits + string.punctuation
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{c}" for c in letters)]
    return BertTokenizer(vocab={word: i for i, word in enumerate(words)}, model_max_length=77)


def clip_text(*, projected: bool = False, width: int = WIDTH) -> Any:
    """Build CLIP's text encoder."""
    config = CLIPTextConfig(
        vocab_size=VOCABULARY,
        hidden_size=width,
        intermediate_size=width,
        num_hidden_layers=2,
        num_attention_heads=2,
        projection_dim=width,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=1,
    )
    return CLIPTextModelWithProjection(config) if projected else CLIPTextModel(config)


def clip_vision(*, image_size: int = 32, width: int = WIDTH) -> dict[str, Any]:
    """Build CLIP's image encoder, and what prepares a picture for it."""
    config = CLIPVisionConfig(
        hidden_size=width,
        projection_dim=width,
        intermediate_size=width,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=image_size,
        patch_size=image_size // 4,
    )
    return {
        "image_encoder": CLIPVisionModelWithProjection(config),
        "feature_extractor": CLIPImageProcessor(crop_size=image_size, size=image_size),
    }


def t5_encoder(width: int = WIDTH) -> Any:
    """Build T5's encoder."""
    config = T5Config(
        vocab_size=VOCABULARY, d_model=width, d_ff=width, d_kv=8, num_heads=4, num_layers=2, pad_token_id=0
    )
    return T5EncoderModel(config)


def qwen3_config() -> Any:
    """Build the configuration of a Qwen 3 of two layers."""
    return Qwen3Config(
        vocab_size=VOCABULARY,
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        head_dim=8,
        max_position_embeddings=1024,
    )


def qwen_vl() -> Any:
    """Build a Qwen 2.5 that could look at pictures."""
    return Qwen2_5_VLForConditionalGeneration(
        Qwen2_5_VLConfig(
            text_config={
                "vocab_size": VOCABULARY,
                "bos_token_id": 0,
                "eos_token_id": 0,
                "hidden_size": 16,
                "intermediate_size": 16,
                "num_hidden_layers": 2,
                "num_attention_heads": 2,
                "num_key_value_heads": 2,
                "rope_parameters": {
                    "rope_type": "default",
                    "rope_theta": 1e6,
                    "mrope_section": [1, 1, 2],
                },
            },
            vision_config={
                "depth": 2,
                "hidden_size": 16,
                "intermediate_size": 16,
                "num_heads": 2,
                "out_hidden_size": 16,
            },
            vision_start_token_id=3,
            vision_end_token_id=4,
            image_token_id=5,
            video_token_id=6,
        )
    )


def autoencoder(*, latent_channels: int = 4, halvings: int = 1, **changes: Any) -> Any:
    """Build an autoencoder that makes a picture smaller by two to the power of `halvings`."""
    blocks = halvings + 1
    return AutoencoderKL(
        **{
            "latent_channels": latent_channels,
            "block_out_channels": (8,) * blocks,
            "down_block_types": ("DownEncoderBlock2D",) * blocks,
            "up_block_types": ("UpDecoderBlock2D",) * blocks,
            "norm_num_groups": 2,
            "sample_size": 64,
            **changes,
        }
    )


def flow_autoencoder(latent_channels: int = 4, halvings: int = 1, **changes: Any) -> Any:
    """Build an autoencoder as pipelines of transformers have it."""
    return autoencoder(
        latent_channels=latent_channels,
        halvings=halvings,
        use_quant_conv=False,
        use_post_quant_conv=False,
        scaling_factor=1.5,
        shift_factor=0.06,
        **changes,
    )


def unet(**changes: Any) -> Any:
    """Build a denoiser of Stable Diffusion's kind."""
    return UNet2DConditionModel(
        **{
            "sample_size": 32,
            "block_out_channels": (8, 16),
            "layers_per_block": 1,
            "norm_num_groups": 2,
            "attention_head_dim": 4,
            "cross_attention_dim": WIDTH,
            "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
            "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"),
            **changes,
        }
    )


def flow_scheduler(**changes: Any) -> Any:
    """Build the scheduler of most transformers."""
    return FlowMatchEulerDiscreteScheduler(**changes)


def picture(width: int = 64, height: int | None = None) -> Any:
    """Return a picture to begin with: a gradient, the same each time."""
    height = height or width
    ramp = torch.linspace(0, 255, width).repeat(height, 1).to(torch.uint8)
    return Image.fromarray(torch.stack([ramp, ramp.flip(1), ramp // 2], dim=-1).numpy())


def mask(width: int = 64) -> Any:
    """Return a mask whose right half is to be painted."""
    black = Image.new("L", (width, width), 0)
    black.paste(255, (width // 2, 0, width, width))
    return black


def with_prompt(**arguments: Any) -> dict[str, Any]:
    """Return the arguments of a call of four steps, and whatever else is said."""
    return {"prompt": PROMPT, "num_inference_steps": 4, **arguments}


def embedded_prompt() -> dict[str, Any]:
    """Return a prompt that is encoded already, where diffusers would clean a text by a package not here."""
    embedding = torch.linspace(-1, 1, 16 * WIDTH).reshape(1, 16, WIDTH)
    return {"prompt": None, "prompt_embeds": embedding, "negative_prompt_embeds": -embedding}
