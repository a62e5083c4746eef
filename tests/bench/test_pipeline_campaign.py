"""The table of pipelines: one of it for real, and what is called wrong."""

from __future__ import annotations

import json

import pytest

from bench.campaigns import pipelines
from bench.campaigns.pipelines_worker import OwnCount, Sample, Watched
from tests.bench.own_process import run_in_own_process

ROW = {
    "pipeline": "FluxPipeline",
    "device": "cpu",
    "steps": "4/4",
    "first_error": 0.1,
    "second_error": 0.0,
    "own_error": 0.2,
    "stop": "+1",
    "undone": "yes",
    "problem": "",
}


@pytest.mark.parametrize("name", ["OwnBarPipeline", "FluxModularPipeline"])
def test_one_that_calls_nobody_back_is_measured_in_the_host_too(name):
    """Steps, latents and Stop, there and under ``track``; somebody who looks is shown pictures."""
    out = run_in_own_process(
        "import sys; sys.path.insert(0, '..'); sys.path.insert(0, '../extensions/zluda_sync')\n"
        "import json; from bench.campaigns.pipelines_worker import measure\n"
        f"print(json.dumps(measure({name!r})))"
    )
    row = json.loads(out.splitlines()[-1])
    assert "" == row["problem"]
    assert ["12/12"] * 3 == [row[key] for key in ("latents", "host_steps", "host_latents")]
    assert "no" not in (row["preview"], row["host_preview"], row["stop"], row["host_stop"])


@pytest.mark.parametrize("name", ["PixArtSigmaPipeline", "FluxModularPipeline"])
def test_a_pipeline_is_measured_on_the_emulated_device(name):
    """In a process of its own: all steps are told, Stop acts, all is undone."""
    out = run_in_own_process(
        "import sys; sys.path.insert(0, '..'); sys.path.insert(0, '../extensions/zluda_sync')\n"
        "import json; from bench.campaigns.pipelines_worker import measure\n"
        f"print(json.dumps(measure({name!r})))"
    )
    row = json.loads(out.splitlines()[-1])
    assert ("", "emulated", "12/12", "yes") == (row["problem"], row["device"], row["steps"], row["undone"])
    assert row["stop"] in ("+0", "+1", "+2")
    assert all(0 <= row[key] < 0.6 for key in ("first_error", "second_error", "own_error"))


def test_bar_error_is_the_mean_distance_from_the_true_share_of_the_time():
    """Samples after the end do not count."""
    samples = [
        Sample(1.0, 1.0, fraction=0.0, own_share=0.5, told=0),
        Sample(3.0, 3.0, fraction=0.5, own_share=1.0, told=1),
        Sample(9.0, 9.0, fraction=0.0, own_share=0.0, told=1),
    ]
    watched = Watched(0.0, 4.0, samples, finished_s=[2.0, 4.0], told=2)
    assert 0.25 == watched.error(lambda sample: sample.fraction)
    assert 0.25 == watched.error(lambda sample: sample.own_share)
    assert None is Watched(0.0, 4.0, [], [], 0).error(lambda sample: sample.fraction)


def test_a_step_that_is_told_before_it_is_finished_is_a_lead():
    """Of schedulers that step twice in a step, both count."""
    samples = [Sample(1.0, 1.0, 0.0, 0.0, told=1)]
    assert 1 == Watched(0.0, 4.0, samples, finished_s=[2.0, 3.0], told=1).leads(1)
    assert 0 == Watched(0.0, 4.0, samples, finished_s=[1.0, 3.0], told=1).leads(1)
    assert 1 == Watched(0.0, 4.0, samples, finished_s=[1.0, 3.0], told=1).leads(2)


def test_tqdms_own_count_is_that_of_the_bar_that_moves():
    """By updates, and by what is iterated over; nothing is drawn."""
    own = OwnCount()
    bar = own.bar(total=4)
    bar.update(2)
    assert 0.5 == own.share and bar.disable
    for _ in own.bar([1, 2]):
        assert own.share < 1.0
    assert 1.0 == own.share


@pytest.mark.parametrize(("problem", "code"), [("", 0), ("3 of 4 steps told", 1)])
def test_a_pipeline_that_is_followed_wrongly_fails_the_command(problem, code, monkeypatch, capsys):
    """And is named; the last line is the one for the README."""
    monkeypatch.setattr(
        pipelines,
        "_measure_all",
        lambda chosen: iter([{**ROW, "pipeline": n, "problem": problem} for n in chosen]),
    )
    assert code == pipelines.run_pipeline_campaign(quick=True)
    out = capsys.readouterr().out
    assert ("FluxPipeline: 3 of 4 steps told" in out) is bool(problem)
    assert (
        "bar error 0.10 on the first call, 0.00 on the second, tqdm's own count 0.20" in out.splitlines()[-1]
    )


def test_a_pipeline_that_takes_for_ever_fails_the_command(monkeypatch, capsys):
    """Those that were not measured are named."""
    monkeypatch.setattr(pipelines, "_measure_all", lambda chosen: iter([ROW]))
    assert 1 == pipelines.run_pipeline_campaign(quick=True)
    assert "not measured" in capsys.readouterr().out


def test_every_class_has_its_row():
    """Those without a tiny pipeline show their way alone."""
    rows = pipelines._build_rows({"FluxPipeline": "a", "OtherPipeline": "b"}, [ROW], every_class_too=True)
    assert [("FluxPipeline", "a"), ("OtherPipeline", "b")] == [(row["pipeline"], row["way"]) for row in rows]
