"""Stand-in for SD.Next's modules/processing_args.py: the arguments with which a pipeline is called.

The step callbacks are imported by name, as in SD.Next: to replace them, replace the names here.
"""

from __future__ import annotations

import inspect
from typing import Any

import torch

from modules import devices, shared
from modules.processing_callbacks import diffusers_callback, diffusers_callback_legacy, set_callbacks_p

#: Style of the bar on the console; the name of the pass stands behind it, as in SD.Next.
BAR_FORMAT = "{rate_fmt} {bar} {percentage:3.0f}% {n_fmt}/{total_fmt} {elapsed}<{remaining} "


def get_params(model: Any) -> list[str]:
    """Names of the parameters that the pipeline takes."""
    return list(inspect.signature(type(model).__call__, follow_wrapped=True).parameters)


def set_prompt(p: Any, args: dict, possible: list[str], model: Any, prompts: list, negative: list) -> None:
    """Put prompt embeddings into `args`, or the plain texts if the pipeline takes no embeddings.

    The phase 'TE Encode' does not look at `interrupted`, and the next phase clears it: a Stop pressed
    here is lost, as in SD.Next.
    """
    if "prompt_embeds" not in possible or not hasattr(model, "encode_prompt"):
        args.update({"prompt": prompts, "negative_prompt": negative})
        return
    jobid = shared.state.begin("TE Encode")
    args["prompt_embeds"], args["negative_prompt_embeds"] = model.encode_prompt(
        prompt=prompts,
        device=devices.device,
        num_images_per_prompt=1,
        do_classifier_free_guidance=p.cfg_scale > 1,
        negative_prompt=negative,
    )
    shared.state.end(jobid)


def set_pipeline_args(
    p: Any, model: Any, prompts: list, negative_prompts: list, desc: str = "", **kwargs: Any
) -> dict[str, Any]:
    """Build the arguments: only those that the pipeline takes, without None.

    The step callback goes into `callback_on_step_end`, else into the older `callback`, else nowhere:
    such a pipeline reports no steps. The random numbers come from the CPU, one generator for each image:
    the same seed gives the same picture on every device.
    """
    argsid = shared.state.begin("Params")
    if hasattr(model, "set_progress_bar_config"):
        model.set_progress_bar_config(bar_format=BAR_FORMAT + desc, ncols=80, colour="#327fba")
    possible = get_params(model)
    args = {
        "guidance_scale": p.cfg_scale,
        "generator": [torch.Generator("cpu").manual_seed(seed) for seed in p.seeds],
        **kwargs,
    }
    set_prompt(p, args, possible, model, prompts, negative_prompts)
    set_callbacks_p(p)
    if "callback_on_step_end" in possible:
        args["callback_on_step_end"] = diffusers_callback
        args["callback_on_step_end_tensor_inputs"] = getattr(model, "_callback_tensor_inputs", ["latents"])
    else:
        args.update({"callback": diffusers_callback_legacy, "callback_steps": 1})
    shared.state.end(argsid)
    return {k: v for k, v in args.items() if k in possible and v is not None}
