"""Every pipeline of diffusers: which way `track` follows it, and how well, for those that can be tiny."""

from __future__ import annotations

import contextlib
import importlib
import multiprocessing
import os
import statistics
from collections import Counter
from collections.abc import Iterator
from typing import Any

from bench.terminal.bar import TerminalBar
from bench.terminal.table import Row, build_table

QUICK = (
    "StableDiffusionPipeline",
    "StableDiffusionPipeline (two evaluations a step)",
    "FluxPipeline",
    "PixArtSigmaPipeline",
    "DiTPipeline",
    "FluxModularPipeline",
    "OwnBarPipeline",
    "PackedLoopPipeline",
)
#: Longest time for one pipeline, in seconds; a machine of two cores needs five for the slowest.
LIMIT_S = 60.0
#: Most of the time a pipeline waits for a slow device.
WORKERS = 3
_SILENT_WAYS = ("progress bar", "blocks of its loop")
COLUMNS = (
    ("pipeline", "pipeline", ""),
    ("way", "followed by", ""),
    ("device", "device", ""),
    ("steps", "told/true", ""),
    ("first_error", "1st call", ".3f"),
    ("second_error", "2nd call", ".3f"),
    ("own_error", "tqdm's", ".3f"),
    ("latents", "latents true/told", ""),
    ("preview", "previews", ""),
    ("stop", "Stop", ""),
    ("host_steps", "in the host: told/true", ""),
    ("host_latents", "latents", ""),
    ("host_preview", "previews", ""),
    ("host_stop", "Stop", ""),
    ("undone", "undone", ""),
    ("problem", "", ""),
)


def run_pipeline_campaign(quick: bool) -> int:
    """Measure and print the table; 0 if every pipeline is followed as it should be, else 1."""
    from bench.tiny_pipelines import FAMILIES, STAND_INS, every_class, names

    bar = TerminalBar()
    try:
        bar.show(0.0, "looking at every class")
        classes = every_class()
        measured: list[dict[str, Any]] = []
        whole = names((*FAMILIES, *STAND_INS))
        chosen = [name for name in whole if name in QUICK] if quick else whole
        for row in _measure_all(chosen):
            measured.append(row)
            bar.show(len(measured) / len(chosen), f"{len(measured)}/{len(chosen)} {row['pipeline']}")
    finally:
        bar.close()
    ways = _find_ways({**classes.standard, **classes.modular})
    measured.sort(key=lambda row: chosen.index(row["pipeline"]))
    rows = _build_rows(ways, measured, every_class_too=not quick)
    print(build_table(rows, COLUMNS))
    print("\n" + "\n".join(_sum_up(ways, len(classes.standard), measured)))
    missing = set(chosen) - {row["pipeline"] for row in measured}
    if missing:
        print(f"not measured, for one of them took longer than {LIMIT_S:.0f} s: {', '.join(sorted(missing))}")
    return 1 if missing or any(row["problem"] for row in measured) else 0


def _measure_all(chosen: list[str]) -> Iterator[dict[str, Any]]:
    """Measure some at once, each in a process of its own."""
    os.environ["OMP_NUM_THREADS"] = "1"
    # Spawned: the emulated device has a thread, which a fork would lose.
    with multiprocessing.get_context("spawn").Pool(WORKERS) as pool:
        found = pool.imap_unordered(measure_one, chosen)
        with contextlib.suppress(multiprocessing.TimeoutError):
            for _ in chosen:
                yield found.next(LIMIT_S)


def measure_one(name: str) -> dict[str, Any]:
    """Measure one pipeline in a process of the pool."""
    worker: Any = importlib.import_module("bench.campaigns.pipelines_worker")
    row: dict[str, Any] = worker.measure(name)
    return row


def _find_ways(classes: dict[str, type]) -> dict[str, str]:
    from zluda_sync.pipeline.ways import find_way

    return {name: find_way(kind).value for name, kind in classes.items()}


def _build_rows(ways: dict[str, str], measured: list[dict[str, Any]], every_class_too: bool) -> list[Row]:
    rows: list[Row] = list(measured)
    if every_class_too:
        seen = {row["pipeline"].partition(" ")[0] for row in measured}
        rows += [{"pipeline": name, "way": way} for name, way in ways.items() if name not in seen]
    way_of = {str(row["pipeline"]): ways.get(str(row["pipeline"]).partition(" ")[0], "") for row in rows}
    return [{"way": way_of[str(row["pipeline"])], "problem": "", **row} for row in rows]


def _sum_up(ways: dict[str, str], standard: int, measured: list[dict[str, Any]]) -> list[str]:
    counts = ", ".join(f"{count} by {way}" for way, count in Counter(ways.values()).most_common())
    lines = [f"{standard} standard and {len(ways) - standard} modular pipelines: {counts}"]
    lines += [f"{row['pipeline']}: {row['problem']}" for row in measured if row["problem"]]
    if not any(row["problem"] for row in measured):
        lines.append(f"all {len(measured)} that were run are followed as they should be")
    first, second, own = (
        statistics.median(row[key] for row in measured if row.get(key) is not None)
        for key in ("first_error", "second_error", "own_error")
    )
    lines.append(
        f"median of {len(measured)} pipelines: bar error {first:.2f} on the first call, {second:.2f} on the "
        f"second, tqdm's own count {own:.2f}"
    )
    return [*lines, *_sum_up_silent(measured)]


def _sum_up_silent(measured: list[dict[str, Any]]) -> list[str]:
    """Say how many of those that call nobody back have latents and previews, and what listening costs."""
    silent = [row for row in measured if row.get("way") in _SILENT_WAYS]
    hosted = [row for row in silent if "host_steps" in row]
    if not silent:
        return []
    worker: Any = importlib.import_module("bench.campaigns.pipelines_setup")
    shown, shown_in_host = (
        sum(row.get(key, "no") != "no" for row in rows)
        for key, rows in (("preview", silent), ("host_preview", hosted))
    )
    in_host = f"{shown_in_host} of the {len(hosted)} that were run in the host"
    return [
        f"{len(silent)} call nobody back: previews of {shown} under track, of {in_host}",
        f"a scheduler that is listened to takes {worker.measure_listening_us():.1f} us longer for a step",
    ]
