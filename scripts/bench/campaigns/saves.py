"""Profiles saved ten thousand times beside the host's own saves: no broken file, no change lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.commands.environment import REPOSITORY

PUTS, QUICK_PUTS = 10_000, 300
ALONE_PUTS, NAMES_PUTS = 400, 1_000
#: What the columns count, and their heads.
COUNTS = {
    "puts": "saves",
    "own_saves": "host's own",
    "reads": "reads",
    "broken": "broken",
    "lost_puts": "lost",
    "lost_own": "host's lost",
    "left": "left over",
}
#: What a folder may have in it afterwards.
FILES = {"config.json", "secrets.json"}


@dataclass(frozen=True)
class Row:
    """What one task has counted.

    Attributes:
        name: what was done.
        counted: by the worker, see there.
    """

    name: str
    counted: dict[str, Any]

    @property
    def failures(self) -> int:
        """Broken files, changes that were lost, and files that were left over."""
        return sum(int(self.counted[name]) for name in ("broken", "lost_puts", "lost_own", "left"))

    def __str__(self) -> str:
        """Return the row of the table."""
        one = self.counted
        cells = (
            one["puts"],
            one["own_saves"],
            one["reads"],
            one["broken"],
            one["lost_puts"],
            one["lost_own"],
        )
        return f"{self.name:34}" + "".join(f"{cell:>12}" for cell in cells) + f"{one['took_s']:>9.0f} s"


def run_saves_campaign(quick: bool) -> int:
    """Save by the routes beside the host's own saves, and print what was lost; 0 if nothing was."""
    host, python = os.environ.get("SDNEXT_DIR"), os.environ.get("SDNEXT_PYTHON")
    is_real = bool(host and python)
    print(f"settings of {f'the real SD.Next in {host}' if is_real else 'the embedded host'}")
    host, python = (str(host), str(python)) if is_real else (str(REPOSITORY), sys.executable)
    print(f"{'':34}" + "".join(f"{head:>12}" for head in COUNTS.values()) + f"{'time':>11}", flush=True)
    puts = QUICK_PUTS if quick else PUTS
    rows = [show(Row("host alone, two saves a change", work(host, python, "alone", ALONE_PUTS)))]
    ours = [
        show(Row("ours, the host's saves in line", work(host, python, "in line", puts))),
        show(Row("ours, while nothing else is ours", work(host, python, "beside", puts))),
        *map(show, work_together(host, python, min(puts, NAMES_PUTS))),
    ]
    failures = sum(row.failures for row in ours)
    print(f"{failures} failures of ours, {rows[0].failures} of the host alone")
    return 0 if failures == 0 else 1


def show(row: Row) -> Row:
    """Print a row, and return it."""
    print(row, flush=True)
    return row


def work(host: str, python: str, kind: str, puts: int) -> dict[str, Any]:
    """Have a process of its own do one task in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="zluda_sync_saves_") as folder:
        return {**finish(begin(host, python, folder, kind=kind, puts=puts)), "left": count_left(folder)}


def work_together(host: str, python: str, puts: int) -> list[Row]:
    """Have two processes save profiles to the same file; what one saves must not cost what the other has."""
    with tempfile.TemporaryDirectory(prefix="zluda_sync_saves_") as folder:
        Path(folder, "config.json").write_text("{}", encoding="utf-8")
        begun = [
            begin(host, python, folder, kind="names", puts=puts, prefix=prefix) for prefix in ("one ", "two ")
        ]
        counted = [finish(one) for one in begun]
        left = count_left(folder)
    return [
        Row(f"two processes, one file: {number}", {**one, "left": left})
        for number, one in enumerate(counted, 1)
    ]


def count_left(folder: str) -> int:
    """Return how many files are there that nobody needs any more."""
    return len({file.name for file in Path(folder).iterdir()} - FILES)


def begin(host: str, python: str, folder: str, **task: Any) -> subprocess.Popen[str]:
    """Start a worker."""
    script = Path(__file__).with_name("saves_worker.py")
    extension = REPOSITORY / "extensions" / "zluda_sync"
    told = json.dumps({**task, "host": host, "folder": folder, "extension": str(extension)})
    return subprocess.Popen(
        [python, str(script), told],
        cwd=folder,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(worker: subprocess.Popen[str]) -> dict[str, Any]:
    """Wait for a worker, and return what it has counted.

    Raises:
        RuntimeError: it failed.
    """
    printed, said = worker.communicate()
    if worker.returncode != 0:
        raise RuntimeError(said[-2000:])
    counted: dict[str, Any] = json.loads(printed.splitlines()[-1])
    return counted
