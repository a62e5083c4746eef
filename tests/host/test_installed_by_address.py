"""The entry of a whole repository that SD.Next has taken for the extension: one entry, and all page files."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).resolve().parents[2]
SHIM = ROOT / "scripts" / "zluda_sync_shim.py"
NESTED = ROOT / "extensions" / "zluda_sync"


class Entry:
    """An extension as SD.Next holds it."""

    def __init__(self, name: str, path: str) -> None:
        self.name, self.path = name, path

    def list_files(self, subdir: str, extension: str) -> list[str]:
        """Its files of a folder."""
        return sorted(str(file) for file in Path(self.path, subdir).glob(f"*{extension}"))


@pytest.fixture
def extensions(monkeypatch) -> SimpleNamespace:
    """SD.Next's extensions with this repository and another one; the nested entry script does nothing."""
    entry_class = type("Extension", (Entry,), {"list_files": Entry.list_files})
    entries = [entry_class("other", str(ROOT / "tests")), entry_class("by-address", str(ROOT))]
    module = SimpleNamespace(Extension=entry_class, extensions=entries)
    monkeypatch.setitem(sys.modules, "modules.extensions", module)
    monkeypatch.setattr(runpy, "run_path", lambda path: {})
    return module


def run_shim() -> None:
    """Execute the file as SD.Next does."""
    exec(compile(SHIM.read_text(encoding="utf-8"), str(SHIM), "exec"), {"__file__": str(SHIM)})


def test_no_entry_is_added_and_the_pages_files_are_its_own(extensions):
    """Executed twice, as after a reload of the page, and for entries that the host makes anew."""
    run_shim()
    run_shim()
    assert ["other", "by-address"] == [one.name for one in extensions.extensions]
    scripts = sorted(str(file) for file in (NESTED / "javascript").glob("*.js"))
    assert scripts == extensions.extensions[1].list_files("javascript", ".js")
    assert scripts == extensions.Extension("anew", str(ROOT)).list_files("javascript", ".js")


def test_nothing_else_is_listed_otherwise(extensions):
    """Not the scripts of the host, and not what others have."""
    before = [
        one.list_files(folder, ".py") for one in extensions.extensions for folder in ("scripts", "host")
    ]
    run_shim()
    after = [one.list_files(folder, ".py") for one in extensions.extensions for folder in ("scripts", "host")]
    assert before == after
    assert [] == extensions.extensions[0].list_files("javascript", ".js")
