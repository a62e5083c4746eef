"""What hosts and schedulers do to memory that a preview may still be read from, on the emulated device.

Nothing here changes a picture: it is the same with and without.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import diffusers
import torch

#: What memory holds that was handed to somebody else.
GARBAGE = 1e3
#: Latents go to the CPU and back after so many steps; the copy to the CPU is the one thing that waits.
MOVED_EVERY = 8
#: By how much a step changes a latent, at least: several levels of a preview's 255.
CHANGE = 0.3


class EulerDiscreteScheduler(diffusers.EulerDiscreteScheduler):  # type: ignore[misc]
    """Euler's steps in the one tensor that the callback was given; by its name its x0 is shown.

    Without guidance the tensor is scaled before each step too, so that it is right at no time between a
    callback and the end of the next step.
    """

    newest_x0: Any = None

    def scale_model_input(self, sample: torch.Tensor, timestep: Any) -> torch.Tensor:
        """Scale the sample itself."""
        scaled = super().scale_model_input(sample, timestep)
        self._unscaled = sample.clone()
        return sample.copy_(scaled)

    def step(self, model_output: Any, timestep: Any, sample: Any, *args: Any, **kwargs: Any) -> Any:
        """Go one step on, over a moment in which the tensor holds nothing."""
        sample.copy_(self._unscaled)
        is_dict = kwargs.pop("return_dict", True)
        after = super().step(model_output, timestep, sample, *args, return_dict=True, **kwargs)
        self.newest_x0 = after.pred_original_sample
        sample.fill_(GARBAGE)
        sample.copy_(after.prev_sample)
        return after if is_dict else (sample,)


SAMPLERS = {
    "Euler, in place": EulerDiscreteScheduler,
    "Heun": diffusers.HeunDiscreteScheduler,
    "DPM++ 2M": diffusers.DPMSolverMultistepScheduler,
    "Euler a": diffusers.EulerAncestralDiscreteScheduler,
}


def find_shown(scheduler: Any, latents: Any, step: int) -> Any:
    """Return what a fitted preview of a step should show, by what the scheduler itself says; a tensor.

    Euler's first step shows what it left: one point gives no line.
    """
    if isinstance(scheduler, EulerDiscreteScheduler) and step:
        return scheduler.newest_x0
    if isinstance(scheduler, diffusers.DPMSolverMultistepScheduler):
        return scheduler.model_outputs[-1]
    return latents


@contextlib.contextmanager
def hostile_samplers() -> Iterator[None]:
    """A context in which the host offers these samplers."""
    from modules import processing_diffusers

    offered = dict(processing_diffusers.SAMPLERS)
    processing_diffusers.SAMPLERS.update(SAMPLERS)
    try:
        yield
    finally:
        processing_diffusers.SAMPLERS.clear()
        processing_diffusers.SAMPLERS.update(offered)


@contextlib.contextmanager
def restless_unet() -> Iterator[None]:
    """A context in which the UNet is a shallow one, whose every step changes each latent by much.

    With a model that knows what it draws, late steps leave what the step before has left, to the eye, and a
    preview of another step would pass for a true one.
    """
    from modules import shared

    unet, calls = shared.sd_model.unet, [0]
    patterns: dict[Any, torch.Tensor] = {}

    def forward(sample: torch.Tensor, *_args: Any, **_kwargs: Any) -> tuple[torch.Tensor]:
        if sample.shape not in patterns:
            generator = torch.Generator().manual_seed(1)
            signs = torch.randint(0, 2, sample.shape, generator=generator) * 2.0 - 1.0
            patterns[sample.shape] = signs.to(sample.device)
        calls[0] += 1
        change = CHANGE / _sigma_change(shared.sd_model.scheduler) * (-1) ** calls[0]
        return (unet.conv_out(unet.conv_in(sample)) + patterns[sample.shape] * change,)

    unet.forward = forward
    try:
        yield
    finally:
        del unet.forward


def _sigma_change(scheduler: Any) -> float:
    """Return by how much the noise changes with the step that begins; Heun's has it twice."""
    sigmas, step = scheduler.sigmas.tolist(), scheduler.step_index or 0
    near = sigmas[max(step - 1, 0) : step + 2]
    return float(max(abs(after - before) for before, after in itertools.pairwise(near)))


@contextlib.contextmanager
def wrapped_step(scheduler_class: type[Any], after: Callable[[Any, Any, Any], Any]) -> Iterator[None]:
    """A context in which ``after(scheduler, sample, prev_sample)`` gives what a step of the class returns."""
    original, is_own = scheduler_class.step, "step" in vars(scheduler_class)

    @functools.wraps(original)
    def step(self: Any, model_output: Any, timestep: Any, sample: Any, *args: Any, **kwargs: Any) -> Any:
        result = original(self, model_output, timestep, sample, *args, **kwargs)
        return (after(self, sample, result[0]), *result[1:])

    scheduler_class.step = step
    try:
        yield
    finally:
        if is_own:
            scheduler_class.step = original
        else:
            del scheduler_class.step


@contextlib.contextmanager
def offload_moves(scheduler_class: type[Any]) -> Iterator[None]:
    """A context in which a part of the UNet is on the device during its forward only, and latents move too.

    What leaves the device gives its memory back, and whoever gets it next writes to it.
    """
    from modules import shared

    unet, steps = shared.sd_model.unet, [0]
    part = unet.conv_out
    kept_on_cpu = {name: value.detach().cpu() for name, value in part.named_parameters()}
    on_device = dict(part.named_parameters())

    def onload(module: Any, _args: Any) -> None:
        for name, value in kept_on_cpu.items():
            module._parameters[name] = torch.nn.Parameter(value.to(shared.sd_model.device), False)

    def offload(module: Any, _args: Any, _output: Any) -> None:
        for name, value in kept_on_cpu.items():
            module._parameters[name].fill_(GARBAGE)
            module._parameters[name] = torch.nn.Parameter(value, False)

    def move_latents(scheduler: Any, sample: Any, left: Any) -> Any:
        steps[0] += 1
        if steps[0] % MOVED_EVERY:
            return left
        moved = left.cpu().to(left.device)
        for old in (sample, left):
            if old is not getattr(scheduler, "sample", None):  # Heun needs it in the second half of a step
                old.fill_(GARBAGE)
        return moved

    hooks = (part.register_forward_pre_hook(onload), part.register_forward_hook(offload))
    try:
        with wrapped_step(scheduler_class, move_latents):
            yield
    finally:
        for hook in hooks:
            hook.remove()
        part._parameters.update(on_device)
