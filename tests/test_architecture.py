"""The page of the architecture speaks of the code as it is: its files, its names, and its short walks."""

from __future__ import annotations

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
    section = PAGE.split("## Six walks")[1].split("\n## ")[0]
    parts = re.split(r"\n\*\*([\w' ]+)\.\*\*", section)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def test_every_file_that_is_named_is_there():
    """Rooms, walks and the table of where things go."""
    assert [] == [name for name in files_named(PAGE) if not (PACKAGE / name).is_file()]


def rooms() -> dict[str, set[str]]:
    """The files that the table of rooms names, by folder; a line without one goes on with that before."""
    found: dict[str, set[str]] = {}
    room = ""
    line = r"^\|(?: (`[\w/]+`))? \| [^|]+ \| ([^|]+) \|$"
    for first, files in re.findall(line, PAGE, flags=re.MULTILINE):
        room = first.strip("`") or room
        if room:
            found.setdefault(room, set()).update(re.findall(r"`(\w+)`", files))
    return found


def test_every_room_and_every_file_in_it_is_told():
    """No folder and no file that a reader would have to find out by themselves, and none that is gone."""
    there: dict[str, set[str]] = {}
    for file in PACKAGE.rglob("*.py"):
        room = file.parent.relative_to(PACKAGE).as_posix()
        if file.stem != "__init__" and room != ".":
            there.setdefault(room, set()).add(file.stem)
    assert there == rooms()


def test_the_walks_are_short():
    """Five behaviours that a newcomer asks for, in at most nine files each."""
    assert ["One step", "The bar's fraction", "A grid", "Stop", "A profile", "A preview"] == list(walks())
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
