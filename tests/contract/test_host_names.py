"""Every host name that the extension uses exists, with the parameters that it relies on.

Parsed, not imported: the embedded host always, and the real SD.Next when SDNEXT_DIR names one.
"""

from __future__ import annotations

import ast
import os
import re
from pathlib import Path

import pytest

from tests.contract.host_names import HOST_NAMES, HostName

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


def module_body(root: Path, module: str) -> list[ast.stmt]:
    path = root.joinpath(*module.split("."))
    source = path.with_suffix(".py") if path.with_suffix(".py").is_file() else path / "__init__.py"
    return ast.parse(source.read_text(encoding="utf-8")).body if source.is_file() else []


def find(body: list[ast.stmt], name: str) -> list[ast.AST]:
    """Return what binds ``name`` at the top of a body, conditional and ``try`` blocks included."""
    found: list[ast.AST] = []
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found += [node] if node.name == name else []
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            found += [node for alias in node.names if (alias.asname or alias.name.partition(".")[0]) == name]
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = [leaf.id for target in targets for leaf in ast.walk(target) if isinstance(leaf, ast.Name)]
            found += [node] if name in names else []
        for block in ("body", "orelse", "finalbody", "handlers"):
            if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                inner = getattr(node, block, [])
                found += find([item for entry in inner for item in getattr(entry, "body", [entry])], name)
    return found


def resolve(root: Path, entry: HostName) -> list[ast.AST]:
    outer, _, member = entry.attribute.partition(".")
    found = find(module_body(root, entry.module), outer)
    if (
        not found and entry.module == "modules.options_handler"
    ):  # older hosts keep the class beside OptionInfo
        found = find(module_body(root, "modules.shared"), outer)
    if not member:
        return found
    return [node for owner in found if isinstance(owner, ast.ClassDef) for node in find(owner.body, member)]


@pytest.mark.parametrize("entry", HOST_NAMES, ids=lambda entry: f"{entry.module}.{entry.attribute}")
@pytest.mark.parametrize("root", HOST_FOLDERS)
def test_the_host_has_the_name(root, entry):
    """A name that the host renamed is found here, and not by a user."""
    found = resolve(root, entry)
    if not found and not entry.required:
        pytest.skip(f"optional: {entry.module}.{entry.attribute} is not in this host")
    assert found, f"{entry.module}.{entry.attribute} is not in this host"
    is_signature_written_out = not isinstance(found[-1], ast.Assign)
    if entry.parameters is not None and is_signature_written_out:
        assert entry.parameters == parameters_of(found[-1])[: len(entry.parameters)]


def parameters_of(node: ast.AST) -> tuple[str, ...]:
    if isinstance(node, ast.ClassDef):
        (node,) = find(node.body, "__init__")
    assert isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    return tuple(argument.arg for argument in node.args.args if argument.arg != "self")


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
    found = find(module_body(root, "modules.processing_args"), "diffusers_callback")
    assert any(
        isinstance(node, ast.ImportFrom) and node.module == "modules.processing_callbacks" for node in found
    )


@pytest.mark.parametrize("root", HOST_FOLDERS)
def test_devices_is_asked_only_for_the_synchronize(root):
    """The mask over ``devices`` in the callbacks' module may hide nothing else than the backend."""
    asked = set()
    for node in ast.walk(ast.Module(module_body(root, "modules.processing_callbacks"), [])):
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id == "devices"
        ):
            asked.add(node.attr)
    assert asked <= {"backend", "device"}
