"""The phases of a job, and how they are named to the user."""

from __future__ import annotations

from enum import Enum


class Phase(str, Enum):
    """What a stretch of a job is spent on."""

    PREPARE = "prepare"
    LOAD = "load"
    ENCODE = "encode"
    DENOISE = "denoise"
    UPSCALE = "upscale"
    DECODE = "decode"
    DETAIL = "detail"
    SAVE = "save"
    INTERPOLATE = "interpolate"
    EXPORT = "export"

    @property
    def label(self) -> str:
        """The phase as the user reads it."""
        return _LABELS[self]


_LABELS = {
    Phase.PREPARE: "Preparing",
    Phase.LOAD: "Loading model",
    Phase.ENCODE: "Text encode",
    Phase.DENOISE: "Denoise",
    Phase.UPSCALE: "Upscale",
    # Not "VAE": SD.Next's page hides the percentage of a job of that very name.
    Phase.DECODE: "VAE decode",
    Phase.DETAIL: "Detailer",
    Phase.SAVE: "Saving",
    Phase.INTERPOLATE: "Interpolate",
    Phase.EXPORT: "Saving video",
}

BASE, HIRES, REFINE, DETAIL = "base", "hires", "refine", "detail"
#: Role of a phase that is all that is asked for: pictures are upscaled, or a model is loaded.
ALONE = "alone"
PASS_LABELS = {BASE: "Denoise", HIRES: "Hires", REFINE: "Refine", DETAIL: "Detail"}
