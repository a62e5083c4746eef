"""Stand-in for SD.Next's modules/processing.py: a job, and running it."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image

from modules import devices, images, script_callbacks, shared
from modules.errors import HostError
from modules.logger import log
from modules.processing_diffusers import process_diffusers


@dataclass
class StableDiffusionProcessing:
    """What one press of Generate asks for. Sizes in pixels; `n_iter` batches of `batch_size` images."""

    sd_model: Any = None
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
    hr_upscaler: str | None = "Latent Nearest"
    hr_sampler_name: str | None = None
    hr_resize_x: int = 0
    hr_resize_y: int = 0
    denoising_strength: float = 0.3
    do_not_save_samples: bool = False
    outpath_samples: str = "text"
    override_settings: dict[str, Any] = field(default_factory=dict)
    override_settings_restore_afterwards: bool = True
    task_args: dict[str, Any] = field(default_factory=dict)

    is_hr_pass: bool = field(default=False, init=False)
    hr_upscale_to_x: int = field(default=0, init=False)
    hr_upscale_to_y: int = field(default=0, init=False)
    iteration: int = field(default=0, init=False)
    ops: list[str] = field(default_factory=list, init=False)
    all_prompts: list[str] = field(default_factory=list, init=False)
    all_seeds: list[int] = field(default_factory=list, init=False)
    prompts: list[str] = field(default_factory=list, init=False)
    negative_prompts: list[str] = field(default_factory=list, init=False)
    seeds: list[int] = field(default_factory=list, init=False)


class StableDiffusionProcessingTxt2Img(StableDiffusionProcessing):
    """Text to image."""

    def init_hr(self) -> None:
        """Work out the size of the second pass, a multiple of 8."""
        self.hr_upscale_to_x = (self.hr_resize_x or int(self.width * self.hr_scale)) // 8 * 8
        self.hr_upscale_to_y = (self.hr_resize_y or int(self.height * self.hr_scale)) // 8 * 8


class Processed:
    """What a job delivered; `images` and `infotexts` belong together."""

    def __init__(
        self, p: StableDiffusionProcessing, images_list: list[Image.Image], infotexts: list[str]
    ) -> None:
        self.images = images_list
        self.infotexts = infotexts
        self.info = infotexts[0] if infotexts else ""
        self.prompt = p.prompt
        self.all_seeds = p.all_seeds
        self.seed = p.all_seeds[0] if p.all_seeds else -1

    def js(self) -> str:
        """For the API's `info` field."""
        return json.dumps(
            {
                "prompt": self.prompt,
                "seed": self.seed,
                "all_seeds": self.all_seeds,
                "infotexts": self.infotexts,
            }
        )


def create_infotext(p: StableDiffusionProcessing, index: int) -> str:
    """The parameters of one image as text."""
    return (
        f"{p.prompts[index]}\nNegative prompt: {p.negative_prompt}\nSteps: {p.steps}, "
        f"Sampler: {p.sampler_name or 'Default'}, CFG scale: {p.cfg_scale}, Seed: {p.seeds[index]}, "
        f"Size: {p.width}x{p.height}"
    )


def process_images(p: StableDiffusionProcessing) -> Processed | None:
    """Run a job and return what it delivered; None when no model is loaded.

    `override_settings` hold during the job and are undone after it, without their onchange and without
    a save. Extensions are told before and after.
    """
    if shared.sd_model is None:
        log.warning("Aborted: op=process model not loaded")
        return None
    known = {
        k: v for k, v in p.override_settings.items() if k in shared.opts.data or k in shared.opts.data_labels
    }
    stored = {k: shared.opts.data[k] for k in known if k in shared.opts.data}
    try:
        shared.opts.data.update(known)
        p.width, p.height = 8 * (int(p.width) // 8), 8 * (int(p.height) // 8)
        script_callbacks.before_process_callback(p)
        return process_images_inner(p)
    finally:
        script_callbacks.after_process_callback(p)
        if p.override_settings_restore_afterwards:
            for k in known:
                if k in stored:
                    shared.opts.data[k] = stored[k]
                else:
                    shared.opts.data.pop(k, None)


def process_init(p: StableDiffusionProcessing) -> None:
    """Settle one prompt and one seed for each image.

    Raises:
        HostError: a size or count that cannot be.
    """
    for name, least in (("steps", 1), ("n_iter", 1), ("batch_size", 1), ("width", 64), ("height", 64)):
        if getattr(p, name) < least:
            raise HostError(f"Processing: {name}={getattr(p, name)} is too small, the least is {least}")
    seed = int(p.seed) if p.seed is not None and p.seed >= 0 else random.randrange(2**32)
    p.all_prompts = [p.prompt] * (p.n_iter * p.batch_size)
    p.all_seeds = [seed + i for i in range(len(p.all_prompts))]


def process_samples(p: StableDiffusionProcessing, samples: list) -> tuple[list[Image.Image], list[str]]:
    """Turn decoded arrays into images with their parameters, and save them."""
    out_images, out_infotexts = [], []
    for i, sample in enumerate(samples):
        image = sample
        if not isinstance(sample, Image.Image):
            image = Image.fromarray((np.clip(sample, 0, 1) * 255).round().astype(np.uint8))
        info = create_infotext(p, i)
        if shared.opts.samples_save and not p.do_not_save_samples:
            images.save_image(image, p.outpath_samples, p.seeds[i], info, p)
        image.info["parameters"] = info
        out_images.append(image)
        out_infotexts.append(info)
    return out_images, out_infotexts


def process_images_inner(p: StableDiffusionProcessing) -> Processed:
    """All batches of a job. After Stop the last preview stands for the unfinished picture."""
    process_init(p)
    output_images: list[Image.Image] = []
    infotexts: list[str] = []
    jobid = shared.state.begin("Process")
    shared.state.batch_count = p.n_iter  # lost at the next begin, as in SD.Next
    with devices.inference_context():
        for n in range(p.n_iter):
            shared.state.batch_no = n + 1
            p.iteration = n
            if shared.state.interrupted:
                break
            if shared.state.skipped:  # set by the batch before, which was skipped already
                shared.state.skipped = False
                continue
            batch = slice(n * p.batch_size, (n + 1) * p.batch_size)
            p.prompts, p.seeds = p.all_prompts[batch], p.all_seeds[batch]
            p.negative_prompts = [p.negative_prompt] * len(p.prompts)
            samples = process_diffusers(p)
            if shared.state.interrupted:
                preview = shared.state.current_image
                samples = [preview] if isinstance(preview, Image.Image) else []
                p.do_not_save_samples = p.do_not_save_samples or not shared.opts.keep_incomplete
            batch_images, batch_infotexts = process_samples(p, samples)
            output_images += batch_images
            infotexts += batch_infotexts
            if shared.state.interrupted:
                break
    p.ops = sorted(set(p.ops))
    log.info(f"Processed: images={len(output_images)} ops={p.ops}")
    shared.state.end(jobid)
    return Processed(p, output_images, infotexts)
