"""Stand-in for SD.Next's modules/processing_prompt.py: text encoding, a phase of its own."""

from __future__ import annotations

from typing import Any

from modules import devices, shared


def set_prompt(
    p: Any, args: dict, possible: list[str], model: Any, prompts: list[str], negative: list[str]
) -> dict:
    """Put prompt embeddings into `args`, or the plain texts if the pipeline takes no embeddings.

    The phase 'TE Encode' does not look at `interrupted`, and the next phase clears it: a Stop pressed
    here is lost, as in SD.Next.
    """
    if "prompt_embeds" not in possible or not hasattr(model, "encode_prompt"):
        args["prompt"] = prompts
        if "negative_prompt" in possible:
            args["negative_prompt"] = negative
        return args
    jobid = shared.state.begin("TE Encode")
    positive_embeds, negative_embeds = model.encode_prompt(
        prompt=prompts,
        device=devices.device,
        num_images_per_prompt=1,
        do_classifier_free_guidance=p.cfg_scale > 1,
        negative_prompt=negative,
    )
    args["prompt_embeds"] = positive_embeds
    if negative_embeds is not None:
        args["negative_prompt_embeds"] = negative_embeds
    shared.state.end(jobid)
    return args
