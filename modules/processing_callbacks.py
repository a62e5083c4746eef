"""Stand-in for SD.Next's modules/processing_callbacks.py: what a pipeline calls after each step.

`devices` is used here for nothing but the host's own synchronize (option `torch_sync`).
"""

from __future__ import annotations

import time
from typing import Any

import torch

from modules import devices, shared

p: Any = None


def set_callbacks_p(processing: Any) -> None:
    """Name the job that the callbacks belong to."""
    global p
    p = processing


def wait_while_paused() -> None:
    """Wait until the user goes on.

    Raises:
        AssertionError: stopped while waiting.
    """
    while shared.state.paused:
        if shared.state.interrupted or shared.state.skipped:
            raise AssertionError("Interrupted...")
        time.sleep(0.1)


def diffusers_callback_legacy(step: int, timestep: int, latents: torch.Tensor) -> None:
    """The older `callback` of pipelines: no synchronize, nothing returned.

    Raises:
        AssertionError: Stop or Skip was pressed.
    """
    if p is None:
        return
    shared.state.sampling_step = step
    shared.state.current_latent = latents
    if shared.state.interrupted or shared.state.skipped:
        raise AssertionError("Interrupted...")
    wait_while_paused()


def diffusers_callback(pipe: Any, step: int = 0, timestep: int = 0, kwargs: dict | None = None) -> dict:
    """`callback_on_step_end` of pipelines: count the queued step, publish its latents, return `kwargs`.

    Raises:
        AssertionError: Stop or Skip was pressed.
    """
    kwargs = {} if kwargs is None else kwargs
    if shared.opts.torch_sync and devices.backend in {"cuda", "zluda", "rocm"}:
        torch.get_device_module(devices.device).synchronize(devices.device)
    wait_while_paused()
    if shared.state.sampling_steps == 0 and getattr(pipe, "num_timesteps", 0) > 0:
        shared.state.sampling_steps = pipe.num_timesteps
    shared.state.step()
    if shared.state.interrupted or shared.state.skipped:
        raise AssertionError("Interrupted...")
    latents = kwargs.get("latents")
    if latents is None or p is None:
        return kwargs
    if latents.ndim == 5:  # video: the preview shows the middle frame
        latents = latents[:, :, latents.shape[2] // 2]
    shared.state.current_latent = latents
    shared.state.current_noise_pred = kwargs.get("noise_pred")
    scheduler = getattr(pipe, "scheduler", None)
    index = getattr(scheduler, "step_index", None)
    if index is not None and hasattr(scheduler, "sigmas"):
        shared.state.current_sigma = scheduler.sigmas[index - 1]
        shared.state.current_sigma_next = scheduler.sigmas[index]
    return kwargs
