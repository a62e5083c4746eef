"""The last versions of the extension, one after the other over one data folder, as a user updates in place.

Each push to the default branch is a release: the versions are the commits that change the package.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.commands.environment import REPOSITORY
from bench.terminal.bar import TerminalBar
from bench.terminal.table import Row, build_table

PACKAGE = "extensions/zluda_sync/zluda_sync"
#: What a version needs to run: itself, and the stand-in for SD.Next of its time.
PARTS = ("extensions", "modules", "scripts")
#: Python before 3.11.4 and 3.10.12 has no such filter; the archive is this repository's own.
_SAFELY: dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
NOW = "this folder"
RUN_LIMIT_S = 300.0
COLUMNS = (
    ("case", "version", ""),
    ("subject", "its message", ""),
    ("recent", "jobs kept", "d"),
    ("samples", "times kept", "d"),
    ("misses", "missed", ""),
)


@dataclass(frozen=True)
class Version:
    """One version.

    Attributes:
        commit: short, or :data:`NOW` for what lies here.
        subject: first line of its message.
    """

    commit: str
    subject: str = ""


@dataclass(frozen=True)
class Updated:
    """What a version found and left.

    Attributes:
        version: that ran.
        told: what it printed of what is kept.
        samples: how many times of parts of jobs are kept.
    """

    version: Version
    told: dict[str, Any]
    samples: int

    def find_misses(self, runs_before: int) -> list[str]:
        """Return in words what of the data of the versions before was not taken over.

        Args:
            runs_before: how many versions ran before, each with one job.
        """
        wanted = {
            "is_acting": True,
            "mode": "SyncMode.RUN_AHEAD",
            "chosen": "kept",
            "profiles": ["kept"],
            "rules": 1,
            "depth": 3,
            "recent": runs_before + 1,
            "warnings": [],
        }
        misses = [
            f"{name} is {self.told[name]}" for name, value in wanted.items() if self.told[name] != value
        ]
        misses += [f"set aside: {name}" for name in self.told["files"] if "broken" in name]
        files = ("durations.json", "estimates.json", "grids.json", "jobs.jsonl", "selftest.json")
        return misses + [f"no {name}" for name in files if name not in self.told["files"]]


def find_versions(count: int) -> list[Version]:
    """Return the newest versions, the oldest first; fewer where the history is shorter, none without one."""
    arguments = ("log", "--first-parent", "--format=%h %s", f"-{count}", "HEAD", "--", PACKAGE)
    try:
        lines = _git(*arguments).decode("utf-8", "replace").splitlines()
    except (OSError, subprocess.CalledProcessError):
        return []
    return [Version(*line.split(" ", 1)) for line in reversed(lines)]


def unpack(version: Version, folder: Path) -> Path:
    """Put a version into a new folder, and return where it lies; what lies here is used where it is."""
    if version.commit == NOW:
        return REPOSITORY
    folder.mkdir()
    with tarfile.open(fileobj=io.BytesIO(_git("archive", version.commit, *PARTS))) as archive:
        archive.extractall(folder, **_SAFELY)
    return folder


def run_version(version: Version, tree: Path, data_dir: Path, model: str) -> Updated:
    """Run a version in a process of its own.

    Raises:
        RuntimeError: it did not end in order; the message has its last lines.
    """
    script = Path(__file__).with_name("one_version.py")
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    environment.pop("PYTHONPATH", None)
    done = subprocess.run(
        [sys.executable, str(script), str(tree), str(data_dir), model],
        cwd=data_dir.parent,
        env=environment,
        capture_output=True,
        text=True,
        timeout=RUN_LIMIT_S,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{version.commit}: {done.stderr[-2000:]}")
    told = json.loads(done.stdout.splitlines()[-1])
    return Updated(version, told, _count_samples(data_dir / "zluda_sync" / "durations.json"))


def run_chain(count: int, folder: Path) -> int:
    """Run the newest versions and what lies here, print a table, and return 1 if anything was lost."""
    from bench.host.tiny_model import make_tiny_model  # torch and diffusers

    model = make_tiny_model(folder / "model")
    versions = [*find_versions(count), Version(NOW)]
    rows: list[Row] = []
    bar = TerminalBar()
    try:
        for number, version in enumerate(versions):
            bar.show(number / len(versions), version.commit)
            tree = unpack(version, folder / version.commit)
            updated = run_version(version, tree, folder / "data", model)
            rows.append(
                {
                    "case": version.commit,
                    "subject": version.subject[:60],
                    "recent": updated.told["recent"],
                    "samples": updated.samples,
                    "misses": "; ".join(updated.find_misses(number)),
                }
            )
        bar.show(1.0, "done")
    finally:
        bar.close()
    print(build_table(rows, COLUMNS))
    missed = [row for row in rows if row["misses"]]
    print(f"{len(rows) - len(missed)} of {len(rows)} took over what there was")
    return int(bool(missed))


def _count_samples(durations: Path) -> int:
    tree = json.loads(durations.read_text(encoding="utf-8"))
    return sum(len(work["unit_s"]) for work in tree["work"])


def _git(*arguments: str) -> bytes:
    return subprocess.run(["git", *arguments], cwd=REPOSITORY, capture_output=True, check=True).stdout
