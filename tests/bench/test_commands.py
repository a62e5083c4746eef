"""The commands as a user and as SD.Next meet them: inert on import, and one clear line when wrong."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.commands.environment import REPOSITORY

COMMANDS = sorted((REPOSITORY / "scripts").glob("*.py"))
OWN_COMMANDS = [
    REPOSITORY / "scripts" / name
    for name in (
        "check.py",
        "differential.py",
        "gpu_lane.py",
        "measure.py",
        "read_reports.py",
        "run_host.py",
        "train_model.py",
        "updates.py",
        "verify_card.py",
        "versions.py",
        "ways.py",
    )
]

IMPORT_LIKE_SDNEXT = """
import importlib.util, sys
spec = importlib.util.spec_from_file_location("loaded_script", sys.argv[1])
spec.loader.exec_module(importlib.util.module_from_spec(spec))
heavy = {"torch", "gradio", "diffusers", "bench"} & set(sys.modules)
assert not heavy, heavy
"""


def run(*arguments: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run this Python from an unrelated folder, leaving no compiled files."""
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def files_of_the_scripts() -> set[Path]:
    """Every file there, compiled ones included."""
    return set((REPOSITORY / "scripts").rglob("*"))


def test_the_commands_are_the_files_in_scripts():
    """SD.Next executes whatever lies there, so nothing else may."""
    assert set(OWN_COMMANDS) <= set(COMMANDS)
    assert not (REPOSITORY / "scripts" / "__init__.py").exists()


@pytest.mark.parametrize("command", OWN_COMMANDS, ids=lambda command: command.name)
def test_importing_a_command_does_nothing(command: Path, tmp_path: Path):
    """SD.Next executes it by path at start: no output, no library loaded, no file written."""
    before = files_of_the_scripts()
    done = run("-c", IMPORT_LIKE_SDNEXT, command, folder=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert files_of_the_scripts() == before
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", OWN_COMMANDS, ids=lambda command: command.name)
def test_help_explains_the_command(command: Path, tmp_path: Path):
    """It comes at once, from any folder."""
    done = run(command, "--help", folder=tmp_path)
    assert done.returncode == 0
    assert f"usage: {command.name}" in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("name", "arguments", "named"),
    [
        ("check.py", ["--fast"], "--fast"),
        ("measure.py", ["--slow"], "--slow"),
        ("measure.py", ["--json"], "--json"),
        ("measure.py", ["--quick", "--traces", "traces"], "--traces"),
        ("measure.py", ["--stop", "--json", "rows.json"], "--stop"),
        ("measure.py", ["--stop", "--previews"], "several measurements"),
        ("measure.py", ["--quick", "--plot", "plot.svg"], "--against"),
        ("differential.py", ["--slow"], "--slow"),
        ("read_reports.py", [], "FILE"),
        ("read_reports.py", ["--merge", "report.json"], "--merge"),
        ("run_host.py", ["--nonsense"], "--nonsense"),
        ("ways.py", ["--slow"], "--slow"),
        ("run_host.py", ["--once", "--steps", "many"], "'many' is not a whole number"),
        ("run_host.py", ["--once", "--steps", "0"], "'0' is not a whole number, 1 to"),
        ("run_host.py", ["--once", "--mode", "fast"], "every-step"),
        ("run_host.py", ["--once", "--device", "tpu"], "emulated"),
        ("run_host.py", ["--port", "70000"], "0 to 65535"),
        ("run_host.py", ["--step-ms", "-1"], "milliseconds"),
        ("run_host.py", ["--step-ms", "nan"], "milliseconds"),
        ("run_host.py", ["--steps", "5"], "--steps needs --once"),
        ("run_host.py", ["--prompt", "x"], "--prompt needs --once"),
        ("run_host.py", ["--once", "--port", "7000"], "--port"),
    ],
)
def test_a_bad_option_is_one_line_and_exit_code_2(
    name: str, arguments: list[str], named: str, tmp_path: Path
):
    """The line names what is wrong, before anything is installed."""
    done = run(REPOSITORY / "scripts" / name, *arguments, folder=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert named in done.stderr


def test_every_measurement_that_is_offered_is_there():
    """The command finds each by its name, long after its options were read."""
    import measure

    for module, function, _what in measure.OTHERS.values():
        assert callable(getattr(importlib.import_module(module), function))
