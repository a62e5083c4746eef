"""Previews: a short run."""

from __future__ import annotations

import subprocess
import sys

from bench.commands.environment import REPOSITORY


def test_clients_never_talk_to_the_emulated_device(tmp_path):
    """In all modes, for real; what it costs is judged by the full run alone."""
    done = subprocess.run(
        [sys.executable, REPOSITORY / "scripts" / "measure.py", "--previews", "--quick"],
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    lines = [line.split() for line in done.stdout.splitlines()]
    rows = [line for line in lines if line and line[0] in ("every-step", "run-ahead", "observe")]
    assert 3 == len(rows), done.stdout + done.stderr
    assert [["0", "0"]] * 3 == [row[-2:] for row in rows]
    assert all(int(row[1]) > 0 for row in rows)
