"""Stand-in for SD.Next's modules/extensions.py: every folder in the extensions folder is one extension."""

from __future__ import annotations

from pathlib import Path

from modules import paths, shared


class Extension:
    """One extension folder."""

    def __init__(self, name: str, path: str, enabled: bool = True, is_builtin: bool = False) -> None:
        self.name = name
        self.path = path
        self.enabled = enabled
        self.is_builtin = is_builtin
        self.remote: str | None = None
        self.version = ""

    def list_files(self, subdir: str, extension: str) -> list:
        """Files of `subdir` whose suffix is `extension` (with its dot), by name."""
        from modules.scripts_manager import ScriptFile

        files = sorted(file for file in Path(self.path, subdir).glob("*") if file.suffix.lower() == extension)
        return [ScriptFile(self.path, file.name, str(file), "50") for file in files]


extensions: list[Extension] = []


def active() -> list[Extension]:
    """Extensions whose scripts, JavaScript and styles are used."""
    if shared.opts.disable_all_extensions == "all":
        return []
    return [ext for ext in extensions if ext.enabled]


def list_extensions() -> None:
    """Fill `extensions` anew; one is enabled unless `opts.disabled_extensions` has its name, in any case."""
    disabled = {name.lower() for name in shared.opts.disabled_extensions}
    folders = sorted(folder for folder in Path(paths.extensions_dir).glob("*") if folder.is_dir())
    extensions[:] = [
        Extension(folder.name, str(folder), folder.name.lower() not in disabled) for folder in folders
    ]
