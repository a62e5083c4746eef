"""Report what the GPU has finished, not what the host has queued.

Four rings; imports point inwards only:

- ``core``      counting and policy, standard library only
- ``device``    events, barriers and latents, on torch
- ``pipeline``  one diffusers pipeline: steps, phases, Stop, previews
- ``host``      SD.Next: hooks, settings, progress fields

In a script of your own: ``from zluda_sync import track``. Importing this package loads neither torch nor
diffusers; using one of its names does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zluda_sync.core.progress.snapshot import ProgressSnapshot as Progress
    from zluda_sync.core.steps.policy import SyncMode
    from zluda_sync.pipeline.callback import PipelineCallback
    from zluda_sync.track import track

__version__ = "0.2.0"
__all__ = ["PipelineCallback", "Progress", "SyncMode", "track"]

#: Where the public names live.
_HOMES = {
    "PipelineCallback": ("zluda_sync.pipeline.callback", "PipelineCallback"),
    "Progress": ("zluda_sync.core.progress.snapshot", "ProgressSnapshot"),
    "SyncMode": ("zluda_sync.core.steps.policy", "SyncMode"),
    "track": ("zluda_sync.track", "track"),
}


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    module, attribute = _HOMES[name]
    value = getattr(import_module(module), attribute)
    globals()[name] = value
    return value
