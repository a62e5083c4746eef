"""What the host describes pictures by, and which of several: read off its own functions while they run.

Its captioners have neither a picture call nor an object in common: some models sort a picture, others write.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import FrameType

from zluda_sync.core.learning.grid_memory import digest_of
from zluda_sync.host.job.call_stack import callers

#: So many frames lie at most between the functions that describe and what they call.
_FAR = 16
#: Their names for the files to describe and for the one in hand, for the model, and for what it is asked.
_FILES, _FILE = ("files", "image_files"), "file"
_MODELS = ("model_name", "clip_model", "blip_model", "mode")
_ASKED = ("question", "system_prompt", "prompt")
#: The packages that they lie in, by the last part of the name: the second until January 2026.
_PACKAGES = frozenset({"caption", "interrogate"})


def find_files() -> tuple[list[object], int | None]:
    """Return the files to describe, and the zero-based index of the one in hand, None before the first."""
    for frame in _frames():
        for name in _FILES:
            files = frame.f_locals.get(name)
            if isinstance(files, list) and files:
                file = frame.f_locals.get(_FILE)
                return files, files.index(file) if file in files else None
    return [], None


def find_writer() -> str:
    """Return the name of the model, and what tells the question from others, which decides how much comes."""
    for frame in _frames():
        found = frame.f_locals
        names = [found[name] for name in _MODELS if isinstance(found.get(name), str)]
        if names:
            asked = {name: found[name] for name in _ASKED if isinstance(found.get(name), str)}
            return " ".join([*names, digest_of(asked)])
    return "a model"


def _frames() -> Iterator[FrameType]:
    """Yield the frames of the host's captioners on the calling thread's stack, the innermost first."""
    for frame in callers(_FAR):
        if not _PACKAGES.isdisjoint(str(frame.f_globals.get("__name__", "")).split(".")):
            yield frame
