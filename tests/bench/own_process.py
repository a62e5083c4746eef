"""Code that starts a host, run in a process of its own: a device can be installed once in each."""

from __future__ import annotations

import subprocess
import sys

from bench.commands.environment import REPOSITORY


def run_in_own_process(code: str) -> str:
    """Run Python code beside the commands; return what it printed, AssertionError if it failed."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=REPOSITORY / "scripts",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert 0 == done.returncode, done.stdout + done.stderr
    return done.stdout
