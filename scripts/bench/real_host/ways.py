"""Every way in which SD.Next makes a picture, by bar, time left, preview and Stop, in the real SD.Next."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.differential.presses import EXTRA_STEPS
from bench.real_host.bars import start_server
from bench.real_host.film_ways import build_film_ways
from bench.real_host.server import JOB_LIMIT_S, SdNextServer
from bench.real_host.way_requests import Way, build_ways
from bench.real_host.way_run import RUNS, Ways, build_figures_of, find_run_misses, find_stop_misses
from bench.terminal.bar import TerminalBar
from bench.terminal.table import Row, build_table

MODES = ("every-step", "run-ahead", "observe")
DEFAULT_MODE = "run-ahead"
#: Of a picture of 128 x 128 these are nine.
TILE_PX = 48
#: What a step and a decode of a picture of 256 x 256 cost the device, in seconds: so much that the noise of a
#: machine with other work is little beside it.
STEP_S, DECODE_S = 1.2, 3.2
COLUMNS = (
    ("way", "way", ""),
    ("mode", "mode", ""),
    ("total_s", "total s", ".2f"),
    ("first_bar", "bar 1st", ".3f"),
    ("bar", "3rd", ".3f"),
    ("first_eta", "ETA 1st", ".3f"),
    ("eta", "3rd", ".3f"),
    ("falls", "falls", "d"),
    ("early_full_s", "early 100 % s", ".2f"),
    ("silence_s", "silent s", ".2f"),
    ("previews", "previews", "d"),
    ("early", "early", "d"),
    ("stop_s", "Stop s", ".2f"),
    ("stop_steps", "steps", "d"),
    ("missed", "missed", ""),
)


def run_ways(words: Sequence[str], modes: Sequence[str]) -> int:
    """Measure, and print a table; 0 if every way is as it should be.

    Args:
        words: ways with one of these in their name, all if empty.
        modes: of the extension.
    """
    every = [*build_ways(), *build_film_ways()]
    ways = [way for way in every if not words or any(word in way.name for word in words)]
    with tempfile.TemporaryDirectory() as folder:
        server = start_ways_server(Path(folder))
        try:
            rows = _measure(server, ways, modes)
        finally:
            server.stop()
    print(build_table(rows, COLUMNS))
    missed = [row for row in rows if row["missed"]]
    left_out = [way for way in ways if way.why_not]
    for way in left_out:
        print(f"{way.name}: not taken, {way.why_not}")
    print(f"{len(rows) - len(missed)} of {len(rows)} as they should be, {len(left_out)} not taken")
    return int(bool(missed))


def start_ways_server(data_dir: Path) -> SdNextServer:
    """Start an SD.Next in which every way can be taken that needs no net."""
    server = start_server(data_dir, has_ways=True, step_s=STEP_S, decode_s=DECODE_S)
    server.set_options(upscaler_tile_size=TILE_PX)
    return server


def _measure(server: SdNextServer, ways: Sequence[Way], modes: Sequence[str]) -> list[Row]:
    rows: list[Row] = []
    taken = [way for way in ways if not way.why_not]
    bar, total = TerminalBar(), len(taken) * len(modes)
    try:
        for mode in modes:
            server.set_options(zluda_sync_mode=mode)
            walks = Ways(server)
            for way in taken:
                bar.show(len(rows) / total, f"{mode}: {way.name}")
                if way.is_film:  # its model is loaded, which takes the place of the other
                    server.post(way.request.route, {"steps": 1}, JOB_LIMIT_S)
                rows.append(_measure_one(walks, way, mode))
        bar.show(1.0, "done")
    finally:
        bar.close()
    return rows


def _measure_one(ways: Ways, way: Way, mode: str) -> Row:
    runs = [ways.take(way) for _ in range(RUNS)]
    first, learned = build_figures_of(runs[0]), build_figures_of(runs[-1])
    misses = [f"1st: {miss}" for miss in find_run_misses(way, runs[0], is_first=True)]
    misses += [f"3rd: {miss}" for miss in find_run_misses(way, runs[-1], is_first=False)]
    row: dict[str, str | float | int | None] = {
        "way": way.name,
        "mode": mode,
        "total_s": learned["total_s"],
        "previews": len(runs[-1].watched.job.previews) if way.has_previews else None,
        "early": sum(run.early for run in runs) if way.has_previews else None,
        "silence_s": max(run.silence_s for run in runs),
    }
    if not way.is_instant:
        row |= {
            "first_bar": first["bar_error_mean"],
            "bar": learned["bar_error_mean"],
            "first_eta": first["eta_error_mean"],
            "eta": learned["eta_error_mean"],
            "falls": max(first["falls"] or 0, learned["falls"] or 0),
            "early_full_s": max(first["early_full_s"] or 0.0, learned["early_full_s"] or 0.0),
        }
    if way.is_instant:
        misses += ways.find_left()
    else:
        stopped = ways.stop(way, min(run.watched.job.total_s for run in runs))
        most = EXTRA_STEPS[mode] if way.can_stop and mode != "observe" else None
        misses += find_stop_misses(way, stopped, most)
        if way.can_stop:
            row |= {"stop_s": stopped.seconds, "stop_steps": stopped.steps}
    return {**row, "missed": "; ".join(misses)}
