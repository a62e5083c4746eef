"""The bar on the console over a whole job, on a device whose steps really end late."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LIMIT_S = 120.0
# Notes each write to the console with what the device has finished by then, in its own order of work.
PROGRAM = """
import json, sys
sys.path[:0] = ["scripts", "."]
from bench.host.job import hold_self_test, set_mode
from bench.host.tiny_model import make_tiny_model
from modules import processing, shared, webui
from modules.emulated_device import Marks

class Noting:
    encoding = "utf-8"
    def __init__(self):
        self.writes = []
    def write(self, text):
        self.writes.append([len(finished), text])
    def flush(self):
        pass
    def isatty(self):
        return False

mode, folder = sys.argv[1:]
finished, queued = Marks(), []
webui.start_host(["--data-dir", folder, "--device", "emulated", "--model", make_tiny_model(folder),
                  "--step-ms", "70", "--encode-ms", "2", "--decode-ms", "300"])
hold_self_test()
set_mode(mode)
def count_step(*_):
    queued.append(None)
    finished.put()
shared.sd_model.unet.register_forward_hook(count_step)
console, sys.stderr = sys.stderr, Noting()
job = processing.StableDiffusionProcessingTxt2Img(
    prompt="a grey cat", seed=7, steps=6, width=128, height=128,
    enable_hr=True, hr_scale=1.5, denoising_strength=0.5)
pictures = processing.process_images(job).images
noting, sys.stderr = sys.stderr, console
print("RESULT" + json.dumps({"writes": noting.writes, "pictures": len(pictures), "queued": len(queued)}))
"""


def run(folder: Path, mode: str) -> dict:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM, mode, str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert 0 == done.returncode, done.stderr[-3000:]
    return json.loads(done.stdout.rpartition("RESULT")[2])


def drawn(result: dict) -> list[tuple[int, str, int, int]]:
    """Return what was drawn: finished by then, pass, count, total."""
    pattern = re.compile(r" (\d+)/(\d+) .* (Base|Hires)")
    found = [(done, pattern.search(text)) for done, text in result["writes"]]
    return [(done, hit[3], int(hit[1]), int(hit[2])) for done, hit in found if hit]


@pytest.mark.parametrize("mode", ["every-step", "run-ahead", "observe"])
def test_the_console_says_what_is_finished(tmp_path, mode):
    """Never ahead of the device, each pass on a line of its own, and full when the device has finished it."""
    result = run(tmp_path, mode)
    assert 1 == result["pictures"]
    seen = drawn(result)
    totals = {name: total for _done, name, _count, total in seen}
    assert {"Base", "Hires"} == totals.keys()
    before = {"Base": 0, "Hires": totals["Base"]}
    assert [] == [line for line in seen if line[2] > line[0] - before[line[1]]]
    lines = "".join(text for _done, text in result["writes"]).split("\n")
    last = [line.rpartition("\r")[2] for line in lines if line]
    assert 2 == len(last)
    for name, line in zip(("Base", "Hires"), last, strict=True):
        assert f" {totals[name]}/{totals[name]} " in line
        assert line.rstrip("\x1b[0m ").endswith(name)
    assert result["queued"] == sum(totals.values())
    assert any(0 < count < total for _done, name, count, total in seen if name == "Base")


def test_without_the_extension_the_console_is_ahead(tmp_path):
    """The defect: the host's bar is full while the device has hardly begun."""
    seen = drawn(run(tmp_path, "off"))
    assert any(count > done for done, name, count, _total in seen if name == "Base")
