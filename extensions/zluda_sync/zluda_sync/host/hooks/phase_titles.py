"""The titles that the host gives to its phases, in all its versions."""

from __future__ import annotations

from zluda_sync.core.phase import Phase

_BY_TITLE = {
    "params": Phase.ENCODE,
    "te encode": Phase.ENCODE,
    "vae encode": Phase.ENCODE,
    "vae": Phase.DECODE,
    "vae decode": Phase.DECODE,
    "remote vae": Phase.DECODE,
    "upscale": Phase.UPSCALE,
    "upsample": Phase.UPSCALE,
    "resize": Phase.UPSCALE,
    "detailer": Phase.DETAIL,
    "preprocess": Phase.PREPARE,
}
_BY_FIRST_WORD = {"load": Phase.LOAD, "download": Phase.LOAD, "save": Phase.SAVE}


def phase_of(title: str) -> Phase | None:
    """Return the phase that a title names, None for one that says nothing of the kind of work."""
    lowered = title.strip().lower()
    return _BY_TITLE.get(lowered) or _BY_FIRST_WORD.get(lowered.partition(" ")[0])
