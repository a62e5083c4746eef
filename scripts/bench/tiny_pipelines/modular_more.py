"""Pipelines put together from blocks that have the parts of a standard one."""

from __future__ import annotations

import diffusers

from .components import picture, with_prompt
from .flux import flux2_parts, flux_parts
from .modular import assemble, picture_of
from .rarer_video import hunyuan_video_15
from .registry import Built, tiny


@tiny("FluxKontextModularPipeline", steps=4)
def flux_kontext() -> Built:
    """A picture changed as it is told."""
    pipe = assemble(diffusers.FluxKontextModularPipeline, flux_parts())
    return pipe, picture_of(image=picture(), max_area=64 * 64, _auto_resize=False, max_sequence_length=16)


@tiny("Flux2KleinBaseModularPipeline", steps=4)
def flux2_base() -> Built:
    """Text to image; a guider asks for the evaluations of each step."""
    parts = {**flux2_parts(), "guider": diffusers.ClassifierFreeGuidance(guidance_scale=2.0)}
    pipe = assemble(diffusers.Flux2KleinBaseModularPipeline, parts)
    return pipe, picture_of(max_sequence_length=16, text_encoder_out_layers=(1,))


@tiny("HunyuanVideo15ModularPipeline", steps=4, produces="video")
def hunyuan_15() -> Built:
    """Text to video."""
    pipe = assemble(diffusers.HunyuanVideo15ModularPipeline, dict(hunyuan_video_15().pipe.components))
    return pipe, with_prompt(height=16, width=16, num_frames=9, output="videos")
