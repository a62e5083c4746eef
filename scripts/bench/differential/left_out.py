"""The scripts of SD.Next's that the campaign does not run, and why."""

from __future__ import annotations

from collections.abc import Iterable

OTHER_MODEL = "needs another kind of model than Stable Diffusion 1.5"
WEIGHTS = "needs weights that have to be downloaded"
PIPELINE = "needs a pipeline or a package that has to be downloaded"
NO_CALL = "makes no picture: it adds to a request and reads no flag"

#: By the lower-cased title, as the host's routes list it.
REASONS = {
    "asymmetric tiling": NO_CALL,
    "automatic color inpaint": NO_CALL,
    "blip diffusion: controllable generation and editing": WEIGHTS,
    "consistory: consistent image generation": OTHER_MODEL,
    "ctrl-x: controlling structure and appearance": OTHER_MODEL,
    "daam: diffusion attentive attribution maps": OTHER_MODEL,
    "demofusion: high-resolution image generation": OTHER_MODEL,
    "differential diffusion: individual pixel strength": PIPELINE,
    "face: multiple id transfers": WEIGHTS,
    "flux tools": OTHER_MODEL,
    "freescale: tuning-free scale fusion": OTHER_MODEL,
    "infiniteyou: flexible photo recrafting": OTHER_MODEL,
    "instantir: image restoration": OTHER_MODEL,
    "ip adapters": WEIGHTS,
    "kohya hires fix": PIPELINE,
    "layerdiffuse: transparent image": WEIGHTS,
    "lbm: latent bridge matching": WEIGHTS,
    "ledits: limitless image editing": PIPELINE,
    "mixture tiling: scene composition": PIPELINE,
    "mixture-of-diffusers: tile control": OTHER_MODEL,
    "mulan: multi language prompts": WEIGHTS,
    "nudenet": WEIGHTS,
    "pixelsmith": OTHER_MODEL,
    "prompt enhance": WEIGHTS,
    "pulid: id customization": OTHER_MODEL,
    "regional prompting": PIPELINE,
    "resadapter: domain consistent resolution": WEIGHTS,
    "slg: skip layer guidance": OTHER_MODEL,
    "softfill: inpaint with differential diffusion": OTHER_MODEL,
    "style aligned image generation": OTHER_MODEL,
    "t-gate: accelerate via gating attention": "changes the model for the requests that follow, alone too",
    "tag autocomplete": NO_CALL,
    "video: animatediff": WEIGHTS,
    "video: modelscope": OTHER_MODEL,
    "video: stable video diffusion": OTHER_MODEL,
    "video: vgen image-to-video": OTHER_MODEL,
}
UNKNOWN = "not known to this campaign"


def explain_left_out(shipped: Iterable[str], covered: Iterable[str]) -> list[str]:
    """Return a line for each script that is there and that no case runs, with the reason."""
    missing = sorted(set(shipped) - set(covered))
    return [f"{title}: {REASONS.get(title, UNKNOWN)}" for title in missing]
