"""Loads the extension when SD.Next has installed this whole repository by its URL.

SD.Next then takes the repository for the extension and executes the files of this folder, while the extension
itself lies deeper. Does nothing unless it is SD.Next that executes it as part of an installed extension.
"""

import runpy
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NESTED = ROOT / "extensions" / "zluda_sync"
PAGE_FILES = "javascript"


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
    serve_nested_page_files(extensions.Extension)  # last, so not when loading failed


def serve_nested_page_files(entry_class):
    """Have the entry of this repository list the nested scripts of the page as its own.

    A second entry on the Extensions tab would be one that nobody has installed. SD.Next makes its entries
    anew whenever it looks for extensions, so it is their class that is taught. The scripts bring the style.
    """
    list_own = entry_class.list_files
    if getattr(list_own, "nested", None) == NESTED:
        return

    def list_files(self, subdir, extension):
        found = list_own(self, subdir, extension)
        if subdir != PAGE_FILES or Path(self.path).resolve() != ROOT:
            return found
        return [*found, *list_own(type(self)(self.name, str(NESTED)), subdir, extension)]

    list_files.nested = NESTED
    entry_class.list_files = list_files


if "modules.extensions" in sys.modules:
    load_nested_extension()
