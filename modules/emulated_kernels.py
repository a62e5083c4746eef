"""How slow the emulated device is: delays behind the parts of a model, as slow kernels would be.

Times are given for 256x256 and one image, and grow with pixels and images. A denoise step computes two
latents an image, one for the prompt and one against it; a step without guidance takes half.
"""

from __future__ import annotations

from typing import Any

LATENT_PIXELS = 32 * 32


def slow_model(pipe: Any, step_ms: float, encode_ms: float, decode_ms: float) -> None:
    """Slow down UNet, text encoder and VAE, the decoder in equal parts, one for each up block.

    The VAE encodes in half the time of a decode.
    """
    from modules.emulated_device import slow_down

    def scaled(total_ms: float, pixels: int) -> Any:
        def seconds_for(args: tuple, kwargs: dict) -> float:
            sample = args[0] if args else next(iter(kwargs.values()))
            return total_ms / 1000 * sample.shape[0] * sample.shape[-2] * sample.shape[-1] / pixels

        return seconds_for

    slow_down(pipe.unet, scaled(step_ms / 2, LATENT_PIXELS), "unet")
    slow_down(pipe.text_encoder, lambda args, kwargs: encode_ms / 2 / 1000, "text_encoder")
    slow_down(pipe.vae.encoder, scaled(decode_ms / 2, 64 * LATENT_PIXELS), "vae.encoder")
    blocks = pipe.vae.decoder.up_blocks
    for i, block in enumerate(blocks):  # the sample is twice as wide and high in each further block
        slow_down(block, scaled(decode_ms / len(blocks), LATENT_PIXELS * 4**i), f"vae.decoder.{i}")
