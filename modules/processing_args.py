"""Stand-in for SD.Next's modules/processing_args.py: the arguments with which a pipeline is called.

The step callbacks are imported by name, as in SD.Next: to replace them, replace the names here.
"""

from __future__ import annotations

import inspect
from typing import Any

import torch

from modules import shared
from modules.processing_callbacks import diffusers_callback, diffusers_callback_legacy, set_callbacks_p
from modules.processing_prompt import set_prompt


def get_params(model: Any) -> list[str]:
    """Names of the parameters that the pipeline takes."""
    return list(inspect.signature(type(model).__call__, follow_wrapped=True).parameters)


def get_generator(p: Any) -> list[torch.Generator]:
    """One generator for each image, on the CPU: the same seed gives the same picture on every device."""
    return [torch.Generator("cpu").manual_seed(seed) for seed in p.seeds]


def set_pipeline_args(
    p: Any,
    model: Any,
    prompts: list,
    negative_prompts: list,
    prompts_2: list | None = None,
    negative_prompts_2: list | None = None,
    prompt_attention: str | None = None,
    desc: str | None = "",
    **kwargs: Any,
) -> dict:
    """Build the arguments; of `kwargs` only those that the pipeline takes, without None.

    The step callback goes into `callback_on_step_end`, else into the older `callback`, else nowhere:
    such a pipeline reports no steps.
    """
    argsid = shared.state.begin("Params")
    if hasattr(model, "set_progress_bar_config"):
        model.set_progress_bar_config(desc=desc, ncols=80)
    possible = get_params(model)
    args = set_prompt(p, {}, possible, model, prompts, negative_prompts)
    if "guidance_scale" in possible:
        args["guidance_scale"] = p.cfg_scale
    if "generator" in possible:
        args["generator"] = get_generator(p)
    set_callbacks_p(p)
    if "callback_on_step_end" in possible:
        args["callback_on_step_end"] = diffusers_callback
        if "callback_on_step_end_tensor_inputs" in possible:
            args["callback_on_step_end_tensor_inputs"] = getattr(
                model, "_callback_tensor_inputs", ["latents"]
            )
    elif "callback" in possible:
        args["callback"] = diffusers_callback_legacy
        if "callback_steps" in possible:
            args["callback_steps"] = 1
    args.update({k: v for k, v in kwargs.items() if k in possible and v is not None})
    args.update({k: v for k, v in p.task_args.items() if k in possible})
    shared.state.end(argsid)
    return args
