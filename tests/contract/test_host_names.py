"""Every host name that the extension uses exists, with the parameters that it relies on.

Parsed, not imported: the embedded host always, and the real SD.Next when SDNEXT_DIR names one.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
from pathlib import Path

import pytest

from bench.contract.host_names import HOST_NAMES
from bench.contract.host_source import HostCommit, HostFolder, find, parameters_of
from bench.contract.versions import find_tags, judge

EMBEDDED = Path(__file__).parents[2]
REAL = os.environ.get("SDNEXT_DIR")


HOST_FOLDERS = [
    pytest.param(EMBEDDED, id="embedded"),
    pytest.param(
        Path(REAL or "."),
        id="sdnext",
        marks=[pytest.mark.sdnext, pytest.mark.skipif(not REAL, reason="SDNEXT_DIR names no SD.Next")],
    ),
]


@pytest.mark.parametrize("entry", HOST_NAMES, ids=lambda entry: f"{entry.module}.{entry.attribute}")
@pytest.mark.parametrize("root", HOST_FOLDERS)
def test_the_host_has_the_name(root, entry):
    """A name that the host renamed is found here, and not by a user."""
    found = HostFolder(root).resolve(entry)
    if not found and not entry.required:
        pytest.skip(f"optional: {entry.module}.{entry.attribute} is not in this host")
    assert found, f"{entry.module}.{entry.attribute} is not in this host"
    is_signature_written_out = not isinstance(found[-1], ast.Assign)
    if entry.parameters is not None and is_signature_written_out:
        assert entry.parameters == parameters_of(found[-1])[: len(entry.parameters)]


def test_every_module_that_is_named_is_in_the_table():
    """What the extension reads of the host is held against the host's source, whichever file reads it."""
    package = EMBEDDED / "extensions" / "zluda_sync" / "zluda_sync"
    source = "\n".join(file.read_text(encoding="utf-8") for file in sorted(package.rglob("*.py")))
    named = set(re.findall(r"\"(modules\.[\w.]+)\"", source))
    named |= set(re.findall(r"^ *from (modules\.[\w.]+) import", source, re.MULTILINE))
    named |= {f"modules.{name}" for name in re.findall(r"^ *from modules import (\w+)", source, re.MULTILINE)}
    assert named
    assert set() == named - {entry.module for entry in HOST_NAMES}


@pytest.mark.parametrize("root", HOST_FOLDERS)
def test_the_callbacks_are_imported_by_name_where_we_patch_them(root):
    """Patching the module that defines them would change nothing."""
    found = find(HostFolder(root).module_body("modules.processing_args"), "diffusers_callback")
    assert any(
        isinstance(node, ast.ImportFrom) and node.module == "modules.processing_callbacks" for node in found
    )


@pytest.mark.parametrize("root", HOST_FOLDERS)
def test_devices_is_asked_only_for_the_synchronize(root):
    """The mask over ``devices`` in the callbacks' module may hide nothing else than the backend."""
    asked = set()
    for node in ast.walk(ast.Module(HostFolder(root).module_body("modules.processing_callbacks"), [])):
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id == "devices"
        ):
            asked.add(node.attr)
    assert asked <= {"backend", "device"}


def test_a_release_that_lacks_what_is_needed_is_told(tmp_path):
    """Read from a commit, with nothing checked out: what is missing, and what is done without."""

    def git(*words: str) -> None:
        who = ("-c", "user.name=a", "-c", "user.email=a@example.org")
        subprocess.run(["git", "-C", str(tmp_path), *who, *words], check=True, capture_output=True)

    git("init", "-q")
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "shared_state.py").write_text(
        "class State:\n    interrupted = skipped = paused = False\n    job_count = 0\n", encoding="utf-8"
    )
    git("add", ".")
    git("commit", "-qm", "a")
    git("tag", "2026-01-01")
    git("tag", "not-a-release")
    (tmp_path / "modules" / "shared_state.py").unlink()
    assert ["2026-01-01"] == find_tags(tmp_path)
    told = judge(HostCommit(tmp_path, "2026-01-01"))
    assert {"Stop, Skip, Pause": "yes", "cells are declared": "without frame_count"}.items() <= told.items()
    assert ("no", "-") == (told["steps of pipelines"], told["video tabs"])
