"""Loads the extension when SD.Next has installed this whole repository by its URL.

SD.Next then takes the repository for the extension and executes the files of this folder, while the extension
itself lies deeper. Does nothing unless it is SD.Next that executes it as part of an installed extension.
"""

import runpy
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NESTED = ROOT / "extensions" / "zluda_sync"
PAGE_FILES_SUFFIX = "-page"


def load_nested_extension() -> None:
    """Run the nested entry script, and have SD.Next serve the nested page files."""
    extensions = sys.modules["modules.extensions"]
    outer = [entry for entry in extensions.extensions if Path(entry.path).resolve() == ROOT]
    if not outer:
        return
    (entry_script,) = (NESTED / "scripts").glob("*.py")
    search_path = sys.path
    sys.path = [str(NESTED), *search_path]  # as SD.Next does for a script's own extension
    try:
        runpy.run_path(str(entry_script))
    finally:
        sys.path = search_path
    # JavaScript and styles are looked for in registered folders only; last, so not when loading failed.
    name = outer[0].name + PAGE_FILES_SUFFIX
    if not any(Path(entry.path).resolve() == NESTED for entry in extensions.extensions):
        is_enabled = name.lower() not in map(
            str.lower, sys.modules["modules.shared"].opts.disabled_extensions
        )
        extensions.extensions.append(extensions.Extension(name, str(NESTED), is_enabled))


if "modules.extensions" in sys.modules:
    load_nested_extension()
