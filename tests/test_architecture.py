"""The page of the architecture speaks of the code as it is: its files, its names, and its short walks."""

from __future__ import annotations

import ast
import re
from pathlib import Path

DROP_IN = Path(__file__).resolve().parents[1] / "extensions" / "zluda_sync"
PACKAGE = DROP_IN / "zluda_sync"
PAGE = (DROP_IN / "docs" / "architecture.md").read_text(encoding="utf-8")
#: A reader who follows one behaviour opens no more files than this.
MOST_FILES_OF_A_WALK = 9


def files_named(text: str) -> list[str]:
    """The files of the package in backticks, each once."""
    named = re.findall(r"`((?:core|device|pipeline|host)/[\w/]+\.py)`", text)
    return list(dict.fromkeys(named))


def walks() -> dict[str, str]:
    """The text of each walk by its name."""
    section = PAGE.split("## Five walks")[1].split("\n## ")[0]
    parts = re.split(r"\n\*\*([\w' ]+)\.\*\*", section)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def test_every_file_that_is_named_is_there():
    """Rooms, walks and the table of where things go."""
    assert [] == [name for name in files_named(PAGE) if not (PACKAGE / name).is_file()]


def test_every_room_is_told():
    """Each folder of the package has its line, and each line its folder."""
    rooms = {file.parent.relative_to(PACKAGE).as_posix() for file in PACKAGE.rglob("*.py")}
    told = set(re.findall(r"^\| `((?:core|device|pipeline|host)[\w/]*)` \|", PAGE, flags=re.MULTILINE))
    assert told == rooms - {".", "core", "device"}


def test_every_main_name_of_a_room_is_defined_in_it():
    """A renamed class does not live on in the page."""
    lines = re.findall(r"^\| `([\w/.]+)` \| [^|]+ \| (`[^|]+) \|$", PAGE, flags=re.MULTILINE)
    missing = []
    for room, names in lines:
        place = PACKAGE / room
        files = [place] if place.is_file() else sorted(place.glob("*.py"))
        defined = {
            node.name
            for file in files
            for node in ast.parse(file.read_text(encoding="utf-8")).body
            if isinstance(node, (ast.ClassDef, ast.FunctionDef))
        }
        missing += [f"{room} {name}" for name in re.findall(r"`(\w+)`", names) if name not in defined]
    assert lines
    assert [] == missing


def test_the_walks_are_short():
    """Five behaviours that a newcomer asks for, in at most nine files each."""
    assert ["One step", "The bar's fraction", "Stop", "A profile", "A preview"] == list(walks())
    long = {name: len(files_named(text)) for name, text in walks().items()}
    assert {} == {name: count for name, count in long.items() if count > MOST_FILES_OF_A_WALK}


def test_every_thread_is_told():
    """By the name that a debugger shows."""
    started = {
        name
        for file in PACKAGE.rglob("*.py")
        for name in re.findall(r'name="(zluda_sync-[\w-]+)"', file.read_text(encoding="utf-8"))
    }
    table = PAGE.split("## Threads")[1].split("\n## ")[0]
    assert started <= set(re.findall(r"zluda_sync-[\w-]+", table))
