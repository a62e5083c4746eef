"""Networks with random weights for the GPU lane, of the sizes that users run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

EMULATED_STEP_S = 0.06
#: With and without the prompt, as guidance asks for.
BATCH = 2
SD15: dict[str, Any] = {
    "sample_size": 64,
    "block_out_channels": (320, 640, 1280, 1280),
    "down_block_types": (*["CrossAttnDownBlock2D"] * 3, "DownBlock2D"),
    "up_block_types": ("UpBlock2D", *["CrossAttnUpBlock2D"] * 3),
    "cross_attention_dim": 768,
    "attention_head_dim": 8,
}
SDXL: dict[str, Any] = {
    "sample_size": 128,
    "block_out_channels": (320, 640, 1280),
    "down_block_types": ("DownBlock2D", *["CrossAttnDownBlock2D"] * 2),
    "up_block_types": (*["CrossAttnUpBlock2D"] * 2, "UpBlock2D"),
    "cross_attention_dim": 2048,
    "attention_head_dim": (5, 10, 20),
    "transformer_layers_per_block": (1, 2, 10),
    "use_linear_projection": True,
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 256,
    "projection_class_embeddings_input_dim": 2816,
}
#: Stable Diffusion 3 medium: 2.1 billion parameters.
SD3: dict[str, Any] = {
    "sample_size": 128,
    "patch_size": 2,
    "in_channels": 16,
    "out_channels": 16,
    "num_layers": 24,
    "attention_head_dim": 64,
    "num_attention_heads": 24,
    "joint_attention_dim": 4096,
    "caption_projection_dim": 1536,
    "pooled_projection_dim": 2048,
    "pos_embed_max_size": 192,
}
TINY: dict[str, Any] = {
    "sample_size": 32,
    "block_out_channels": (8, 16),
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"),
    "layers_per_block": 1,
    "norm_num_groups": 4,
    "cross_attention_dim": 16,
    "attention_head_dim": 2,
}
TINY_DIT: dict[str, Any] = {
    "sample_size": 32,
    "patch_size": 2,
    "in_channels": 16,
    "out_channels": 16,
    "num_layers": 1,
    "attention_head_dim": 4,
    "num_attention_heads": 2,
    "joint_attention_dim": 16,
    "caption_projection_dim": 8,
    "pooled_projection_dim": 16,
    "pos_embed_max_size": 64,
}


@dataclass(frozen=True)
class Network:
    """A network and the latents to run it at.

    Attributes:
        name: as the tables show it.
        config: of diffusers' UNet2DConditionModel, or of its SD3Transformer2DModel.
        latent_sizes: heights and widths of latents.
        memory_gib: free memory that it needs.
        is_transformer: which of the two it is.
    """

    name: str
    config: dict[str, Any]
    latent_sizes: tuple[int, ...]
    memory_gib: float
    is_transformer: bool = False


REAL = {
    "sd15": Network("SD1.5", SD15, (64, 128), 6.0),
    "sdxl": Network("SDXL", SDXL, (64, 128), 10.0),
    "dit": Network("SD3", SD3, (64, 128), 10.0, is_transformer=True),
}
EMULATED = {
    "sd15": Network("tiny", TINY, (32,), 0.0),
    "sdxl": Network("tiny", TINY, (32,), 0.0),
    "dit": Network("tiny DiT", TINY_DIT, (32,), 0.0, is_transformer=True),
}


def network_on(device: torch.device, name: str) -> Network:
    """Return the network of that name in the size that suits the device."""
    return (REAL if device.type == "cuda" else EMULATED)[name]


def build_network(network: Network, device: torch.device) -> Any:
    """Return the network on the device, with the same random weights each time.

    Raises:
        torch.OutOfMemoryError: there is too little memory for it.
    """
    from diffusers import SD3Transformer2DModel, UNet2DConditionModel

    model_class: Any = SD3Transformer2DModel if network.is_transformer else UNet2DConditionModel
    torch.manual_seed(0)
    if device.type == "cuda":
        if torch.cuda.mem_get_info(device)[0] < network.memory_gib * 2**30:
            raise torch.cuda.OutOfMemoryError(f"needs {network.memory_gib:.0f} GiB of free memory")
        # Drawn as they are used: twice the memory would be needed else.
        torch.set_default_dtype(torch.float16)
        try:
            with torch.device(device):  # and where they are used: the CPU takes a minute for SDXL
                model = model_class(**network.config).eval()
        finally:
            torch.set_default_dtype(torch.float32)
        return model.to(torch.float16).requires_grad_(False)
    from modules.emulated_device import slow_down

    model = model_class(**network.config).eval().requires_grad_(False).to(device)
    slow_down(model, lambda args, kwargs: EMULATED_STEP_S, network.name)
    return model


def build_step(
    model: Any, network: Network, size: int, device: torch.device
) -> tuple[torch.Tensor, Callable[[torch.Tensor], torch.Tensor]]:
    """Return first latents, and what queues one step of the bare loop and returns the latents behind it.

    Nothing in a step reads a value back or makes a tensor of the host's: it may be captured.
    """
    dtype = next(model.parameters()).dtype
    torch.manual_seed(1)

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, dtype=dtype).to(device)

    if network.is_transformer:
        prompt = draw(BATCH, 333, network.config["joint_attention_dim"])
        pooled = draw(BATCH, network.config["pooled_projection_dim"])
        times = torch.full((BATCH,), 500.0, dtype=dtype).to(device)

        def denoise(latents: torch.Tensor) -> Any:
            return model(
                hidden_states=latents,
                timestep=times,
                encoder_hidden_states=prompt,
                pooled_projections=pooled,
                return_dict=False,
            )[0]
    else:
        prompt = draw(BATCH, 77, network.config["cross_attention_dim"])
        time_step = torch.tensor(500).to(device)
        conditions = None
        if "addition_embed_type" in network.config:
            conditions = {"text_embeds": draw(BATCH, 1280), "time_ids": draw(BATCH, 6)}

        def denoise(latents: torch.Tensor) -> Any:
            return model(
                latents,
                time_step,
                encoder_hidden_states=prompt,
                added_cond_kwargs=conditions,
                return_dict=False,
            )[0]

    def step(latents: torch.Tensor) -> torch.Tensor:
        following: torch.Tensor = latents - 0.01 * denoise(latents)
        return following

    return draw(BATCH, network.config.get("in_channels", 4), size, size), step
