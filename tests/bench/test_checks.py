"""The checks of the repository: which tests the quick run leaves to the whole one, and what is a failure."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bench.commands.checks import SLOW_TESTS, TIMED_TESTS, Check, build_checks, find_program, run_checks
from bench.commands.environment import REPOSITORY

TEST_FILES = {str(file.relative_to(REPOSITORY)) for file in (REPOSITORY / "tests").rglob("test_*.py")}


@pytest.fixture(scope="module")
def hollow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository's settings, and a file that is collected at once in the place of each file of tests."""
    folder = tmp_path_factory.mktemp("hollow")
    shutil.copy(REPOSITORY / "pyproject.toml", folder)
    for file in TEST_FILES:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text("def test(): pass\n", encoding="utf-8")
    return folder


def collect(folder: Path, check: Check) -> set[str]:
    """Return the files of tests that a check would run there."""
    command = [sys.executable, "-m", check.tool, *check.arguments, "--collect-only", "--quiet"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return {line.partition("::")[0] for line in done.stdout.splitlines() if "::" in line}


def test_the_whole_run_leaves_nothing_out(hollow: Path):
    """Each file of tests is run once, whatever its name and folder: the timed ones by themselves."""
    *kinds, others = (collect(hollow, check) for check in build_checks(quick=False) if check.tool == "pytest")
    timed = set().union(*kinds)
    assert len(timed) == sum(map(len, kinds))
    assert set(TIMED_TESTS) == timed
    assert TEST_FILES - timed == others


def test_the_quick_run_leaves_out_what_is_listed_and_nothing_else(hollow: Path):
    """So that the two together leave nothing out, and each listed folder is there."""
    (quick,) = (collect(hollow, check) for check in build_checks(quick=True) if check.tool == "pytest")
    slow = {folder: {file for file in TEST_FILES if file.startswith(f"{folder}/")} for folder in SLOW_TESTS}
    assert all(slow.values())
    assert TEST_FILES - set().union(*slow.values()) == quick


def test_every_check_is_run_and_each_that_fails_is_named(capfd: pytest.CaptureFixture[str]):
    """One that fails keeps none that follows from being run."""
    checks = (
        Check("first", "this_module_is_missing", ()),
        Check("second", "json.tool", ("--help",)),
        Check("third", "python", ("-c", "raise SystemExit(3)"), is_module=False),
    )
    assert 1 == run_checks(checks)
    said = capfd.readouterr().err
    assert "first: FAILED (exit code 1)" in said and "second: passed" in said
    assert "third: FAILED (exit code 3)" in said and "failed: first, third" in said
    assert 0 == run_checks(checks[1:2])


def test_a_program_that_is_not_installed_is_named():
    """With the place where it was looked for: one of the system's own would be of another version."""
    with pytest.raises(FileNotFoundError, match="no such-a-linter in"):
        find_program("such-a-linter")
