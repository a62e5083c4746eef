"""What a call of a pipeline asks for, read from its arguments: size, steps, pictures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zluda_sync.core.phase import BASE, Phase
from zluda_sync.core.progress.shape import IMAGE, MASK, JobShape, PassShape

_DEFAULT_SIDE_PX = 512
#: Loops of a call beyond this are taken to be alike.
_MOST_ROLES = 4


class CallPlace:
    """Where a call is: it makes one batch in one go, in one denoising loop or several.

    Args:
        size_px: width and height of its pictures, None if unknown.

    Attributes:
        loops: denoising loops that have begun.
    """

    image = 0

    def __init__(self, size_px: tuple[int, int] | None) -> None:
        self.size_px = size_px
        self.loops = 0

    @property
    def role(self) -> str:
        """The loop: a later one takes other times than the first."""
        return BASE if self.loops <= 1 else f"loop {min(self.loops, _MOST_ROLES)}"


def find_size_px(pipe: Any, arguments: Mapping[str, Any]) -> tuple[int, int] | None:
    """Return width and height of the picture that a call makes, None if nothing tells."""
    width_px, height_px = _whole(arguments.get("width")), _whole(arguments.get("height"))
    if width_px and height_px:
        return width_px, height_px
    given = arguments.get("image")
    size = getattr(given[0] if isinstance(given, list) and given else given, "size", None)
    if isinstance(size, tuple) and len(size) == 2 and all(map(_whole, size)):
        return size
    side = getattr(pipe, "default_sample_size", None)
    scale = _whole(getattr(pipe, "vae_scale_factor", None))
    side_px = (_whole(side) or 0) * (scale or 0)
    return (side_px, side_px) if side_px else None


def build_shape(
    pipe: Any, arguments: Mapping[str, Any], device: str, mode: str, phases: tuple[Phase, ...]
) -> JobShape:
    """Return the shape of the job that a call is.

    Args:
        pipe: that is called.
        arguments: of the call, defaults included.
        device: name of what it computes on.
        mode: when the host waits.
        phases: that it will tell of besides its loop.
    """
    width_px, height_px = find_size_px(pipe, arguments) or (_DEFAULT_SIDE_PX, _DEFAULT_SIDE_PX)
    prompt = arguments.get("prompt")
    prompts = len(prompt) if isinstance(prompt, (list, tuple)) else 1
    each = _whole(arguments.get("num_images_per_prompt")) or _whole(arguments.get("num_videos_per_prompt"))
    frames = _whole(arguments.get("num_frames")) or 1
    steps, strength = _whole(arguments.get("num_inference_steps")), arguments.get("strength")
    return JobShape(
        device=device,
        model=name_of(pipe),
        sampler=type(getattr(pipe, "scheduler", None)).__name__,
        mode=mode,
        batch_size=max(1, prompts) * (each or 1) * frames,
        passes=(PassShape(BASE, steps and count_evaluations(pipe, steps), width_px, height_px),),
        phases=phases,
        guidance="cfg" if _exceeds_one(arguments.get("guidance_scale")) else "",
        source=_source_of(arguments),
        strength=strength if isinstance(strength, float) and _source_of(arguments) else None,
    )


def count_evaluations(pipe: Any, steps: int) -> int:
    """Return how often so many steps run: samplers of second order evaluate all but the last twice."""
    order = getattr(getattr(pipe, "scheduler", None), "order", 1)
    return order * (steps - 1) + 1 if isinstance(order, int) and order > 1 else steps


def count_loop_steps(pipe: Any, bar: Any) -> int | None:
    """Return how many steps the loop of a bar has, None if unknown: bars count twofold evaluations once."""
    total, told = getattr(bar, "total", None), getattr(pipe, "num_timesteps", None)
    return told if told and total and told == count_evaluations(pipe, total) else total


def name_of(pipe: Any) -> str:
    """Return what a model's durations and colours are kept by: its class, and where it came from."""
    origin = getattr(getattr(pipe, "config", None), "_name_or_path", None) or ""
    return f"{type(pipe).__name__} {origin}".strip()


def _source_of(arguments: Mapping[str, Any]) -> str:
    """Return what a call begins with besides its prompt."""
    if arguments.get("mask_image") is not None:
        return MASK
    return IMAGE if arguments.get("image") is not None else ""


def _exceeds_one(value: Any) -> bool:
    return isinstance(value, (int, float)) and value > 1


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None
