"""Keeps the host from synchronizing each step while we wait in its place; its own setting is not touched."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from zluda_sync.host.hooks.patch_table import Switch
from zluda_sync.host.job.current import Jobs


class DevicesMask(ModuleType):
    """Stands for ``devices`` where the step callbacks live; they ask its ``backend`` only to synchronize.

    Everything else is the host's, read and written through. ``opts.torch_sync`` would do the same but would
    be saved to the user's config.json.
    """

    _MASKED_BACKEND = "zluda_sync"

    def __init__(self, devices: ModuleType, jobs: Jobs, switch: Switch) -> None:
        super().__init__(devices.__name__, devices.__doc__)
        object.__setattr__(self, "_devices", devices)
        object.__setattr__(self, "_jobs", jobs)
        object.__setattr__(self, "_switch", switch)

    def __getattribute__(self, name: str) -> Any:
        if name in ("_devices", "_jobs", "_switch", "_MASKED_BACKEND", "__class__"):
            return object.__getattribute__(self, name)
        if name == "backend":
            job = self._jobs.current
            if self._switch.is_on and job is not None and not job.is_broken:
                return self._MASKED_BACKEND
        return getattr(self._devices, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._devices, name, value)

    def __delattr__(self, name: str) -> None:
        delattr(self._devices, name)
