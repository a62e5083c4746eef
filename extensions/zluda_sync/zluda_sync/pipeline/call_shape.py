"""What a call of a pipeline asks for, read from its arguments: size, steps, pictures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zluda_sync.core.phase import BASE
from zluda_sync.core.progress.shape import JobShape, PassShape

_DEFAULT_SIDE_PX = 512


def find_size_px(pipe: Any, arguments: Mapping[str, Any]) -> tuple[int, int] | None:
    """Return width and height of the picture that a call makes, None if nothing tells."""
    width_px, height_px = _whole(arguments.get("width")), _whole(arguments.get("height"))
    if width_px and height_px:
        return width_px, height_px
    side = getattr(pipe, "default_sample_size", None)
    scale = _whole(getattr(pipe, "vae_scale_factor", None))
    side_px = (_whole(side) or 0) * (scale or 0)
    return (side_px, side_px) if side_px else None


def build_shape(pipe: Any, arguments: Mapping[str, Any], device: str, mode: str) -> JobShape:
    """Return the shape of the job that a call is.

    Args:
        pipe: that is called.
        arguments: of the call, defaults included.
        device: name of what it computes on.
        mode: when the host waits.
    """
    width_px, height_px = find_size_px(pipe, arguments) or (_DEFAULT_SIDE_PX, _DEFAULT_SIDE_PX)
    prompt = arguments.get("prompt")
    prompts = len(prompt) if isinstance(prompt, (list, tuple)) else 1
    each = _whole(arguments.get("num_images_per_prompt")) or _whole(arguments.get("num_videos_per_prompt"))
    frames = _whole(arguments.get("num_frames")) or 1
    steps = _whole(arguments.get("num_inference_steps"))
    return JobShape(
        device=device,
        model=name_of(pipe),
        sampler=type(getattr(pipe, "scheduler", None)).__name__,
        mode=mode,
        batch_size=max(1, prompts) * (each or 1) * frames,
        passes=(PassShape(BASE, steps, width_px, height_px),),
    )


def name_of(pipe: Any) -> str:
    """Return what a model's durations and colours are kept by: its class, and where it came from."""
    origin = getattr(getattr(pipe, "config", None), "_name_or_path", None) or ""
    return f"{type(pipe).__name__} {origin}".strip()


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None
