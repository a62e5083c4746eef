"""Stand-in for SD.Next's modules/processing_diffusers.py: the passes of one job.

Each pass and each part of it begins its own phase: Base, Params, TE Encode, Inference, VAE Decode, Hires.
"""

from __future__ import annotations

from typing import Any

import torch

from modules import errors, processing_vae, sd_models, sd_samplers, shared
from modules.logger import log
from modules.processing_args import set_pipeline_args


def call_pipeline(p: Any, args: dict, steps: int) -> Any:
    """Run the pipeline as phase 'Inference'; returns its output, or None when it was stopped or failed.

    A failure is logged and ends the job as a Stop does.
    """
    try:
        shared.state.update("Hires" if p.is_hr_pass else "Text", steps, 1)
        taskid = shared.state.begin("Inference")
        output = shared.sd_model(**args)
        shared.state.end(taskid)
        shared.history.add(output.images, ops=p.ops)
        return output
    except AssertionError as e:
        log.info(e)
    except (RuntimeError, ValueError) as e:
        shared.state.interrupted = True
        errors.display(e, "Processing")
    return None


def process_base(p: Any) -> Any:
    """The first pass: text to latents."""
    jobid = shared.state.begin("Base")
    sd_samplers.create_sampler(p.sampler_name, shared.sd_model)
    args = set_pipeline_args(
        p=p,
        model=shared.sd_model,
        prompts=p.prompts,
        negative_prompts=p.negative_prompts,
        num_inference_steps=p.steps,
        width=p.width,
        height=p.height,
        output_type="latent",
        desc="Base",
    )
    output = call_pipeline(p, args, p.steps)
    shared.state.end(jobid)
    shared.state.nextjob()
    return output


def calculate_hires_steps(p: Any, strength: float) -> int:
    """Steps to ask for so that about `hr_second_pass_steps` (or `steps`) run at this strength."""
    return int((p.hr_second_pass_steps or p.steps) // strength) + 1


def process_hires(p: Any, output: Any) -> Any:
    """The second pass, if wanted: latents upscaled, then denoised again at `hr_denoising_strength`."""
    if output is None or not p.enable_hr:
        return output
    jobid = shared.state.begin("Hires")
    p.is_hr_pass = True
    p.ops.append("hires")
    p.init_hr()
    factor = shared.sd_model.vae_scale_factor
    size = (p.hr_upscale_to_y // factor, p.hr_upscale_to_x // factor)
    latents = torch.nn.functional.interpolate(output.images, size=size, mode="nearest")
    strength = p.hr_denoising_strength if p.hr_denoising_strength > 0 else p.denoising_strength
    steps = calculate_hires_steps(p, strength)
    shared.sd_model = sd_models.set_diffuser_pipe(shared.sd_model, sd_models.DiffusersTaskType.IMAGE_2_IMAGE)
    try:
        sd_samplers.create_sampler(p.hr_sampler_name or p.sampler_name, shared.sd_model)
        args = set_pipeline_args(
            p=p,
            model=shared.sd_model,
            prompts=p.prompts,
            negative_prompts=p.negative_prompts,
            num_inference_steps=steps,
            image=latents,
            strength=strength,
            output_type="latent",
            desc="Hires",
        )
        output = call_pipeline(p, args, steps)
    finally:
        shared.sd_model = sd_models.set_diffuser_pipe(
            shared.sd_model, sd_models.DiffusersTaskType.TEXT_2_IMAGE
        )
        p.is_hr_pass = False
    shared.state.end(jobid)
    shared.state.nextjob()
    return output


def process_decode(p: Any, output: Any) -> list:
    """Pictures of the last pass, each (H, W, 3) of 0 to 1."""
    if output is None:
        log.warning("Processing: no results")
        return []
    return list(processing_vae.vae_decode(output.images, shared.sd_model, width=p.width, height=p.height))


def process_diffusers(p: Any) -> list:
    """One batch from prompt to pictures; empty when it was stopped or skipped."""
    state = shared.state
    if state.interrupted or state.skipped:
        return []
    output = process_base(p)
    if state.interrupted or state.skipped:
        return []
    output = process_hires(p, output)
    if state.interrupted or state.skipped:
        return []
    return process_decode(p, output)
