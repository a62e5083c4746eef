"""Stand-ins of pipelines that make their steps themselves: no scheduler, no callback. SD.Next has some."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from diffusers import DiffusionPipeline, ImagePipelineOutput
from diffusers.pipelines import pipeline_utils

from .components import autoencoder
from .other import pixel_unet
from .registry import Built, tiny

CHANNELS = 4
SIDE = 8


class OwnLoop(DiffusionPipeline):  # type: ignore[misc]
    """What such pipelines share: a denoiser, a decoder, and steps along a straight line."""

    model_cpu_offload_seq = "denoiser->vae"

    def __init__(self, denoiser: Any, vae: Any) -> None:
        super().__init__()
        self.register_modules(denoiser=denoiser, vae=vae)

    def advance(self, latents: torch.Tensor, velocity: torch.Tensor, length: float) -> torch.Tensor:
        """Return the latents after one step."""
        return latents - length * velocity

    def begin(self, generator: Any) -> torch.Tensor:
        """Return the noise that a call begins with."""
        noise = torch.randn(1, CHANNELS, SIDE, SIDE, generator=generator)
        return noise.to(self._execution_device)

    def decode(self, latents: torch.Tensor) -> ImagePipelineOutput:
        """Return the pictures of latents."""
        pictures = self.vae.decode(latents).sample.permute(0, 2, 3, 1)
        return ImagePipelineOutput(images=list(pictures.cpu().numpy()))


class OwnBarPipeline(OwnLoop):
    """It makes its bar by itself, and names what it computes as most do: F-Lite, Zeta-Chroma."""

    def progress_bar(self, iterable: Iterable[Any] | None = None, **options: Any) -> Any:
        """Return a bar that diffusers knows nothing of."""
        style = getattr(self, "_progress_bar_config", {})
        return pipeline_utils.tqdm(iterable, **{**style, **options})

    @torch.no_grad()
    def __call__(self, num_inference_steps: int = 4, generator: Any = None) -> ImagePipelineOutput:
        """Make a picture."""
        latents = self.begin(generator)
        for _step in self.progress_bar(range(num_inference_steps), desc="Sampling"):
            velocity = self.denoiser(latents, 0).sample
            latents = self.advance(latents, velocity, 1 / num_inference_steps)
        return self.decode(latents)


class PackedLoopPipeline(OwnLoop):
    """It moves diffusers' bar, and packs what it computes, under a name that few use."""

    default_sample_size, vae_scale_factor = SIDE, 8

    @torch.no_grad()
    def __call__(self, num_inference_steps: int = 4, generator: Any = None) -> ImagePipelineOutput:
        """Make a picture."""
        img = _pack(self.begin(generator))
        with self.progress_bar(total=num_inference_steps) as progress_bar:
            for _step in range(num_inference_steps):
                velocity = _pack(self.denoiser(_unpack(img), 0).sample)
                img = self.advance(img, velocity, 1 / num_inference_steps)
                progress_bar.update()
        return self.decode(_unpack(img))


def _pack(latents: torch.Tensor) -> torch.Tensor:
    patches = latents.reshape(1, CHANNELS, SIDE // 2, 2, SIDE // 2, 2).permute(0, 2, 4, 1, 3, 5)
    return patches.reshape(1, (SIDE // 2) ** 2, CHANNELS * 4)


def _unpack(packed: torch.Tensor) -> torch.Tensor:
    patches = packed.reshape(1, SIDE // 2, SIDE // 2, CHANNELS, 2, 2).permute(0, 3, 1, 4, 2, 5)
    return patches.reshape(1, CHANNELS, SIDE, SIDE)


def _parts() -> dict[str, Any]:
    denoiser = pixel_unet(in_channels=CHANNELS, out_channels=CHANNELS, sample_size=SIDE)
    return {"denoiser": denoiser, "vae": autoencoder()}


@tiny("OwnBarPipeline", steps=4)
def own_bar() -> Built:
    """A bar of its own, latents as most have them."""
    return OwnBarPipeline(**_parts()), {"num_inference_steps": 4}


@tiny("PackedLoopPipeline", steps=4)
def packed_loop() -> Built:
    """The bar of diffusers, packed latents."""
    return PackedLoopPipeline(**_parts()), {"num_inference_steps": 4}
