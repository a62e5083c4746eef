"""What it costs to be watched: the same job with no tab open, with one and with ten."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from bench.campaigns import tab_clients
from bench.campaigns.tab_clients import TASK, Told
from bench.host.job import WantedJob, build_request, current_session, set_mode
from bench.host.started import Speed, started_host
from bench.terminal.bar import TerminalBar
from bench.terminal.table import Row

TABS = (0, 1, 10)
STEPS, QUICK_STEPS = 25, 12
ROUNDS, QUICK_ROUNDS = 7, 1
SPEED = Speed(step_ms=100, encode_ms=40, decode_ms=200)
HEADINGS = (
    "Open tabs",
    "Job / no tab, median",
    "Fastest / fastest",
    "CPU for serving",
    "Lag, median",
    "Lag, longest",
    "Steps behind",
)
#: Threads of the server that answer requests: its event loop, and those for plain functions.
SERVING_THREADS = ("tab-server", "AnyIO worker thread")


@dataclass(frozen=True)
class WatchedJob:
    """One job, and what its tabs were told.

    Attributes:
        total_s: from the request to the pictures.
        serving_s: CPU time of the threads that answered.
        lags_s: from each step's completion to the event that told it, of every tab.
        behind: finished steps that an event did not tell, at worst.
    """

    total_s: float
    serving_s: float
    lags_s: tuple[float, ...]
    behind: int


def run_tab_campaign(quick: bool) -> int:
    """Measure, and print a table for the README; 0 unless a tab was told nothing."""
    steps, rounds = (QUICK_STEPS, QUICK_ROUNDS) if quick else (STEPS, ROUNDS)
    jobs: dict[int, list[WatchedJob]] = {tabs: [] for tabs in TABS}
    bar = TerminalBar()
    with started_host(SPEED) as app, served(app) as address:
        set_mode("run-ahead")
        try:
            for turn in range(rounds):
                first = turn % len(TABS)  # a slow drift of the machine falls on all alike
                for tabs in TABS[first:] + TABS[:first]:
                    bar.show(sum(map(len, jobs.values())) / rounds / len(TABS), f"{tabs} tabs")
                    jobs[tabs].append(run_watched(address, tabs, steps))
            bar.show(1.0, "done")
        finally:
            bar.close()
    rows = [build_row(tabs, jobs[tabs], jobs[0]) for tabs in TABS]
    print(build_markdown(rows))
    return 0 if all(job.lags_s for tabs in TABS[1:] for job in jobs[tabs]) else 1


def build_row(tabs: int, jobs: Sequence[WatchedJob], alone: Sequence[WatchedJob]) -> Row:
    """Return the figures of so many tabs; each job is held against the one of its own round without tabs.

    On a machine that is busy with other work the fastest jobs are the ones that were held up least.
    """
    lags_s = [lag_s for job in jobs for lag_s in job.lags_s]
    return {
        "tabs": tabs,
        "ratio": median(job.total_s / other.total_s for job, other in zip(jobs, alone, strict=True)),
        "fastest": min(job.total_s for job in jobs) / min(other.total_s for other in alone),
        "share": median(job.serving_s / job.total_s for job in jobs),
        "lag_s": median(lags_s) if lags_s else None,
        "lag_max_s": max(lags_s, default=None),
        "behind": max(job.behind for job in jobs) if lags_s else None,
    }


def build_markdown(rows: Sequence[Row]) -> str:
    """Return the rows as a table for the README."""
    lines = ["| " + " | ".join(HEADINGS) + " |", "|" + "---|" * len(HEADINGS)]
    forms = (
        ("tabs", "{:d}"), ("ratio", "{:.3f}"), ("fastest", "{:.3f}"), ("share", "{:.1%}"),
        ("lag_s", "{:.2f} s"), ("lag_max_s", "{:.2f} s"), ("behind", "{:d}"),
    )  # fmt: skip
    for row in rows:
        cells = ["-" if row[key] is None else form.format(row[key]) for key, form in forms]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def run_watched(address: str, tabs: int, steps: int) -> WatchedJob:
    """Run one job with so many tabs open."""
    from modules import processing, progress, shared

    with opened_tabs(address, tabs) as told:
        serving_s, began_s = serving_cpu_s(), time.perf_counter()
        progress.start_task(TASK)
        phase = shared.state.begin("Text", TASK)
        processing.process_images(build_request(WantedJob(steps=steps)))
        shared.state.end(phase)
        progress.finish_task(TASK)
        total_s, serving_s = time.perf_counter() - began_s, serving_cpu_s() - serving_s
    record = current_session().records.recent(1)[0]
    completed_at_s = [record.began_at_s + at_s for part in record.parts for at_s in part.completed_at_s]
    lags_s, behind = compare(completed_at_s, [[one for one in tab if one[1] == record.id] for tab in told])
    return WatchedJob(total_s, serving_s, lags_s, behind)


def compare(completed_at_s: Sequence[float], told: Sequence[Sequence[Told]]) -> tuple[tuple[float, ...], int]:
    """Return how late each step was told, and how many finished steps an event left out at worst.

    Args:
        completed_at_s: of a job with one pass, by time.time().
        told: of each tab.
    """
    lags_s: list[float] = []
    behind = 0
    for tab in told:
        for step, at_s in enumerate(completed_at_s):
            came_at_s = next((came_at_s for came_at_s, _, completed in tab if completed > step), None)
            if came_at_s is not None:
                lags_s.append(came_at_s - at_s)
        for came_at_s, _, completed in tab:
            behind = max(behind, sum(at_s <= came_at_s for at_s in completed_at_s) - completed)
    return tuple(lags_s), behind


@contextlib.contextmanager
def opened_tabs(address: str, tabs: int) -> Iterator[list[list[Told]]]:
    """A context with open tabs; what they were told is in the list afterwards."""
    told: list[list[Told]] = []
    if not tabs:
        yield told
        return
    command = [sys.executable, str(Path(tab_clients.__file__)), address, str(tabs)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as clients:
        assert clients.stdout is not None
        clients.stdout.readline()
        yield told
        out, _ = clients.communicate(timeout=60)
        told += [[(float(at_s), str(job), int(steps)) for at_s, job, steps in tab] for tab in json.loads(out)]


@contextlib.contextmanager
def served(app: Any) -> Iterator[str]:
    """A context in which the application is served as the host serves it; gives the address."""
    import uvicorn

    from modules.webui import listen

    listener = listen(0)
    options: dict[str, Any] = {"log_level": "critical", "timeout_graceful_shutdown": 1}
    server = uvicorn.Server(uvicorn.Config(app, **options))
    name = SERVING_THREADS[0]
    thread = threading.Thread(target=lambda: server.run(sockets=[listener]), name=name, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10.0)
        listener.close()


def serving_cpu_s() -> float:
    """Return the CPU time of the threads that answer requests."""
    idents = [one.ident for one in threading.enumerate() if one.name.startswith(SERVING_THREADS)]
    return sum(time.clock_gettime(time.pthread_getcpuclockid(ident)) for ident in idents if ident is not None)
