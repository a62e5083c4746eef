"""The rooms stay small: lines of a file, arguments of a constructor, and the number of files."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1] / "extensions" / "zluda_sync" / "zluda_sync"

MOST_LINES = 300
MOST_ARGUMENTS = 7
#: Without those that only say what is in a folder.
MOST_FILES = 182

#: Broad excepts beside the guard's that are no observers: something is tried that may fail in every way.
TRIES = {
    "host/accelerator.py",  # asks a driver for its name
    "pipeline/projections.py",  # asks a function of the host for colours
    "pipeline/component_phases.py",  # looks into pipelines of a kind of their own
}
FILES = {file.relative_to(PACKAGE).as_posix(): file for file in sorted(PACKAGE.rglob("*.py"))}


def constructors(source: str) -> Iterator[tuple[str, int]]:
    """Every class that writes out its constructor, and how many arguments that takes.

    A dataclass does not: it is a row of values, which are given by name.
    """
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ClassDef):
            for method in node.body:
                if isinstance(method, ast.FunctionDef) and method.name == "__init__":
                    given = method.args
                    yield node.name, len([*given.posonlyargs, *given.args, *given.kwonlyargs]) - 1


def test_no_file_is_longer_than_one_sitting():
    """What is longer holds more than one concept."""
    long = {name for name, file in FILES.items() if len(file.read_text("utf-8").splitlines()) > MOST_LINES}
    assert set() == long


def test_no_constructor_takes_more_than_one_breath():
    """What needs more collaborators than that does more than one thing."""
    greedy = {
        f"{name} {made}"
        for name, file in FILES.items()
        for made, arguments in constructors(file.read_text("utf-8"))
        if arguments > MOST_ARGUMENTS
    }
    assert set() == greedy


def test_a_constructor_is_counted_however_it_takes_its_arguments():
    """By place, by name, or both; ``self`` is none of them."""
    source = "class A:\n    def __init__(self, a, /, b, *, c=1): ...\n    class B:\n        x: int\n"
    assert [("A", 3)] == list(constructors(source))


def test_there_are_no_more_files_than_a_reader_can_know():
    """A file with one reader belongs to its reader."""
    assert len([name for name in FILES if not name.endswith("__init__.py")]) <= MOST_FILES


def test_a_failing_observer_is_caught_in_one_place():
    """By the guard, which tells it once; only drivers, and what is tried, are caught elsewhere."""
    broad = {name for name, file in FILES.items() if "BLE001" in file.read_text("utf-8")}
    assert set() == {name for name in broad if not name.startswith("device/")} - TRIES
