"""The campaign that judges the emulated device: what it prints, and when it fails."""

from __future__ import annotations

import pytest
import torch

from bench.campaigns import emulated_device
from bench.campaigns.emulated_device import Figure, run_emulated_device_campaign

HELD = [Figure("start, s", 1.5, ".2f", 2.0), Figure("step on the device, ms", 40.0, ".1f")]


@pytest.fixture(autouse=True)
def threads():
    """The campaign takes one, as the device does."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(
    ("measured", "code", "told"),
    [
        ([], 0, "all of 4 targets are held"),
        ([Figure("one more", 0.05, ".3f", 0.05)], 0, "all of 8 targets are held"),
        ([Figure("one more", 0.051, ".3f", 0.05)], 1, "missed: one more; one more"),
    ],
    ids=["held", "just held", "missed"],
)
def test_one_figure_over_its_target_fails_the_command(measured, code, told, monkeypatch, capsys):
    """It is named, in the table and below; what has no target decides nothing."""
    for name in ("measure_starts", "measure_steps", "measure_job", "measure_kills"):
        monkeypatch.setattr(emulated_device, name, lambda quick: [*HELD, *measured])
    assert code == run_emulated_device_campaign(quick=True)
    out = capsys.readouterr().out
    assert told in out
    assert (" missed\n" in out) == bool(code)


def test_a_step_that_was_held_up_is_not_the_usual_one():
    """A machine that is busy with something else says nothing of the device."""
    assert emulated_device.find_usual_s([1.0, 1.0, 1.0, 5.0, 9.0, 9.0]) == 1.0


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # diffusers' own
def test_the_shapes_models_picture_is_the_cpus_to_the_bit():
    """Beside one thread of the CPU, as the device has one."""
    torch.set_num_threads(1)
    different = next(emulated_device.measure_job(True))
    assert ("values of the picture that are not the CPU's", 0) == (different.what, different.value)


def test_what_is_killed_is_measured(monkeypatch):
    """On a device of its own."""
    monkeypatch.setattr(emulated_device, "KILLS", 1)
    last_end, silent_ends = emulated_device.measure_kills(True)
    assert 0.0 < last_end.value < 10.0
    assert silent_ends.is_held


@pytest.mark.parametrize("code", emulated_device.BUSY.values(), ids=emulated_device.BUSY)
def test_host_and_program_are_busy_with_the_same(code):
    """Both run it as it stands, and end with their context."""
    with emulated_device._busy_thread(code):
        pass
    with emulated_device._OtherProgram(code) as other:
        with other.busy():
            assert other._process.poll() is None
        process = other._process
    assert process.returncode is not None
