"""The rooms stay small: lines of a file, arguments of a constructor, and the number of files."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1] / "extensions" / "zluda_sync" / "zluda_sync"

MOST_LINES = 300
MOST_ARGUMENTS = 7
#: Without those that only say what is in a folder.
MOST_FILES = 112

#: Too long today; each that becomes shorter leaves this list.
LONG = {
    "host/session.py",
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
    """And none stands among the exceptions that is short by now."""
    long = {name for name, file in FILES.items() if len(file.read_text("utf-8").splitlines()) > MOST_LINES}
    assert LONG == long


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
