"""What each release of SD.Next has of what the extension uses: a table of features and release tags."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from bench.contract.host_names import FEATURES, HostName
from bench.contract.host_source import HostCommit, HostSource
from bench.terminal.bar import TerminalBar
from bench.terminal.table import Row, build_table

#: The oldest release that is looked at.
OLDEST = "2025-01-29"
_TAG = re.compile(r"\d{4}-\d{2}-\d{2}")
#: Names of which versions have one or the other.
_IN_TURN = ("cheap_approximation", "TAESD_MODELS", "State.set_current_image", "State.do_set_current_image")


def run_versions(folder: Path) -> int:
    """Print the table of all releases in a repository; 0 if the extension acts on all from the second on.

    Args:
        folder: of a clone of SD.Next with its tags.
    """
    tags = find_tags(folder)
    if not tags:
        print(f"{folder} has no release tags from {OLDEST} on; clone SD.Next with its tags")
        return 1
    bar = TerminalBar()
    rows: list[Row] = []
    try:
        for index, tag in enumerate(tags):
            bar.show(index / len(tags), tag)
            rows.append({"version": tag, **judge(HostCommit(folder, tag))})
        bar.show(1.0, f"{len(tags)} versions")
    finally:
        bar.close()
    print(build_table(rows, [("version", "version", ""), *((name, name, "") for name in FEATURES)]))
    missed = [str(row["version"]) for row in rows[1:] if "no" in row.values()]
    print("\n" + (f"missed: {', '.join(missed)}" if missed else f"acts on all of {len(rows) - 1} releases"))
    return 1 if missed else 0


def find_tags(folder: Path) -> list[str]:
    """Return the release tags of a repository from the oldest one on, in order."""
    listed = subprocess.run(
        ["git", "-C", str(folder), "tag", "--list"], capture_output=True, text=True, check=False
    )
    return sorted(tag for tag in listed.stdout.split() if _TAG.fullmatch(tag) and tag >= OLDEST)


def judge(source: HostSource) -> dict[str, str]:
    """Return for each feature ``yes``, ``no``, or what the version lacks for it and is done without."""
    return {feature: _judge_one(source, names) for feature, names in FEATURES.items()}


def _judge_one(source: HostSource, names: tuple[HostName, ...]) -> str:
    missing = [name for name in names if not source.has(name)]
    if any(name.required for name in missing):
        return "no"
    has = {name.attribute for name in names if name not in missing}
    lacked = sorted({name.attribute.rpartition(".")[2] for name in missing if not _is_had(name, has)})
    if len(lacked) == len({name.attribute for name in names}):
        return "-"
    return f"without {', '.join(lacked)}" if lacked else "yes"


def _is_had(name: HostName, has: set[str]) -> bool:
    """Whether the version has the same under another name."""
    return name.attribute in _IN_TURN and bool(has & set(_IN_TURN))
