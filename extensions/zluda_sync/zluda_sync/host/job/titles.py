"""What the titles of the host's phases tell, in all its versions: the kind of work, and who asked for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zluda_sync.core.phase import Phase
from zluda_sync.core.settings.conditions import Asker

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
    "prepare video": Phase.EXPORT,
    "save video": Phase.EXPORT,
    "llm": Phase.PROMPT,
    "vlm": Phase.CAPTION,
    "llm batch": Phase.CAPTION,
}
_BY_FIRST_WORD = {
    "load": Phase.LOAD,
    "download": Phase.LOAD,
    "save": Phase.SAVE,
    "caption": Phase.CAPTION,
    "interrogate": Phase.CAPTION,  # until January 2026
    "waifudiffusion": Phase.CAPTION,
    "deepbooru": Phase.CAPTION,
}
#: The host's API names its requests ``API-TXT``, ``API TXT`` (until April 2025), ``API-CTL`` …
_API_PREFIX = "api"
#: Titles of scripts that are run beside the one that is selected; others are told by their arguments.
_SCRIPT_TITLES = frozenset({"xyz grid"})


def phase_of(title: str) -> Phase | None:
    """Return the phase that a title names, None for one that says nothing of the kind of work."""
    lowered = title.strip().lower()
    return _BY_TITLE.get(lowered) or _BY_FIRST_WORD.get(lowered.partition(" ")[0])


def find_asker(processing: Any, titles: Sequence[str]) -> Asker:
    """Return who asked for a job; never raises.

    A script's jobs are the script's, whether the page or the API has run it. The host's own ``state.api`` is
    no help: in versions before 2026 it stays set after the first request of the API.

    Args:
        processing: the host's object for the job, None if it has none.
        titles: of the host's phases that are around the job, the outermost first; empty if not known.
    """
    lowered = [title.strip().lower() for title in titles]
    if _has_script(processing) or not _SCRIPT_TITLES.isdisjoint(lowered):
        return Asker.SCRIPT
    if not lowered:
        return Asker.UNKNOWN
    return Asker.API if lowered[0].startswith(_API_PREFIX) else Asker.PAGE


def _has_script(processing: Any) -> bool:
    """Whether one of the host's selectable scripts runs: its number stands first, 0 is none."""
    arguments = getattr(processing, "script_args", None)
    if not isinstance(arguments, (list, tuple)) or not arguments:
        return False
    number = arguments[0]
    return isinstance(number, int) and not isinstance(number, bool) and number > 0
