"""Stand-in for SD.Next's modules/sd_samplers.py: a few of diffusers' samplers by name."""

from __future__ import annotations

from typing import Any

import diffusers

from modules.errors import HostError

sampler_classes = {
    "Euler": "EulerDiscreteScheduler",
    "Euler a": "EulerAncestralDiscreteScheduler",
    "DDIM": "DDIMScheduler",
    "DPM++ 2M": "DPMSolverMultistepScheduler",
    "Heun": "HeunDiscreteScheduler",
    "UniPC": "UniPCMultistepScheduler",
}


def sampler_names() -> list[str]:
    """Names to choose from; "Default" is what the model came with."""
    return ["Default", *sampler_classes]


def create_sampler(name: str | None, model: Any) -> None:
    """Give `model` the sampler `name`.

    Raises:
        HostError: there is no such sampler.
    """
    if name not in (None, "Default") and name not in sampler_classes:
        raise HostError(f'Sampler: "{name}" is not one of {", ".join(sampler_names())}')
    default = model.__dict__.setdefault("default_scheduler", model.scheduler)
    cls = type(default) if name in (None, "Default") else getattr(diffusers, sampler_classes[str(name)])
    model.scheduler = cls.from_config(default.config)
