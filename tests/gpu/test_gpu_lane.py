"""The GPU lane: on CUDA where there is one, and on the emulated device in a process of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from bench.commands.environment import REPOSITORY
from bench.lane.measuring import MODES
from bench.lane.parts import PARTS

COMMAND = "import sys; from bench.lane.gpu_lane import main; sys.exit(main())"
#: All but those that `test_lane_pack` runs, and one that is the same as another here.
EMULATED_PARTS = [one.name for one in PARTS if one.name not in ("pipeline", "host", "sdxl")]
LEAD_COLUMN = 6


def run_lane(out: Path, parts: Sequence[str] = (), **environment: str) -> str:
    folders = (REPOSITORY, REPOSITORY / "extensions/zluda_sync", REPOSITORY / "scripts")
    chosen = [word for name in parts for word in ("--part", name)]
    run = subprocess.run(
        [sys.executable, "-c", COMMAND, "--quick", "--out", str(out), *chosen],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, folders)), **environment},
        check=False,
        capture_output=True,
        text=True,
        timeout=500,
    )
    for mode in MODES:
        lines = [re.split(r"\s{2,}", line) for line in run.stdout.splitlines()]
        rows = [cells for cells in lines if mode.value in cells[1:2]]
        assert rows, run.stdout + run.stderr
        assert {"0"} == {cells[LEAD_COLUMN] for cells in rows}
    assert run.returncode == 0, run.stderr
    return run.stdout


@pytest.mark.timeout(540)
def test_lane_on_the_emulated_device(tmp_path: Path):
    """Every mode has its row, nothing is reported before it is finished, and watching adds no sync."""
    said = run_lane(tmp_path, EMULATED_PARTS, CUDA_VISIBLE_DEVICES="")
    assert "hook: none" in said
    assert "hook, with previews: none" in said
    assert "seen: NO" not in said


@pytest.mark.gpu
@pytest.mark.timeout(540)
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_lane_on_cuda(tmp_path: Path):
    """Nothing is reported before it is finished, and watching adds no sync."""
    assert "hook: none" in run_lane(tmp_path)
