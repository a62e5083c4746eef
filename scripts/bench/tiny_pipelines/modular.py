"""Pipelines put together from blocks, their components given as objects."""

from __future__ import annotations

from typing import Any

import diffusers
from diffusers import modular_pipelines

from .components import embedded_prompt, mask, picture, with_prompt
from .flux import flux2_parts, flux_parts
from .registry import Built, tiny
from .stable_diffusion_xl import sd3_parts, xl_parts
from .transformers_newer import qwen_image_parts, z_image_parts
from .video import ltx_parts, wan_parts, wan_transformer


def assemble(kind: Any, parts: dict[str, Any], without: tuple[str, ...] = ()) -> Any:
    """Build a pipeline of its kind's blocks, `without` some of them, with the parts that they ask for."""
    blocks = getattr(modular_pipelines, kind.default_blocks_name)()
    for name in without:
        del blocks.sub_blocks[name]
    pipe = kind(blocks)
    pipe.update_components(**{name: part for name, part in parts.items() if name in pipe.component_names})
    return pipe


def picture_of(**arguments: Any) -> dict[str, Any]:
    """Return the arguments of a call of four steps that gives pictures of 64 pixels."""
    return with_prompt(**{"height": 64, "width": 64, "output": "images", **arguments})


def video_of(**arguments: Any) -> dict[str, Any]:
    """Return the arguments of a call of four steps that gives nine small frames."""
    size = {"height": 32, "width": 32, "num_frames": 9, "max_sequence_length": 16, "output": "videos"}
    return with_prompt(**{**size, **arguments})


@tiny("StableDiffusionXLModularPipeline", steps=4)
def xl() -> Built:
    """Text to image, the loop's own blocks within it."""
    return assemble(diffusers.StableDiffusionXLModularPipeline, xl_parts()), picture_of()


@tiny("StableDiffusionXLModularPipeline (image to image)", steps=3)
def xl_image_to_image() -> Built:
    """The same blocks, given a picture: three of four steps."""
    pipe = assemble(diffusers.StableDiffusionXLModularPipeline, xl_parts())
    return pipe, picture_of(image=picture(), strength=0.75)


@tiny("StableDiffusionXLModularPipeline (inpaint)", steps=4)
def xl_inpaint() -> Built:
    """The same blocks, given a picture and a mask."""
    pipe = assemble(diffusers.StableDiffusionXLModularPipeline, xl_parts())
    return pipe, picture_of(image=picture(), mask_image=mask(), strength=1.0)


@tiny("StableDiffusion3ModularPipeline", steps=4)
def sd3() -> Built:
    """Text to image."""
    pipe = assemble(diffusers.StableDiffusion3ModularPipeline, sd3_parts())
    return pipe, picture_of(max_sequence_length=16)


@tiny("FluxModularPipeline", steps=4)
def flux() -> Built:
    """Text to image."""
    pipe = assemble(diffusers.FluxModularPipeline, flux_parts())
    return pipe, picture_of(max_sequence_length=16)


@tiny("FluxModularPipeline (image to image)", steps=3)
def flux_image_to_image() -> Built:
    """The same blocks, given a picture: three of four steps."""
    pipe = assemble(diffusers.FluxModularPipeline, flux_parts())
    return pipe, picture_of(image=picture(), strength=0.75, max_sequence_length=16)


@tiny("Flux2KleinModularPipeline", steps=4)
def flux2() -> Built:
    """Text to image."""
    pipe = assemble(diffusers.Flux2KleinModularPipeline, flux2_parts())
    return pipe, picture_of(max_sequence_length=16, text_encoder_out_layers=(1,))


@tiny("QwenImageModularPipeline", steps=4)
def qwen_image() -> Built:
    """Text to image."""
    pipe = assemble(diffusers.QwenImageModularPipeline, qwen_image_parts())
    return pipe, picture_of(max_sequence_length=16)


@tiny("ZImageModularPipeline", steps=4)
def z_image() -> Built:
    """Text to image."""
    pipe = assemble(diffusers.ZImageModularPipeline, z_image_parts())
    return pipe, picture_of(max_sequence_length=16)


def wan_call() -> dict[str, Any]:
    """Return the arguments of a call of Wan, whose blocks are given an encoded prompt."""
    arguments = video_of(**embedded_prompt())
    del arguments["prompt"], arguments["max_sequence_length"]
    return arguments


@tiny("WanModularPipeline", steps=4, produces="video")
def wan() -> Built:
    """Text to video, the block of the text encoder taken out."""
    pipe = assemble(diffusers.WanModularPipeline, wan_parts(), without=("text_encoder",))
    return pipe, wan_call()


@tiny("Wan22ModularPipeline", steps=4, produces="video")
def wan_22() -> Built:
    """Text to video: one denoiser for the noisy steps, another for the rest."""
    parts = {**wan_parts(), "transformer_2": wan_transformer()}
    pipe = assemble(diffusers.Wan22ModularPipeline, parts, without=("text_encoder",))
    return pipe, wan_call()


@tiny("LTXModularPipeline", steps=4, produces="video")
def ltx() -> Built:
    """Text to video."""
    return assemble(diffusers.LTXModularPipeline, ltx_parts()), video_of()
