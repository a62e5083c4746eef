"""What the extension costs: the costs that `tests/benchmarks` holds, with their figures on this machine."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from bench.commands.environment import REPOSITORY
from bench.costs.all_costs import COSTS
from bench.costs.cost import UNITS, Cost, Rounds, measure
from bench.costs.hook_in_job import HookInJob, measure_hooks_in_jobs
from bench.costs.starts import START_S, WORKERS
from bench.real_host.server import DEVICE_EXTENSION, SdNextServer, find_missing_names, make_data_folder
from bench.terminal.bar import TerminalBar
from bench.terminal.table import Row, build_table

COLUMNS = (
    ("what", "what", ""),
    ("figure", "figure", ""),
    ("target", "target", ""),
    ("ratio", "ratio", ".3g"),
    ("bar", "bar", ".3g"),
    ("against", "against", ""),
    ("verdict", "as it should be", ""),
)
EXTENSION = "sdnext-zluda-sync"
STARTS, QUICK_STARTS = 3, 1


def run_cost_campaign(quick: bool) -> int:
    """Measure and print the table; 0 if every bar and every target is held, else 1."""
    bar, rows = TerminalBar(), list[Row]()
    try:
        for index, cost in enumerate(COSTS):
            bar.show(index / len(COSTS), cost.what)
            rows.append(build_row(cost, measure(cost, max(2, cost.rounds // 4) if quick else None)))
        for hook in measure_hooks_in_jobs(quick):
            bar.show(0.97, "jobs on the emulated device")
            rows.append(build_job_row(hook))
        if not find_missing_names():
            bar.show(0.99, "the real SD.Next")
            rows.append(
                build_start_row([time_real_start() for _ in range(QUICK_STARTS if quick else STARTS)])
            )
        bar.show(1.0, "done")
    finally:
        bar.close()
        WORKERS.close()
    print(build_table(rows, COLUMNS))
    judged = [row for row in rows if row["verdict"]]
    misses = "; ".join(str(row["what"]) for row in judged if row["verdict"] != "yes")
    print(f"\nmissed: {misses}" if misses else f"\nall of {len(judged)} are as they should be")
    return 1 if misses else 0


def build_row(cost: Cost, rounds: Rounds) -> Row:
    """Return the line of one cost."""
    figure = rounds.median_s * UNITS[cost.unit]
    misses = ["the bar"] if rounds.ratio > cost.bar else []
    misses += ["the target"] if cost.target is not None and figure > cost.target else []
    return {
        "what": cost.what,
        "figure": f"{figure:.3g} {cost.unit}",
        "target": "" if cost.target is None else f"{cost.target:g} {cost.unit}",
        "ratio": rounds.ratio,
        "bar": cost.bar,
        "against": cost.against,
        "verdict": f"misses {' and '.join(misses)}" if misses else "yes",
    }


def build_job_row(hook: HookInJob) -> Row:
    """Return the line of a mode's hook in jobs: a figure without target, for the machine decides about it."""
    whose = "the host's own callback" if hook.mode == "off" else f"the same with the hook, {hook.mode}"
    figure = f"{hook.took_s * UNITS['µs']:.3g} µs"
    if hook.driver_s:
        figure += f", {hook.driver_s * UNITS['µs']:.3g} of them the emulated driver's"
    return {
        "what": f"in jobs on the emulated device: {whose}",
        "figure": figure,
        "target": "",
        "ratio": None,
        "bar": None,
        "against": "",
        "verdict": "",
    }


def build_start_row(starts_s: list[float]) -> Row:
    """Return the line of the real SD.Next: the fastest start, for the machine is busy with the rest of it."""
    figure = min(starts_s)
    return {
        "what": "start of the extension in the real SD.Next, by its own log",
        "figure": f"{figure:.3g} s",
        "target": f"{START_S:g} s",
        "ratio": None,
        "bar": None,
        "against": "",
        "verdict": "yes" if figure <= START_S else "misses the target",
    }


def time_real_start() -> float:
    """Return what the real SD.Next says that it has spent on our scripts when it started."""
    with tempfile.TemporaryDirectory(prefix="zluda_sync_costs_") as folder:
        data = Path(folder)
        make_data_folder(data)
        server = SdNextServer(data, 0.01, 0.01)
        server.install(REPOSITORY / "extensions" / "zluda_sync", EXTENSION)
        server.install(DEVICE_EXTENSION, DEVICE_EXTENSION.name)
        server.start()
        server.stop()
        return read_start_s(server.log.read_text(encoding="utf-8", errors="replace"))


def read_start_s(log: str) -> float:
    """Return what a log of SD.Next says of the start of our scripts; it leaves out what is below 0.1 s."""
    line = re.search(r"Extensions init time: .*", log)
    if line is None:
        raise ValueError("SD.Next's log does not say how long extensions took")
    found = re.search(rf"{EXTENSION}=([0-9.]+)", line.group())
    return float(found.group(1)) if found is not None else 0.1
