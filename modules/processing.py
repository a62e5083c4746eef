"""Stand-in for SD.Next's modules/processing.py: a job, and running it."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

from modules import devices, images, script_callbacks, shared
from modules.errors import HostError, log

LEAST = {"steps": 1, "n_iter": 1, "batch_size": 1, "width": 64, "height": 64}


@dataclass
class StableDiffusionProcessingTxt2Img:
    """What one press of Generate asks for. Sizes in pixels; `n_iter` batches of `batch_size` images."""

    prompt: str = ""
    negative_prompt: str = ""
    seed: int = -1
    batch_size: int = 1
    n_iter: int = 1
    steps: int = 20
    width: int = 256
    height: int = 256
    cfg_scale: float = 2.0  # as much as the default model needs; SD.Next starts with 6
    sampler_name: str = "Default"
    enable_hr: bool = False
    hr_scale: float = 2.0
    denoising_strength: float = 0.3
    do_not_save_samples: bool = False
    override_settings: dict[str, Any] = field(default_factory=dict)

    is_hr_pass: bool = field(default=False, init=False)
    iteration: int = field(default=0, init=False)
    all_seeds: list[int] = field(default_factory=list, init=False)
    prompts: list[str] = field(default_factory=list, init=False)  # these three: of the batch that runs
    negative_prompts: list[str] = field(default_factory=list, init=False)
    seeds: list[int] = field(default_factory=list, init=False)


@dataclass
class StableDiffusionProcessingImg2Img(StableDiffusionProcessingTxt2Img):
    """The same from pictures, one for each image of a batch; about `steps` run at `denoising_strength`."""

    init_images: list[Image.Image] = field(default_factory=list)


@dataclass
class Processed:
    """What a job delivered; `images` and `infotexts` belong together."""

    images: list[Image.Image]
    infotexts: list[str]
    all_seeds: list[int]

    @property
    def info(self) -> str:
        """The parameters of the first image."""
        return self.infotexts[0] if self.infotexts else ""


def create_infotext(p: StableDiffusionProcessingTxt2Img, index: int) -> str:
    """The parameters of one image of the batch as text."""
    return (
        f"{p.prompts[index]}\nNegative prompt: {p.negative_prompt}\nSteps: {p.steps}, "
        f"Sampler: {p.sampler_name}, CFG scale: {p.cfg_scale}, Seed: {p.seeds[index]}, "
        f"Size: {p.width}x{p.height}"
    )


def process_images(p: StableDiffusionProcessingTxt2Img) -> Processed:
    """Run a job and return what it delivered. Extensions are told before and after.

    `override_settings` hold during the job and are undone after it, without their onchange and unsaved.
    """
    data = shared.opts.data
    overrides = {k: v for k, v in p.override_settings.items() if k in shared.opts.values()}
    stored = {k: data[k] for k in overrides if k in data}
    try:
        data.update(overrides)
        script_callbacks.before_process_callback(p)
        return process_images_inner(p)
    finally:
        script_callbacks.after_process_callback(p)
        for k in overrides:
            data.pop(k, None)
        data.update(stored)


def process_init(p: StableDiffusionProcessingTxt2Img) -> None:
    """Settle sizes, multiples of 8, and a seed for each image; HostError if a number is too small."""
    p.width, p.height = p.width // 8 * 8, p.height // 8 * 8
    for name, least in LEAST.items():
        if getattr(p, name) < least:
            raise HostError(f"Processing: {name}={getattr(p, name)} is too small, the least is {least}")
    seed = p.seed if p.seed >= 0 else random.randrange(2**32)
    p.all_seeds = [seed + i for i in range(p.n_iter * p.batch_size)]


def process_samples(
    p: StableDiffusionProcessingTxt2Img, samples: list[Image.Image]
) -> tuple[list[Image.Image], list[str]]:
    """Give the pictures of a batch their parameters, and save them; returns both."""
    infotexts = [create_infotext(p, i) for i in range(len(samples))]
    for picture, seed, info in zip(samples, p.seeds, infotexts, strict=False):  # after Stop only one
        picture.info["parameters"] = info
        if shared.opts.samples_save and not p.do_not_save_samples:
            images.save_image(picture, seed, info)
    return samples, infotexts


def process_images_inner(p: StableDiffusionProcessingTxt2Img) -> Processed:
    """All batches of a job. After Stop the last preview stands for the unfinished picture."""
    process_init(p)
    state = shared.state
    processed = Processed([], [], p.all_seeds)
    jobid = state.begin("Process")
    state.batch_count = p.n_iter  # lost at the next begin, as in SD.Next
    with devices.inference_context():
        for n in range(p.n_iter):
            state.batch_no, p.iteration = n + 1, n
            if state.interrupted:
                break
            if state.skipped:  # set by the batch before, which was skipped already
                state.skipped = False
                continue
            p.seeds = p.all_seeds[n * p.batch_size : (n + 1) * p.batch_size]
            p.prompts = [p.prompt] * p.batch_size
            p.negative_prompts = [p.negative_prompt] * p.batch_size
            from modules.processing_diffusers import process_diffusers  # looked up anew, as in SD.Next

            pictures = process_diffusers(p)
            if state.interrupted:
                pictures = [state.current_image] if state.current_image is not None else []
            pictures, infotexts = process_samples(p, pictures)
            processed.images += pictures
            processed.infotexts += infotexts
            if state.interrupted:
                break
    log.info(f"Processed: images={len(processed.images)}")
    state.end(jobid)
    return processed
