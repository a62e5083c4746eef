"""Stand-in for SD.Next's modules/api/models.py: what the API takes and gives."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field


class ReqTxt2Img(BaseModel):
    """A job; names and defaults as in `StableDiffusionProcessing`."""

    prompt: str = ""
    negative_prompt: str = ""
    seed: int = -1
    batch_size: int = 1
    n_iter: int = 1
    steps: int = 20
    width: int = 256
    height: int = 256
    cfg_scale: float = 6.0
    sampler_name: str | None = None
    enable_hr: bool = False
    hr_scale: float = 2.0
    hr_second_pass_steps: int = 0
    hr_denoising_strength: float = 0.0
    denoising_strength: float = 0.3
    override_settings: dict[str, Any] = Field(default_factory=dict)
    send_images: bool = True
    save_images: bool = False


class ResTxt2Img(BaseModel):
    """`images` are PNG in base64."""

    images: list[str] | None = None
    parameters: dict
    info: str


class ResProgress(BaseModel):
    """`progress` 0 to 1; `eta_relative` in seconds, 0 while unknown."""

    id: int | str | None = None
    progress: float
    eta_relative: float
    state: dict
    current_image: str | None = None
    textinfo: str | None = None


class ResStatus(BaseModel):
    """Times in seconds."""

    status: str
    task: str
    timestamp: str | None = None
    current: str
    id: int | str | None = None
    job: int
    jobs: int
    total: int
    step: int
    steps: int
    queued: int
    uptime: int
    elapsed: float | None = None
    eta: float | None = None
    progress: float | None = None


class ItemExtension(BaseModel):
    """One extension folder."""

    name: str
    remote: str
    version: str
    enabled: bool
