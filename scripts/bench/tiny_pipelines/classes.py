"""Every pipeline class of the installed diffusers."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Classes:
    """The classes by name, and why others could not be looked at."""

    standard: dict[str, type] = field(default_factory=dict)
    """Each has a `__call__` of its own; deprecated ones are here, too."""
    modular: dict[str, type] = field(default_factory=dict)
    """Each names a family of blocks; all are called by their base class."""
    skipped: dict[str, str] = field(default_factory=dict)
    """The name of a class that is not here, and the reason."""


def every_class() -> Classes:
    """Import all that diffusers exports under the name of a pipeline, some seconds the first time."""
    import diffusers
    from diffusers.utils import DummyObject

    found = Classes()
    for name in sorted(name for name in dir(diffusers) if "Pipeline" in name):
        try:
            exported = getattr(diffusers, name)
        # What diffusers raises where a late import fails, by its version.
        except (ImportError, RuntimeError) as problem:
            found.skipped[name] = str(problem).partition("\n")[0]
            continue
        if isinstance(exported, DummyObject):
            found.skipped[name] = f"needs {', '.join(missing_packages(exported))}"
        elif not inspect.isclass(exported):
            continue
        elif issubclass(exported, diffusers.ModularPipeline) and exported is not diffusers.ModularPipeline:
            found.modular[name] = exported
        elif issubclass(exported, diffusers.DiffusionPipeline) and "__call__" in vars(exported):
            found.standard[name] = exported
    return found


def missing_packages(placeholder: Any) -> list[str]:
    """Return what would have to be installed for the class that diffusers puts a placeholder for."""
    from diffusers.utils.import_utils import BACKENDS_MAPPING

    return [name for name in placeholder._backends if not BACKENDS_MAPPING[name][0]()]
