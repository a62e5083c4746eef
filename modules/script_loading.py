"""Stand-in for SD.Next's modules/script_loading.py: run one script file as a module."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

from modules import errors


def load_module(path: str) -> ModuleType:
    """Execute the file at `path`; the module is not put into `sys.modules`.

    An exception of the script is logged with its traceback and swallowed: the module is then half made.
    """
    spec = importlib.util.spec_from_file_location(Path(path).name, path)
    module = importlib.util.module_from_spec(spec)  # type: ignore[arg-type]
    try:
        spec.loader.exec_module(module)  # type: ignore[union-attr]
    except Exception as e:  # noqa: BLE001 - whatever the script raises
        errors.display(e, f"Module load: {path}")
    return module
