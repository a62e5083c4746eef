"""The extension in several releases of the real SD.Next: its bar, time left, previews and Stop in each."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.commands.command_line import fail
from bench.commands.environment import REPOSITORY
from bench.differential.presses import EXTRA_STEPS
from bench.real_host.server import DEVICE_EXTENSION, NAMES, SdNextServer, make_data_folder
from bench.real_host.way_requests import Way
from bench.real_host.way_run import RUNS, Ways, build_figures_of, find_run_misses, find_stop_misses
from bench.real_host.whole_requests import STEPS, Request
from bench.terminal.bar import TerminalBar
from bench.terminal.table import Row, build_table

MODE = "run-ahead"
#: What a step and a decode of a picture of 256 x 256 cost the device, in seconds: so much that the noise of a
#: machine with other work is little beside it.
STEP_S, DECODE_S = 1.2, 3.2
#: What is asked of a grid, by the words on SD.Next's page.
GRID = {"X type": "[Param] Steps", "X values": "4,8,12", "Use text inputs": True}
#: By how many finished steps a report may lag.
STEP_ERROR = 1
COLUMNS = (
    ("release", "release", ""),
    ("request", "request", ""),
    ("total_s", "total s", ".2f"),
    ("first_bar", "bar 1st", ".3f"),
    ("bar", "3rd", ".3f"),
    ("second_eta", "ETA 2nd", ".3f"),
    ("eta", "3rd", ".3f"),
    ("falls", "falls", "d"),
    ("early_full_s", "early 100 % s", ".2f"),
    ("step_error", "step error", "d"),
    ("lead", "lead", "d"),
    ("previews", "previews", "d"),
    ("early", "early", "d"),
    ("stop_s", "Stop s", ".2f"),
    ("stop_steps", "steps", "d"),
    ("missed", "missed", ""),
)


@dataclass(frozen=True)
class Release:
    """A release of SD.Next on this machine.

    Attributes:
        folder: where it lies.
        python: that runs it.
    """

    folder: Path
    python: Path

    @property
    def name(self) -> str:
        """The day of its newest change, as its list of changes tells it; else the folder's name."""
        changes = self.folder / "CHANGELOG.md"
        text = changes.read_text(encoding="utf-8") if changes.is_file() else ""
        told = re.search(r"^## Update for (\d{4}-\d{2}-\d{2})", text, re.MULTILINE)
        return told[1] if told else self.folder.name


def read_release(text: str) -> Release:
    """An argparse type: ``FOLDER=PYTHON``. Exits with one line where there is no such thing."""
    folder, _, python = text.partition("=")
    if not (Path(folder) / "launch.py").is_file():
        fail(f"{folder} is no folder of SD.Next")
    if not Path(python).is_file():
        fail(f"{text}: {python or 'no Python'} is no file")
    return Release(Path(folder).absolute(), Path(python).absolute())


def run_releases(releases: Sequence[Release], words: Sequence[str]) -> int:
    """Measure each release, and print a table; 0 if all is as it should be in every one.

    Args:
        releases: in the order of the table.
        words: requests with one of these in their name, all if empty.
    """
    rows: list[Row] = []
    bar = TerminalBar()
    try:
        for index, release in enumerate(releases):
            bar.show(index / len(releases), release.name)
            try:
                rows += _measure_release(release, words)
            except (AssertionError, OSError) as failure:  # the others are measured all the same
                rows.append({"release": release.name, "request": "", "missed": tell_failure(failure)})
        bar.show(1.0, f"{len(releases)} releases")
    finally:
        bar.close()
    print(build_table(rows, COLUMNS))
    missed = [row for row in rows if row["missed"]]
    print(f"{len(rows) - len(missed)} of {len(rows)} as they should be")
    return int(bool(missed))


def build_release_ways(scripts: Sequence[Mapping[str, Any]]) -> list[Way]:
    """Return what is asked of each release: one picture, two, one with a hires pass, a grid.

    Args:
        scripts: the release's own, as its API tells of them.
    """
    steps = {"steps": 2 * STEPS}
    hires = {"enable_hr": True, "hr_scale": 1.5, "hr_resize_mode": 1, "hr_second_pass_steps": STEPS}
    upscaled = {"denoising_strength": 0.6, "hr_upscaler": "Latent Nearest"}
    return [
        Way(Request("picture", steps, label="Denoise"), ("VAE decode",)),
        Way(Request("2 pictures", {**steps, "n_iter": 2}, label="Image 2/2")),
        Way(Request("hires", {**steps, **hires, **upscaled}, label="Hires"), ("VAE decode",)),
        Way(Request("grid", build_grid(scripts))),
    ]


def build_grid(scripts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the fields of a request for a grid of three cells, by the release's own script.

    Older ones call it and the part of the page that is always there by one name, and newer ones ask for more.
    An axis is given by its number, which all of them take; its name the newer ones alone.
    """
    grids = [one for one in scripts if one["name"].startswith("xyz grid") and not one["is_alwayson"]]
    given, script = dict(GRID), grids[0]  # one for each tab, all alike
    arguments = []
    for argument in script["args"]:
        value, choices = given.pop(argument["label"], argument["value"]), argument.get("choices") or []
        is_axis = str(argument["label"]).endswith(" type") and value in choices
        arguments.append(choices.index(value) if is_axis else value)
    return {"script_name": script["name"], "script_args": arguments}


@contextmanager
def named_host(release: Release) -> Iterator[None]:
    """Have the environment name this release."""
    before = {name: os.environ.get(name) for name in NAMES}
    os.environ.update(zip(NAMES, (str(release.folder), str(release.python)), strict=True))
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def find_step_misses(error: int, leads: int) -> list[str]:
    """Return in words what of the steps that were told is not as it should be."""
    misses = [f"told a step {error} late"] if error > STEP_ERROR else []
    return misses + ([f"told {leads} steps before they were finished"] if leads else [])


def find_log_misses(log: str) -> list[str]:
    """Return in words what a host's log tells of errors: of ours, and of whoever has left a traceback."""
    ours = [line for line in log.splitlines() if "ZLUDA Sync" in line and " ERROR " in line]
    return [*(["a traceback in the log"] if "Traceback" in log else []), *ours[:1]]


def tell_failure(failure: Exception) -> str:
    """Return the first line of what ended a release's measurement."""
    return (str(failure).splitlines() or [type(failure).__name__])[0]


def build_server(data_dir: Path) -> SdNextServer:
    """Return a server with the asynchronous device and the extension, nothing that newer hosts need."""
    make_data_folder(data_dir)
    server = SdNextServer(data_dir, STEP_S, DECODE_S)
    server.install(DEVICE_EXTENSION, "async_device")
    server.install(REPOSITORY / "extensions" / "zluda_sync", "zluda_sync")
    return server


def _measure_release(release: Release, words: Sequence[str]) -> list[Row]:
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder, named_host(release):
        server = build_server(Path(folder))
        try:
            server.start()
            server.set_options(zluda_sync_enabled=True, zluda_sync_mode="off")
            server.run_job(steps=2)  # the first job in a process warms torch up
            server.set_options(zluda_sync_mode=MODE)
            walks = Ways(server)
            ways = build_release_ways(server.get("/sdapi/v1/script-info"))
            ways = [way for way in ways if not words or any(word in way.name for word in words)]
            for way in ways:
                row, misses = _measure_way(server, walks, way)
                if way is ways[-1]:
                    misses += find_log_misses(server.log.read_text(encoding="utf-8", errors="replace"))
                rows.append({"release": release.name, **row, "missed": "; ".join(misses)})
        finally:
            server.stop()
    return rows


def _measure_way(server: SdNextServer, walks: Ways, way: Way) -> tuple[Row, list[str]]:
    """Return the row of one request, and in words what is not as it should be."""
    runs = [walks.take(way) for _ in range(RUNS)]
    first, second, learned = figures = [build_figures_of(run) for run in runs]
    steps = server.run_job(**way.request.build())
    error = max(map(steps.step_error_max, range(len(steps.loops))), default=0)
    leads = sum(map(steps.leads, range(len(steps.loops))))
    stopped = walks.stop(way, min(run.watched.job.total_s for run in runs))
    row: Row = {
        "request": way.name,
        "total_s": learned["total_s"],
        "first_bar": first["bar_error_mean"],
        "bar": learned["bar_error_mean"],
        "second_eta": second["eta_error_mean"],
        "eta": learned["eta_error_mean"],
        "falls": max(one["falls"] or 0 for one in figures),
        "early_full_s": max(one["early_full_s"] or 0.0 for one in figures),
        "step_error": error,
        "lead": leads,
        "previews": len(runs[-1].watched.job.previews),
        "early": sum(run.early for run in runs),
        "stop_s": stopped.seconds,
        "stop_steps": stopped.steps,
    }
    misses = [f"1st: {miss}" for miss in find_run_misses(way, runs[0], is_first=True)]
    misses += [f"3rd: {miss}" for miss in find_run_misses(way, runs[-1], is_first=False)]
    misses += find_step_misses(error, leads)
    return row, misses + find_stop_misses(way, stopped, EXTRA_STEPS[MODE])
