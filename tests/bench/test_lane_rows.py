"""The lane's tables row by row: a kind of loop that fails costs its own row alone."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from bench.lane import captured, hosted, pipeline
from bench.lane.loop import Loop
from bench.lane.measuring import MODES, Bench
from bench.lane.report import Report, read_records
from zluda_sync.core.steps.policy import SyncMode


class Runner:
    """Stands for what runs loops: each takes the time that it is told, and one kind fails.

    Args:
        fails: whether a tracked loop does.
    """

    def __init__(self, fails: Callable[[SyncMode, dict[str, Any]], bool]) -> None:
        self._fails = fails
        self.tried: list[SyncMode] = []

    def run_plain(self, latents: Any, step: Any, steps: int, syncs: bool) -> float:
        return 3.0 if syncs else 2.0

    def measure_launch_s(self, latents: Any, step: Any, steps: int) -> float:
        return 5e-6

    def run(self, latents: Any, step: Any, steps: int, mode: SyncMode, **options: Any) -> Loop:
        if self._fails(mode, options):
            self.tried.append(mode)
            raise RuntimeError("launch failure")
        return Loop(wall_s=2.5, stop_s=0.1 if "stop_at" in options else None, previews=5)


def build_bench(report: Report, runner: Runner) -> Bench:
    bench = Bench.__new__(Bench)
    bench.device, bench.runner, bench._report = torch.device("cuda"), runner, report  # type: ignore[assignment]
    return bench


@pytest.fixture
def report(tmp_path: Path) -> Report:
    return Report(tmp_path, "a part", time.monotonic() + 60.0)


def rows_by_mode(report: Report) -> dict[str, dict[str, Any]]:
    """The rows of the one table that was told."""
    told = [record["rows"] for record in read_records(report.out) if "table" in record]
    assert 1 == len(told)
    return {row["mode"]: row for row in told[0]}


def measure(report: Report, fails: Callable[[SyncMode, dict[str, Any]], bool]) -> Runner:
    runner = Runner(fails)
    latents = torch.zeros(1)
    build_bench(report, runner).measure("a table", "a case", latents, lambda latents: latents, limit_s=30.0)
    return runner


def test_every_kind_of_loop_has_its_row(report: Report):
    """With the ratio to the bare loop, and what is known of one mode alone."""
    measure(report, lambda mode, options: False)
    rows = rows_by_mode(report)
    assert {"bare loop", "full synchronize", *(mode.value for mode in MODES)} == set(rows)
    assert [1.0, 1.5, 1.25] == [rows[kind]["ratio"] for kind in ("bare loop", "full synchronize", "observe")]
    assert (0.1, 0.0) == (rows["run-ahead"]["stop_s"], rows["observe"]["preview_ms"])
    assert [] == report.failed


@pytest.mark.parametrize("mode", MODES)
def test_a_mode_that_fails_costs_its_row_alone(report: Report, mode: SyncMode):
    """It is told once and not tried again, whatever fails in it."""
    runner = measure(report, lambda one, options: one is mode and "stop_at" not in options)
    rows = rows_by_mode(report)
    others = {one.value for one in MODES if one is not mode}
    assert {"bare loop", "full synchronize", *others} <= set(rows)
    assert all(rows[kind]["ratio"] == 1.25 for kind in others)
    assert "ratio" not in rows.get(mode.value, {})
    assert f"a case, {mode.value}" in report.failed
    assert len(report.failed) == len(runner.tried) == (2 if mode is SyncMode.OBSERVE else 1)


def test_a_mode_that_fails_late_keeps_what_it_has(report: Report):
    """The loop that was watched stands, though those that are timed fail."""
    measure(report, lambda mode, options: mode is SyncMode.RUN_AHEAD and options.get("is_watched") is False)
    assert {"wall_s": 2.5, "stop_s": 0.1}.items() <= rows_by_mode(report)["run-ahead"].items()


def test_a_mode_of_the_pipeline_that_fails_costs_its_row_alone(
    report: Report, monkeypatch: pytest.MonkeyPatch
):
    """The first job of its kind stands even where the second one fails."""
    seen: list[SyncMode] = []

    def run_tracked(bench: Any, pipe: Any, arguments: Any, mode: SyncMode, folder: str) -> Any:
        seen.append(mode)
        if mode is SyncMode.EVERY_STEP or (mode is SyncMode.RUN_AHEAD and seen.count(mode) == 2):
            raise RuntimeError("launch failure")
        return mode

    figures = {"total_s": 2.0, "lead_samples": 0}
    stands_for = {
        "Bench": lambda report: None,
        "build_pipeline": lambda bench: (lambda *args, **kwargs: None, {"height": 512}),
        "_run_bare": lambda *args: 1.0,
        "_run_tracked": run_tracked,
        "build_figures": lambda job: figures,
        "session_in": lambda folder: SimpleNamespace(_saver=SimpleNamespace(flush=lambda: None)),
    }
    for name, stand_in in stands_for.items():
        monkeypatch.setattr(pipeline, name, stand_in)
    pipeline.measure_pipeline(report)
    told = [record for record in read_records(report.out) if "table" in record]
    assert [
        ("bare pipeline", "SD1.5 512", 1.0),
        ("run-ahead", "SD1.5 512 first", 2.0),
        ("observe", "SD1.5 512 first", 2.0),
        ("observe", "SD1.5 512 learned", 2.0),
    ] == [(row["mode"], row["case"], row["ratio"]) for row in told[0]["rows"]]
    assert ["the pipeline in every-step", "the pipeline in run-ahead"] == report.failed


def test_the_hosts_rows_are_kept_as_they_come(report: Report, monkeypatch: pytest.MonkeyPatch):
    """What ends the part in the middle of the modes leaves those before."""
    modes: list[str] = []

    def run_job(wanted: Any, app: Any) -> Any:
        if modes and modes[-1] == "run-ahead":
            raise KeyboardInterrupt
        return SimpleNamespace(measured=SimpleNamespace(total_s=2.0))

    acting = SimpleNamespace(
        find_accelerator=lambda: SimpleNamespace(kind=SimpleNamespace(title="a card")),
        decide=lambda *args: SimpleNamespace(why="so"),
    )
    session = SimpleNamespace(
        self_testing=SimpleNamespace(run_now=lambda: None),
        _acting=acting,
        profile_choice=SimpleNamespace(settings=None),
    )
    jobs = SimpleNamespace(
        hold_self_test=lambda: None,
        current_session=lambda: session,
        WantedJob=lambda **kwargs: None,
        run_job=run_job,
        set_mode=modes.append,
        wait_saved=lambda: None,
    )
    start = SimpleNamespace(start=lambda arguments: SimpleNamespace(app=None))
    package = SimpleNamespace(job=jobs, process=start)
    for name, stand_in in {
        "bench.host": package,
        "bench.host.process": start,
        "modules": SimpleNamespace(devices=SimpleNamespace(backend="")),
    }.items():
        monkeypatch.setitem(sys.modules, name, stand_in)  # type: ignore[arg-type]
    monkeypatch.setattr(hosted, "find_device", lambda: torch.device("cuda"))
    monkeypatch.setattr(hosted, "device_module", lambda device: SimpleNamespace(synchronize=lambda: None))
    monkeypatch.setattr(hosted, "make_model", lambda folder, is_cuda: "")
    monkeypatch.setattr(hosted, "build_figures", lambda job: {"lead_samples": 0})
    with pytest.raises(KeyboardInterrupt):
        hosted.measure_hosted(report)
    kept = [record["row"] for record in read_records(report.out) if "row" in record]
    assert ["host alone", "auto", "every-step"] == [row["mode"] for row in kept]
    assert {"host alone", "auto", "every-step"} == set(rows_by_mode(report))


def judge(report: Report, monkeypatch: pytest.MonkeyPatch, replay: Callable[[Any], Any]) -> list[str]:
    """Have a graph judged that replays as told, and return the cases that were measured."""
    measured: list[str] = []
    latents = torch.ones(4, 4)
    monkeypatch.setattr(captured, "build_network", lambda network, device: None)
    monkeypatch.setattr(captured, "build_step", lambda *args: (latents, lambda latents: 0.9 * latents))
    monkeypatch.setattr(captured, "capture", lambda bench, latents, step: replay)
    bench: Any = SimpleNamespace(
        device=torch.device("cpu"), measure=lambda title, *args: measured.append(title)
    )
    with report.case("a graph"):
        captured.measure_one(report, bench, "a graph", "sd15", 10.0)
    return measured


def test_a_graph_that_computes_the_same_is_measured(report: Report, monkeypatch: pytest.MonkeyPatch):
    """What half precision rounds off is no fault."""
    assert ["a graph"] == judge(report, monkeypatch, lambda latents: 0.901 * latents)
    assert [] == report.failed


@pytest.mark.parametrize(
    "replay",
    [
        lambda latents: latents,
        lambda latents: 0.9 * latents if latents.max() > 0.85 else latents,
        lambda latents: latents * float("nan"),
        lambda latents: latents * float("inf"),
    ],
    ids=["nothing", "one step fewer", "nan", "inf"],
)
def test_a_graph_that_computes_something_else_fails(
    report: Report, monkeypatch: pytest.MonkeyPatch, replay: Callable[[Any], Any]
):
    """It is told of, and nothing is measured with it."""
    assert [] == judge(report, monkeypatch, replay)
    assert ["a graph"] == report.failed


def test_steps_that_change_nothing_prove_nothing():
    """A graph that did nothing either would pass."""
    latents = torch.ones(4)
    assert not captured.find_off(latents, latents, latents) <= captured.MOST_OFF


def test_a_capture_leaves_other_threads_alone():
    """The watcher asks events meanwhile; torch 2.0 has no word for it."""
    assert {"capture_error_mode": "thread_local"} == captured.choose_error_mode(torch.cuda.graph)
    assert {} == captured.choose_error_mode(lambda graph, pool, stream: None)
