"""The four rings: what each may import, read from the source and enforced by the linter."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
DROP_IN = REPOSITORY / "extensions" / "zluda_sync"
PACKAGE = DROP_IN / "zluda_sync"

ALLOWED = {
    "core": {"zluda_sync.core"},
    "device": {"zluda_sync.core", "zluda_sync.device", "torch", "numpy"},
    "pipeline": {
        "zluda_sync.core",
        "zluda_sync.device",
        "zluda_sync.pipeline",
        "torch",
        "numpy",
        "PIL",
        "diffusers",
        "safetensors",
        "tqdm",
    },
}


def imported_names(file: Path) -> Iterator[str]:
    """Every module that the file imports anywhere in it, relative ones resolved."""
    package = file.relative_to(DROP_IN).parent.parts
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*base, *([node.module] if node.module else [])])
            # `from zluda_sync import host` names its ring only in the second half.
            yield from (f"{module}.{alias.name}" for alias in node.names)


def is_within(name: str, packages: set[str]) -> bool:
    """Whether the name is one of the packages or lies in one."""
    return any(name == package or name.startswith(f"{package}.") for package in packages)


@pytest.mark.parametrize("ring", sorted(ALLOWED))
def test_a_ring_imports_inwards_only(ring: str):
    """Beyond the standard library it imports what the design allows it."""
    files = sorted((PACKAGE / ring).rglob("*.py"))
    assert files
    assert [(file.name, name) for file in files for name in foreign_names(ring, file)] == []


@pytest.mark.parametrize(
    ("statement", "foreign"),
    [
        ("import json", []),
        ("from zluda_sync.core import clock", []),
        ("from . import clock", []),
        ("def late():\n    import torch", ["torch"]),
        ("from zluda_sync import device", ["zluda_sync.device"]),
        ("from ..device import ladder", ["zluda_sync.device.ladder"]),
    ],
)
def test_an_import_is_found_wherever_and_however_it_is_written(
    statement: str, foreign: list[str], monkeypatch: pytest.MonkeyPatch
):
    """In a function, from the package, and relative: what the linter's rule for core does not see."""
    monkeypatch.setattr(Path, "read_text", lambda *_args, **_kwargs: statement)
    assert list(foreign_names("core", PACKAGE / "core" / "intruder.py")) == foreign


def foreign_names(ring: str, file: Path) -> Iterator[str]:
    """What a file of the ring imports and may not."""
    for name in imported_names(file):
        if name.partition(".")[0] not in sys.stdlib_module_names and not is_within(name, ALLOWED[ring]):
            yield name


def test_the_embedded_host_never_names_the_extension():
    """It treats the extension as any other folder in extensions/."""
    naming = [
        file.name
        for file in sorted((REPOSITORY / "modules").rglob("*.py"))
        for name in imported_names_anywhere(file)
        if is_within(name, {"zluda_sync"})
    ]
    assert naming == []


def imported_names_anywhere(file: Path) -> Iterator[str]:
    """Every absolute module name that a file outside the drop-in imports."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


@pytest.mark.parametrize("ring", ["core", "device", "pipeline"])
@pytest.mark.parametrize(
    "statement",
    [
        "import gradio",
        "import fastapi",
        "from modules import shared",
        "from zluda_sync.host import session",
        "def late():\n    import gradio\n    return gradio",
    ],
)
def test_the_linter_refuses_the_host_in_the_inner_rings(ring: str, statement: str):
    """The rule names the ring that may."""
    assert "TID251" in lint(PACKAGE / ring / "intruder.py", statement)


@pytest.mark.parametrize(
    ("statement", "rule"),
    [
        ("import torch", "TID253"),
        ("import numpy as np", "TID253"),
        ("from zluda_sync.device import ladder", "TID253"),
    ],
)
def test_the_linter_keeps_core_to_the_standard_library(statement: str, rule: str):
    """Torch and the next ring out are refused by name."""
    assert rule in lint(PACKAGE / "core" / "intruder.py", statement)


def test_the_linter_lets_each_ring_have_what_is_its_own():
    """Torch in the device ring, SD.Next in the host ring."""
    assert "TID" not in lint(
        PACKAGE / "device" / "guest.py", "import torch\n\nimport zluda_sync.core.steps.ledger"
    )
    assert "TID" not in lint(PACKAGE / "host" / "guest.py", "import gradio\nfrom modules import shared")


def lint(file: Path, source: str) -> str:
    """What ruff says of this source if it stood in this file."""
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "ruff",
            "check",
            "--output-format",
            "concise",
            "--stdin-filename",
            str(file),
            "-",
        ],
        input=source + "\n",
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    return done.stdout
