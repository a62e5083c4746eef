"""Previews that are measured: a short run for real, and what is called a miss."""

from __future__ import annotations

import subprocess
import sys

import pytest

from bench.campaigns.previews import find_misses
from bench.commands.environment import REPOSITORY

GOOD = {
    "mode": "run-ahead",
    "previews": 19,
    "preview_lag_max": 1,
    "cost_share": 0.01,
    "poller_waits": 0,
    "poller_launches": 0,
}
LIKENESS = [{"psnr_db": 6.0}, {"psnr_db": 22.0}]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"cost_share": 0.03}, "cost 0.030"),
        ({"poller_waits": 1}, "talk to the device"),
        ({"poller_launches": 1}, "talk to the device"),
        ({"preview_lag_max": 2}, "lag 2"),
        ({"previews": 0}, "0 previews"),
    ],
)
def test_each_miss_is_named(changes, named):
    """With its mode."""
    assert [] == find_misses([GOOD], LIKENESS)
    (line,) = find_misses([{**GOOD, **changes}], LIKENESS)
    assert line.startswith("run-ahead: ")
    assert named in line


def test_a_fit_that_gains_too_little_is_named():
    """Six decibel over the plain channels."""
    (line,) = find_misses([GOOD], [{"psnr_db": 6.0}, {"psnr_db": 11.0}])
    assert "5.0 dB" in line


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
