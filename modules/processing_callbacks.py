"""Stand-in for SD.Next's modules/processing_callbacks.py: what a pipeline calls after each step.

They raise AssertionError after Stop or Skip. `devices` is used here for nothing but the host's
own synchronize (option `torch_sync`).
"""

from __future__ import annotations

import time
from typing import Any

import torch

from modules import devices, shared

p: Any = None  # the job that the callbacks belong to


def set_callbacks_p(processing: Any) -> None:
    """Name the job that the callbacks belong to."""
    global p
    p = processing


def raise_if_stopped() -> None:
    """End the pass after Stop or Skip."""
    if shared.state.interrupted or shared.state.skipped:
        raise AssertionError("Interrupted...")


def wait_while_paused() -> None:
    """Wait until the user goes on, or stops."""
    while shared.state.paused:
        raise_if_stopped()
        time.sleep(0.1)


def diffusers_callback_legacy(step: int, timestep: int, latents: torch.Tensor) -> None:
    """The older `callback` of pipelines: no synchronize, nothing returned."""
    if p is None:
        return
    shared.state.sampling_step = step
    shared.state.current_latent = latents
    raise_if_stopped()
    wait_while_paused()


def diffusers_callback(pipe: Any, step: int = 0, timestep: int = 0, kwargs: dict | None = None) -> dict:
    """`callback_on_step_end` of pipelines: count the queued step, publish its latents, return `kwargs`."""
    kwargs = {} if kwargs is None else kwargs
    state = shared.state
    if shared.opts.torch_sync and devices.backend in {"cuda", "zluda", "rocm", "ipex"}:
        torch.get_device_module(devices.device).synchronize(devices.device)
    wait_while_paused()
    if state.sampling_steps == 0:
        state.sampling_steps = getattr(pipe, "num_timesteps", 0)
    state.step()
    raise_if_stopped()
    if p is not None and kwargs.get("latents") is not None:
        state.current_latent = kwargs["latents"]
        state.current_noise_pred = kwargs.get("noise_pred")
        scheduler = getattr(pipe, "scheduler", None)
        index = getattr(scheduler, "step_index", None)
        if index is not None and hasattr(scheduler, "sigmas"):
            state.current_sigma = scheduler.sigmas[index - 1]
            state.current_sigma_next = scheduler.sigmas[index]
    return kwargs
