"""The tests of the rings within the host, with other Pythons: one row of a table for each Python and ring.

Standard library only, and nothing is installed: a Python that is named has torch, pytest, pytest-timeout and
hypothesis; for the pipeline and the stand-in also the libraries of the extra ``host`` in pyproject.toml.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

from bench.commands.command_line import fail
from bench.commands.environment import REPOSITORY
from bench.terminal.bar import TerminalBar
from bench.terminal.table import Row, build_table

#: The rings, from within; and the stand-in, which runs all of them.
RINGS = ("core", "device", "pipeline", "embedded")
_COUNT = re.compile(r"(\d+) (passed|failed|skipped|error)")
_ASK_VERSIONS = "import platform, torch; print(platform.python_version(), torch.__version__)"
COLUMNS = (
    ("python", "Python", ""),
    ("torch", "torch", ""),
    ("ring", "tests of", ""),
    ("passed", "passed", "d"),
    ("skipped", "skipped", "d"),
    ("failed", "failed", "d"),
    ("missed", "missed", ""),
)


def run_ring_tests(pythons: Sequence[Path], words: Sequence[str]) -> int:
    """Run them, and print a table; 0 if no test has failed and each ring had some.

    Args:
        pythons: that run them.
        words: rings with one of these in their name, core and device if empty.
    """
    rings = [ring for ring in RINGS if any(word in ring for word in words or ("core", "device"))]
    versions = [_ask_versions(python) for python in pythons]
    rows: list[Row] = []
    bar, total = TerminalBar(), len(pythons) * len(rings)
    try:
        for python, (version, torch) in zip(pythons, versions, strict=True):
            for ring in rings:
                bar.show(len(rows) / total, f"torch {torch}: {ring}")
                rows.append({"python": version, "torch": torch, "ring": ring, **run_tests(python, ring)})
        bar.show(1.0, "done")
    finally:
        bar.close()
    print(build_table(rows, COLUMNS))
    missed = [row for row in rows if row["missed"]]
    print(f"{len(rows) - len(missed)} of {len(rows)} as they should be")
    return int(bool(missed))


def run_tests(python: Path, ring: str) -> dict[str, str | int]:
    """Return how many tests of a ring have passed and failed with a Python, and which has failed first."""
    done = subprocess.run(
        [str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider", f"tests/{ring}"],
        cwd=REPOSITORY,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return read_outcome(done.stdout, done.returncode)


def read_outcome(printed: str, code: int) -> dict[str, str | int]:
    """Read what pytest has printed: counts, and what was amiss, empty if nothing was."""
    lines = printed.strip().splitlines() or [f"exit code {code}"]
    counts = {word: int(number) for number, word in _COUNT.findall(lines[-1])}
    failed = counts.get("failed", 0) + counts.get("error", 0)
    first = next((line for line in lines if line.startswith(("FAILED", "ERROR"))), lines[-1])
    return {
        "passed": counts.get("passed", 0),
        "skipped": counts.get("skipped", 0),
        "failed": failed,
        "missed": first if code or failed else "",
    }


def _ask_versions(python: Path) -> tuple[str, str]:
    """Return the versions of a Python and of its torch; exits with one line where it has none."""
    try:
        asked = subprocess.run(
            [str(python), "-c", _ASK_VERSIONS], capture_output=True, text=True, check=False
        )
    except OSError as failure:
        fail(f"{python}: {failure.strerror}")
    told = asked.stdout.split()
    if asked.returncode or len(told) != 2:
        fail(f"{python}: {(asked.stderr.strip().splitlines() or ['no torch'])[-1]}")
    return told[0], told[1]
