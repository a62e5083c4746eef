"""Stand-in for SD.Next's modules/processing_diffusers.py: the passes of one job.

Each pass and each part of it begins its own phase: Base, Params, TE Encode, Inference, VAE Decode, Hires.
"""

from __future__ import annotations

from typing import Any

import diffusers
import torch
from PIL import Image

from modules import errors, processing_vae, shared
from modules.errors import HostError
from modules.processing_args import set_pipeline_args

SAMPLERS = {
    "Default": None,  # what the model came with
    "Euler": diffusers.EulerDiscreteScheduler,
    "Euler a": diffusers.EulerAncestralDiscreteScheduler,
    "DDIM": diffusers.DDIMScheduler,
    "DPM++ 2M": diffusers.DPMSolverMultistepScheduler,
    "Heun": diffusers.HeunDiscreteScheduler,
    "UniPC": diffusers.UniPCMultistepScheduler,
}
#: They look their timestep up in a table on the host, and so wait for the device in each step, whatever the
#: device is: with them the host is never ahead of it.
READING_BACK = ("DDIM",)


def create_sampler(name: str, model: Any) -> None:
    """Give `model` the sampler `name`; HostError if there is none."""
    if name not in SAMPLERS:
        raise HostError(f'Sampler: "{name}" is not one of {", ".join(SAMPLERS)}')
    default = model.__dict__.setdefault("default_scheduler", model.scheduler)
    model.scheduler = (SAMPLERS[name] or type(default)).from_config(default.config)


def run_pass(p: Any, title: str, pipe: Any, **kwargs: Any) -> Any:
    """One pass of `pipe`: its latents, on the CPU; None when it was stopped, or failed and so stops."""
    state = shared.state
    jobid = state.begin(title)
    create_sampler(p.sampler_name, pipe)
    args = set_pipeline_args(
        p, pipe, p.prompts, p.negative_prompts, desc=title, output_type="latent", **kwargs
    )
    latents = None
    try:
        taskid = state.begin("Inference")
        output = pipe(**args)
        state.end(taskid)
        latents = output.images.cpu()  # on an asynchronous device the first place where a job waits
    except AssertionError as e:
        errors.log.info(e)
    except (RuntimeError, ValueError) as e:
        state.interrupted = True
        errors.display(e, "Processing")
    state.end(jobid)
    state.nextjob()
    return latents


def run_image_pass(p: Any, title: str, image: Any) -> Any:
    """A pass that begins with latents or pictures, and denoises them at `denoising_strength`."""
    parts = shared.sd_model.components
    pipe = diffusers.StableDiffusionImg2ImgPipeline(**parts, requires_safety_checker=False)
    strength = p.denoising_strength
    steps = int(p.steps // strength) + 1  # of which about `p.steps` run at this strength
    return run_pass(p, title, pipe, num_inference_steps=steps, image=image, strength=strength)


def process_base(p: Any) -> Any:
    """The first pass: from noise, or from pictures if the job has some."""
    if getattr(p, "init_images", None):
        return run_image_pass(p, "Base", p.init_images)
    return run_pass(p, "Base", shared.sd_model, num_inference_steps=p.steps, width=p.width, height=p.height)


def process_hires(p: Any, latents: torch.Tensor) -> Any:
    """The second pass: latents upscaled, then denoised again."""
    factor = shared.sd_model.vae_scale_factor
    size = [int(side * p.hr_scale) // factor for side in (p.height, p.width)]
    p.is_hr_pass = True
    latents = run_image_pass(p, "Hires", torch.nn.functional.interpolate(latents, size=size, mode="nearest"))
    p.is_hr_pass = False
    return latents


def process_diffusers(p: Any) -> list[Image.Image]:
    """One batch from prompt to pictures; empty when it was stopped or skipped."""
    state = shared.state
    latents = process_base(p)
    if p.enable_hr and not (state.interrupted or state.skipped):
        latents = process_hires(p, latents)
    return [] if state.interrupted or state.skipped else processing_vae.vae_decode(latents, shared.sd_model)
