"""UNets with random weights for the GPU lane, of the sizes that users run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

EMULATED_STEP_S = 0.06
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


@dataclass(frozen=True)
class Network:
    """A network and the latents to run it at.

    Attributes:
        name: as the tables show it.
        config: of diffusers' UNet2DConditionModel.
        latent_sizes: heights and widths of latents.
        memory_gib: free memory that it needs.
    """

    name: str
    config: dict[str, Any]
    latent_sizes: tuple[int, ...]
    memory_gib: float


REAL = (Network("SD1.5", SD15, (64, 128), 4.0), Network("SDXL", SDXL, (64, 128), 8.0))
EMULATED = (Network("tiny", TINY, (32,), 0.0),)


def build_unet(network: Network, device: torch.device) -> Any:
    """Return the network on the device, with the same random weights each time."""
    from diffusers import UNet2DConditionModel

    torch.manual_seed(0)
    if device.type == "cuda":
        torch.set_default_dtype(
            torch.float16
        )  # drawn as they are used: twice the memory would be needed else
        try:
            with torch.device(device):  # and where they are used: the CPU takes a minute for SDXL
                return UNet2DConditionModel(**network.config).eval()
        finally:
            torch.set_default_dtype(torch.float32)
    from modules.emulated_device import slow_down

    unet = UNet2DConditionModel(**network.config).eval().to(device)
    slow_down(unet, lambda args, kwargs: EMULATED_STEP_S, network.name)
    return unet


def build_step(
    unet: Any, network: Network, size: int, device: torch.device
) -> tuple[torch.Tensor, Callable[[torch.Tensor], torch.Tensor]]:
    """Return first latents, and what queues one step of the bare loop and returns the latents behind it."""
    dtype = torch.float16 if device.type == "cuda" else torch.float32
    torch.manual_seed(1)

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, dtype=dtype).to(device)

    prompt = draw(1, 77, network.config["cross_attention_dim"])
    time_step = torch.tensor(500).to(device)
    conditions = None
    if "addition_embed_type" in network.config:
        conditions = {"text_embeds": draw(1, 1280), "time_ids": draw(1, 6)}

    def step(latents: torch.Tensor) -> torch.Tensor:
        output = unet(latents, time_step, encoder_hidden_states=prompt, added_cond_kwargs=conditions)
        following: torch.Tensor = latents - 0.01 * output.sample
        return following

    return draw(1, 4, size, size), step
