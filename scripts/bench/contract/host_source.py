"""The source of a host: in a folder, or in a commit of a repository. It is parsed, and never imported."""

from __future__ import annotations

import ast
import subprocess
from abc import ABC, abstractmethod
from functools import cache
from pathlib import Path

from bench.contract.host_names import HostName


class HostSource(ABC):
    """Reads files of one version of the host."""

    @abstractmethod
    def read(self, path: str) -> str | None:
        """Return a file's text, None if there is no such file."""

    def module_body(self, module: str) -> list[ast.stmt]:
        """Return what stands at the top of a module, nothing if there is no such module."""
        path = module.replace(".", "/")
        for name in (f"{path}.py", f"{path}/__init__.py"):
            text = self.read(name)
            if text is not None:
                return _parse(text)
        return []

    def resolve(self, entry: HostName) -> list[ast.AST]:
        """Return what binds a name, nothing if the version has no such name."""
        outer, _, member = entry.attribute.partition(".")
        found = find(self.module_body(entry.module), outer)
        if not found and entry.module == "modules.options_handler":
            # older hosts keep the class beside OptionInfo
            found = find(self.module_body("modules.shared"), outer)
        if not member:
            return found
        return [
            node for owner in found if isinstance(owner, ast.ClassDef) for node in find(owner.body, member)
        ]

    def has(self, entry: HostName) -> bool:
        """Return whether the version has a name, with the parameters that calls rely on."""
        found = self.resolve(entry)
        if not found:
            return False
        if entry.parameters is None or isinstance(found[-1], ast.Assign):
            return True
        return entry.parameters == parameters_of(found[-1])[: len(entry.parameters)]


class HostFolder(HostSource):
    """A checked-out version."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, path: str) -> str | None:
        file = self._folder / path
        return file.read_text(encoding="utf-8") if file.is_file() else None


class HostCommit(HostSource):
    """A version in a repository, by tag or commit; nothing is checked out.

    Args:
        folder: of the repository.
        name: of the commit.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._name = name

    def read(self, path: str) -> str | None:
        shown = subprocess.run(
            ["git", "-C", str(self._folder), "show", f"{self._name}:{path}"],
            capture_output=True,
            check=False,
        )
        return shown.stdout.decode("utf-8", "replace") if shown.returncode == 0 else None


@cache
def _parse(text: str) -> list[ast.stmt]:
    return ast.parse(text).body


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


def parameters_of(node: ast.AST) -> tuple[str, ...]:
    """Return the names of a function's, or a class's, parameters in order; none if it is neither."""
    if isinstance(node, ast.ClassDef):
        made = find(node.body, "__init__")
        return parameters_of(made[0]) if made else ()
    if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return ()
    return tuple(argument.arg for argument in node.args.args if argument.arg != "self")
