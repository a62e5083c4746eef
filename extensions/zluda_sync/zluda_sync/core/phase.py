"""The phases of a job, and how they are named to the user."""

from __future__ import annotations

from enum import Enum


class Phase(str, Enum):
    """What a stretch of a job is spent on."""

    PREPARE = "prepare"
    PROMPT = "prompt"
    LOAD = "load"
    ENCODE = "encode"
    DENOISE = "denoise"
    UPSCALE = "upscale"
    DECODE = "decode"
    DETAIL = "detail"
    SAVE = "save"
    CAPTION = "caption"
    INTERPOLATE = "interpolate"
    EXPORT = "export"

    @property
    def label(self) -> str:
        """The phase as the user reads it."""
        return _LABELS[self]


_LABELS = {
    Phase.PREPARE: "Preparing",
    Phase.PROMPT: "Prompt enhance",
    Phase.LOAD: "Loading model",
    Phase.ENCODE: "Text encode",
    Phase.DENOISE: "Denoise",
    Phase.UPSCALE: "Upscale",
    # Not "VAE": SD.Next's page hides the percentage of a job of that very name.
    Phase.DECODE: "VAE decode",
    Phase.DETAIL: "Detailer",
    Phase.SAVE: "Saving",
    Phase.CAPTION: "Caption",
    Phase.INTERPOLATE: "Interpolate",
    Phase.EXPORT: "Saving video",
}

BASE, HIRES, REFINE, DETAIL = "base", "hires", "refine", "detail"
#: Phases in which a model writes a text, token by token; how many come, only the last one tells.
TEXTS = frozenset({Phase.PROMPT, Phase.CAPTION})
#: Role of a phase that is all that is asked for: pictures are upscaled or described, or a model is loaded.
ALONE = "alone"
PASS_LABELS = {BASE: "Denoise", HIRES: "Hires", REFINE: "Refine", DETAIL: "Detail"}
