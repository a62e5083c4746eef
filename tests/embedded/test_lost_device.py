"""A device that is lost in the middle of a job: the job ends with its error, and nothing of ours hangs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LIMIT_S = 120.0
PROGRAM = """
import json, sys, threading, time
sys.path[:0] = ["scripts", "."]
from bench.host.job import hold_self_test, set_mode
from bench.host.tiny_model import make_tiny_model
from modules import emulated_device, processing, shared, webui

mode, folder = sys.argv[1:]
webui.start_host(["--data-dir", folder, "--device", "emulated", "--model", make_tiny_model(folder),
                  "--step-ms", "100", "--encode-ms", "2", "--decode-ms", "300"])
hold_self_test()
set_mode(mode)
killed_s, calls = [], []
def kill_in_third_step(*_):
    calls.append(None)
    if len(calls) == 3:
        killed_s.append(time.perf_counter())
        emulated_device.faults.kill()
shared.sd_model.unet.register_forward_hook(kill_in_third_step)
error = None
try:
    processing.process_images(processing.StableDiffusionProcessingTxt2Img(
        prompt="a grey cat", seed=7, steps=8, width=64, height=64))
except Exception as raised:
    error = f"{type(raised).__name__}: {raised}"
print("RESULT" + json.dumps({
    "error": error, "after_s": time.perf_counter() - killed_s[0],
    "is_idle": not shared.state.job,
}))
"""


@pytest.mark.parametrize("mode", ["off", "every-step", "run-ahead", "observe"])
def test_a_job_whose_device_is_killed_ends_with_its_error(mode, tmp_path):
    """As the host alone ends it; the program ends too, no thread keeps it."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM, mode, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert 0 == done.returncode, done.stderr[-3000:]
    result = json.loads(done.stdout.rpartition("RESULT")[2])
    assert "the device was lost" in (result["error"] or done.stdout + done.stderr)
    assert result["after_s"] < 10.0
    assert result["is_idle"]
