"""Stand-in for SD.Next's modules/extensions.py: every folder of the extensions folder. No class `Script`."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

from modules import errors, paths, script_callbacks, shared


class Extension:
    """One extension folder."""

    def __init__(self, name: str, path: str, enabled: bool = True, is_builtin: bool = False) -> None:
        self.name = name
        self.path = path
        self.enabled = enabled
        self.is_builtin = is_builtin


extensions: list[Extension] = []


def list_files(subdir: str, suffix: str) -> list[Path]:
    """Files with this suffix (with its dot) of all enabled extensions, in the order of their use."""
    files = [file for ext in extensions if ext.enabled for file in Path(ext.path, subdir).glob(f"*{suffix}")]
    return sorted(files, key=lambda file: str(file).lower())


def list_extensions() -> None:
    """Fill `extensions` anew; one is enabled unless `opts.disabled_extensions` has its name, in any case."""
    disabled = {name.lower() for name in shared.opts.disabled_extensions}
    folders = sorted(folder for folder in Path(paths.extensions_dir).glob("*") if folder.is_dir())
    extensions[:] = [Extension(f.name, str(f), f.name.lower() not in disabled) for f in folders]


def load_script(file: Path) -> None:
    """Execute one script, its extension's folder first in `sys.path`; what it raises is logged."""
    spec = importlib.util.spec_from_file_location(file.name, file)
    module = importlib.util.module_from_spec(spec)  # type: ignore[arg-type]
    search_path = sys.path
    try:
        sys.path = [str(file.parent.parent), *search_path]
        spec.loader.exec_module(module)  # type: ignore[union-attr]
    except Exception as e:  # noqa: BLE001 - one broken script must not keep the others out
        errors.display(e, f"Load script: {file}")
    finally:
        sys.path = search_path


def load_scripts() -> None:
    """Run every script of the enabled extensions, after forgetting all callbacks."""
    script_callbacks.clear_callbacks()
    for file in list_files("scripts", ".py"):
        load_script(file)
