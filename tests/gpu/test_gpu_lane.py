"""The GPU lane: on CUDA where there is one, and on the emulated device in a process of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
import torch

from bench.commands.environment import REPOSITORY
from bench.lane.gpu_lane import MODES

COMMAND = "import sys; from bench.lane.gpu_lane import run_gpu_lane; sys.exit(run_gpu_lane(quick=True))"
LEAD_COLUMN = 6


def run_lane(**environment: str) -> str:
    folders = (REPOSITORY, REPOSITORY / "extensions/zluda_sync", REPOSITORY / "scripts")
    run = subprocess.run(
        [sys.executable, "-c", COMMAND],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, folders)), **environment},
        check=False,
        capture_output=True,
        text=True,
        timeout=280,
    )
    for mode in MODES:
        lines = [re.split(r"\s{2,}", line) for line in run.stdout.splitlines()]
        rows = [cells for cells in lines if mode.value in cells[1:2]]
        assert rows, run.stdout + run.stderr
        assert {"0"} == {cells[LEAD_COLUMN] for cells in rows}
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_lane_on_the_emulated_device():
    """Every mode has its row, and nothing is reported before it is finished."""
    assert "hook: not checked here" in run_lane(CUDA_VISIBLE_DEVICES="")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_lane_on_cuda():
    """Nothing is reported before it is finished, and watching adds no sync."""
    assert "hook: none" in run_lane()
