"""What `run_host.py --once` shows a newcomer: how far the host alone is ahead of its device, and the cure."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.bench.own_process import run_in_own_process

STEPS = 20
#: Of the bar, from the page's point of view: it stands full, and nothing is there.
LEAST_EARLY_FULL_S = 1.0
MODES = ("every-step", "run-ahead", "observe")

RUN_ONCE = """
from bench.host.process import prepare_process
from run_host import build_parser
prepare_process(draws_own_bar=True)
from bench.host.once import run_once
run_once(build_parser().parse_args(["--once", *{options}]))
"""
# One host for all: the settings are saved as a page would, then a mode is asked for.
ASK_FOR_MODES = """
import json, sys
from bench.host.process import prepare_process, start
prepare_process(draws_own_bar=True)
from bench.host.job import WantedJob, hold_self_test, newest_mode, run_job, set_mode
from modules import shared
app = start(["--data-dir", {folder}, "--device", "emulated", "--step-ms", "1"]).app
hold_self_test()
before, answers = dict(shared.opts.data), []
for saved, mode in {cases}:
    shared.opts.data.clear()
    shared.opts.data.update({{**before, **saved}})
    if mode is not None:
        set_mode(mode)
    run_job(WantedJob(steps=2, size_px=64), app=app, watched=False)
    answers.append(newest_mode())
print(json.dumps(answers))
"""


def run_once(folder: Path, mode: str, saved: dict[str, Any]) -> dict[str, Any]:
    """Run the default job in a mode, over settings that were saved before; return its figures."""
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(saved))
    options = ["--steps", str(STEPS), "--mode", mode, "--device", "emulated", "--data-dir", str(folder)]
    figures: dict[str, Any] = json.loads(
        run_in_own_process(RUN_ONCE.format(options=options)).splitlines()[-1]
    )
    assert json.loads((folder / "config.json").read_text()) == saved
    return figures


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The figures of the host alone, though all that is saved says otherwise."""
    saved = {"torch_sync": True, "zluda_sync_profile": "precise"}
    return run_once(tmp_path_factory.mktemp("bare") / "data", "off", saved)


def test_off_shows_the_defect(bare):
    """The host counts steps that the device has not begun, and its bar is full seconds before the picture."""
    assert "off" == bare["mode"]
    assert STEPS / 2 <= bare["run_ahead_max"]
    assert STEPS / 2 <= bare["step_error_max"]
    assert 0 < bare["lead_samples"]
    assert LEAST_EARLY_FULL_S <= bare["early_full_s"]


@pytest.mark.parametrize("mode", MODES)
def test_a_mode_cures_it_under_a_saved_profile_off(bare, tmp_path, mode):
    """The steps are true, the bar is not full before the picture, and the picture is the same."""
    cured = run_once(tmp_path / "data", mode, {"zluda_sync_profile": "off"})
    assert mode == cured["mode"]
    assert STEPS / 4 >= cured["step_error_max"]  # one or two; on a busy machine a poll may come late
    assert 0 == cured["lead_samples"]
    assert 0 == cured["falls"]
    assert 0.01 >= cured["early_full_s"]
    assert bare["image_sha256"] == cured["image_sha256"]
    assert (mode == "observe") == (cured["run_ahead_max"] > 2)


def test_a_mode_that_is_asked_for_beats_all_that_is_saved(tmp_path):
    """Profiles, rules, the checkbox; where none is asked for, the report says what the saved ones did."""
    rules = {"profiles": {"mine": {"mode": "off"}}, "rules": [{"profile": "mine", "images_max": 100}]}
    cases = [
        ({"zluda_sync_profile": "off"}, None, "off"),  # the first: it must not find an earlier job's record
        ({"zluda_sync_profile": "off"}, "observe", "observe"),
        ({"zluda_sync_profile": "precise"}, "run-ahead", "run-ahead"),
        ({"zluda_sync_profile": "mine", "zluda_sync": rules}, "every-step", "every-step"),
        ({"zluda_sync_profile": "auto", "zluda_sync": rules}, "observe", "observe"),
        ({"zluda_sync_enabled": False}, "run-ahead", "run-ahead"),
        ({"zluda_sync_rung": "device-synchronize", "zluda_sync_mode": "off"}, "observe", "observe"),
        ({"zluda_sync_profile": "precise"}, None, "every-step"),
        ({"zluda_sync_profile": "auto", "zluda_sync_mode": "run-ahead"}, None, "run-ahead"),
        ({}, None, "auto"),
    ]
    asked = [[saved, mode] for saved, mode, _found in cases]
    code = ASK_FOR_MODES.format(folder=repr(str(tmp_path)), cases=asked)
    found = json.loads(run_in_own_process(code).splitlines()[-1])
    assert [expected for _saved, _mode, expected in cases] == found
