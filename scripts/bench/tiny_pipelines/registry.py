"""The tiny pipelines by name, and how a builder enters its own."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch

Product = Literal["image", "video", "audio", "other"]
Built = tuple[Any, dict[str, Any]]
"""A pipeline, and the arguments of a call of it."""

SEED = 20240801
FAMILIES = (
    "stable_diffusion",
    "stable_diffusion_xl",
    "flux",
    "transformers_image",
    "transformers_newer",
    "two_stages",
    "video",
    "video_more",
    "audio",
    "other",
    "modular",
    "rarer",
    "rarer_video",
    "several_loops",
    "silent",
    "modular_more",
)
"""The files that hold builders, the most used families first."""
STAND_INS = ("own_loops",)
"""Those that hold stand-ins of pipelines that are none of diffusers'."""

_builders: dict[str, Callable[[], TinyPipeline]] = {}


@dataclass(frozen=True)
class TinyPipeline:
    """A pipeline with small random weights on the CPU; `pipe(**arguments)` is a whole call of it."""

    name: str
    """The name of its class; where a class has several, what tells them apart is behind it in brackets."""
    pipe: Any
    arguments: dict[str, Any]
    steps: int
    """How many steps the loops of a call really take together, whatever was asked for."""
    produces: Product


def tiny(
    name: str, *, steps: int, produces: Product = "image"
) -> Callable[[Callable[[], Built]], Callable[[], TinyPipeline]]:
    """Enter a builder under its name: the same weights each time, and torch's own generator is untouched."""

    def enter(build_parts: Callable[[], Built]) -> Callable[[], TinyPipeline]:
        @functools.wraps(build_parts)
        def build_tiny() -> TinyPipeline:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(SEED)
                pipe, arguments = build_parts()
            for component in pipe.components.values():
                if isinstance(component, torch.nn.Module):
                    component.eval()
            return TinyPipeline(name, pipe, arguments, steps, produces)

        if name in _builders:
            raise ValueError(f"there is a tiny pipeline of this name already: {name}")
        _builders[name] = build_tiny
        return build_tiny

    return enter


def builders(families: Sequence[str] = FAMILIES) -> dict[str, Callable[[], TinyPipeline]]:
    """Return the builders of the families by name; a family is imported when it is first asked for."""
    modules = [f"{__package__}.{family}" for family in families]
    for module in modules:
        importlib.import_module(module)
    return {name: builder for name, builder in _builders.items() if builder.__module__ in modules}


def names(families: Sequence[str] = FAMILIES) -> list[str]:
    """Return every name of the families, in the order of their files."""
    return list(builders(families))


def build(name: str) -> TinyPipeline:
    """Return a new pipeline of the name.

    Raises:
        KeyError: there is none of this name.
    """
    return builders((*FAMILIES, *STAND_INS))[name]()
