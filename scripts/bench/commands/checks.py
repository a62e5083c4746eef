"""The checks of the repository, one after the other, with a line for each."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import dataclass

from bench.commands.environment import REPOSITORY


@dataclass(frozen=True)
class Check:
    """One tool, run as a module of this Python in the repository's root."""

    name: str
    module: str
    arguments: tuple[str, ...]


# The tests come last: their closing line is what a person and a machine look for at the end.
CHECKS = (
    Check("ruff check", "ruff", ("check", "--quiet", ".")),
    Check("ruff format", "ruff", ("format", "--check", "--quiet", ".")),
    Check("mypy", "mypy", ("--no-error-summary",)),
    Check("pytest", "pytest", ()),
)


def run_checks() -> int:
    """Run every check, also after one has failed; return 0 when all passed, else 1."""
    failed = [check.name for check in CHECKS if not _passes(check)]
    if failed:
        print(f"zluda_sync: failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def _passes(check: Check) -> bool:
    started_s = time.perf_counter()
    code = subprocess.call(
        [sys.executable, "-m", check.module, *check.arguments], cwd=REPOSITORY, stdin=subprocess.DEVNULL
    )
    verdict = "passed" if code == 0 else f"FAILED (exit code {code})"
    print(f"zluda_sync: {check.name}: {verdict} in {time.perf_counter() - started_s:.1f} s", file=sys.stderr)
    sys.stderr.flush()
    return code == 0
