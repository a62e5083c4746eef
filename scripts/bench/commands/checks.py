"""The checks of the repository, one after the other, with a line for each."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.commands.environment import REPOSITORY

#: Benchmarks, and tests in a browser, with jobs on the emulated device, on a GPU, in the real SD.Next. What
#: lies elsewhere takes less than a minute.
SLOW_TESTS = (
    "tests/bench/for_real",
    "tests/benchmarks",
    "tests/browser",
    "tests/embedded",
    "tests/gpu",
    "tests/sdnext",
)
#: Tests that hold something to the clock: the machine must do nothing else meanwhile.
TIMED_TESTS = (
    "tests/benchmarks/test_costs.py",
    "tests/embedded/test_card_check.py",
    "tests/embedded/test_previews.py",
    "tests/embedded/test_records.py",
    "tests/embedded/test_self_test.py",
    "tests/embedded/test_trust.py",
)
#: A file's tests stay together and in their order: those of a page go on where the one before has left it.
IN_PARALLEL = ("--numprocesses=auto", "--maxprocesses=4", "--dist=loadfile", "--no-loadscope-reorder")


@dataclass(frozen=True)
class Check:
    """One tool of this Python's environment, run in the repository's root.

    Attributes:
        name: as the closing line calls it.
        tool: a module to run, or a program.
        arguments: of the tool.
        is_module: which of the two it is.
    """

    name: str
    tool: str
    arguments: tuple[str, ...]
    is_module: bool = True

    def run(self) -> int:
        """Run it, and return its exit code."""
        # An environment that was moved has modules that run and launchers that do not.
        tool = [sys.executable, "-m", self.tool] if self.is_module else [find_program(self.tool)]
        return subprocess.call(
            [*tool, *self.arguments],
            cwd=REPOSITORY,
            stdin=subprocess.DEVNULL,
            # Tests run beside each other, and torch would have each take every core.
            env={"OMP_NUM_THREADS": "1", **os.environ},
        )


def find_program(name: str) -> str:
    """Return the file of a program that is installed beside this Python.

    Raises:
        FileNotFoundError: it is not.
    """
    folder = Path(sys.executable).parent
    found = shutil.which(name, path=str(folder))
    if found is None:
        raise FileNotFoundError(f"there is no {name} in {folder}")
    return found


def build_checks(quick: bool) -> tuple[Check, ...]:
    """Return the checks in their order; quick, without the slow tests."""
    left_out = SLOW_TESTS if quick else TIMED_TESTS
    # Each kind in a process of its own: what the costs leave behind is a long way for the garbage collector.
    kinds = {"costs": "tests/benchmarks/", "jobs": "tests/embedded/"}
    timed = tuple(
        Check(f"pytest, {name} one at a time", "pytest", _of_folder(folder))
        for name, folder in kinds.items()
        if not quick
    )
    return (
        Check("ruff check", "ruff", ("check", "--quiet", ".")),
        Check("ruff format", "ruff", ("format", "--check", "--quiet", ".")),
        Check("oxlint", "oxlint", ("--quiet",), is_module=False),
        Check("mypy", "mypy", ("--no-error-summary",)),
        *timed,
        # The tests come last: their closing line is what a person and a machine look for at the end.
        Check("pytest", "pytest", (*IN_PARALLEL, *(f"--ignore={path}" for path in left_out))),
    )


def _of_folder(folder: str) -> tuple[str, ...]:
    return tuple(path for path in TIMED_TESTS if path.startswith(folder))


def run_checks(checks: Sequence[Check]) -> int:
    """Run every check, also after one has failed; return 0 when all passed, else 1."""
    failed = [check.name for check in checks if not _passes(check)]
    if failed:
        print(f"zluda_sync: failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def _passes(check: Check) -> bool:
    started_s = time.perf_counter()
    code = check.run()
    verdict = "passed" if code == 0 else f"FAILED (exit code {code})"
    print(f"zluda_sync: {check.name}: {verdict} in {time.perf_counter() - started_s:.1f} s", file=sys.stderr)
    sys.stderr.flush()
    return code == 0
