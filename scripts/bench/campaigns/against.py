"""Whole jobs against everything: the host alone, what others do for a true bar, and every mode of ours.

Everyone runs the same jobs in the same process, in rounds whose order turns, so that a slow drift of the
machine falls on all alike. Each round begins with the bare job, which waits for nothing and which nobody
looks at: that round's times are held against it. The same again shows how much of a ratio is the machine's.
"""

from __future__ import annotations

import os
import threading
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.campaigns.against_picture import Pictured, draw_picture
from bench.campaigns.against_plan import (
    BARE,
    BARE_AGAIN,
    FIRST_JOB,
    FULL_PLAN,
    QUICK_PLAN,
    RUN_AHEAD,
    SYNC_OFF,
    TQDM,
    Case,
    Contender,
    Plan,
)
from bench.campaigns.against_rows import Runs, build_rows, find_misses, find_quick_misses
from bench.campaigns.previews import KeptPreviews
from bench.campaigns.stopped_job import run_request
from bench.host.job import WantedJob, current_session, forget_learned, run_job
from bench.host.process import check_writable
from bench.host.started import started_host
from bench.terminal.bar import TerminalBar
from bench.terminal.table import Row, build_table
from bench.truth.figures import early_full_s
from bench.truth.measured_job import MeasuredJob

#: Stop is pressed after this share of the time that the bare job takes.
PRESS_AT_SHARE = 0.3
#: Where bare jobs differ by more, ratios of others say nothing.
MOST_NOISE = 0.02
#: What the picture shows of which case: whose bar, its name there and a few words.
PICTURED_CASE = "batch of 3"
PICTURED = (
    (SYNC_OFF, "SD.Next alone", "sync off"),
    (TQDM, "tqdm", "counts what is queued"),
    (RUN_AHEAD, "ZLUDA Sync", "counts what is done"),
)
COLUMNS = (
    ("case", "case", ""),
    ("who", "who", ""),
    ("jobs", "jobs", "d"),
    ("ratio_text", "time over bare", ""),
    ("bar_error_mean_text", "bar error", ""),
    ("eta_error_mean_text", "ETA error", ""),
    ("step_error_max", "step error", "d"),
    ("lead_samples", "lead", "d"),
    ("falls", "falls", "d"),
    ("early_full_s", "early 100 % s", ".2f"),
    ("stop_s", "Stop s", ".2f"),
    ("run_ahead_max", "run-ahead", "d"),
    ("preview_share", "previews of a step", ".4f"),
    ("verdict", "", ""),
)


class Match:
    """Runs a plan in a started host and keeps what everyone did."""

    def __init__(self, plan: Plan, app: Any, bar: TerminalBar) -> None:
        self._plan = plan
        self._app = app
        self._bar = bar
        self._jobs_done = 0
        self.runs: dict[str, dict[Contender, Runs]] = {case.name: defaultdict(Runs) for case in plan.cases}

    def run(self) -> None:
        """Run every case: first jobs, rounds, then Stop."""
        for case in self._plan.cases:
            runs = self.runs[case.name]
            for _ in range(case.first_jobs):
                bare = self._run(case, BARE)
                forget_learned()
                runs[FIRST_JOB].add(self._run(case, FIRST_JOB), bare)
            self._run(case, RUN_AHEAD)  # the second of its kind: from the third on it counts as learned
            for turn in range(case.rounds):
                bare = self._run(case, BARE)
                first = turn * 5 % len(case.contenders)
                for contender in case.contenders[first:] + case.contenders[:first]:
                    runs[contender].add(self._run(case, contender), bare)
            press_at_s = PRESS_AT_SHARE * bare.total_s
            for _ in range(case.presses):
                for contender in case.stopped:
                    self._show(f"{case.name}, {contender.name}, Stop")
                    runs[contender].stops_s.append(time_stop(contender, case.wanted, press_at_s))

    def _run(self, case: Case, contender: Contender) -> MeasuredJob:
        self._show(f"{case.name}, {contender.name}")
        contender.apply()
        current_session()._previews._looked_at_s = None  # by no page: else the last one's still counts
        kept = KeptPreviews(current_session()._previews) if contender.wants_previews else None
        with contender.around() as endpoint:
            measured = run_job(
                case.wanted,
                app=self._app,
                watched=contender.is_watched,
                wants_previews=contender.wants_previews,
                endpoint=endpoint,
                on_sample=kept.keep if kept is not None else None,
            ).measured
        if kept is not None and kept.previews is not None:
            job_s = case.wanted.steps * self._plan.speed.step_ms / 1000
            self.runs[case.name][contender].preview_shares.append(kept.previews.cost_s / job_s)
        return measured

    def _show(self, what: str) -> None:
        done, jobs = self._jobs_done, self._plan.jobs
        self._bar.show(done / jobs, f"job {done + 1}/{jobs}: {what}")
        self._jobs_done += 1


def time_stop(contender: Contender, wanted: WantedJob, press_at_s: float) -> float:
    """Return how long after a press of Stop the request was over."""
    from modules import shared

    pressed_s: list[float] = []

    def press() -> None:
        shared.state.interrupt()
        pressed_s.append(time.perf_counter())

    contender.apply()
    with contender.around():
        timer = threading.Timer(press_at_s, press)
        timer.start()
        run_request("task(against)", wanted)
        ended_s = time.perf_counter()
        timer.join()
    return ended_s - pressed_s[0]


def run_against_campaign(quick: bool, picture: Path | None = None) -> int:
    """Measure, print the table and what misses its target, draw the picture; 0 if nothing misses, else 1."""
    if picture is not None:
        check_writable(picture)
    plan = QUICK_PLAN if quick else FULL_PLAN
    bar = TerminalBar()
    warm_up = [replace(case.wanted, steps=2, batches=1) for case in plan.cases]
    with started_host(plan.speed, warm_up=warm_up, idle_costs=True) as app:
        # As on every machine that was idle once: else each job checks the events, and waits for them.
        current_session().self_testing.run_now()
        try:
            match = Match(plan, app, bar)
            match.run()
            bar.show(1.0, f"{plan.jobs} jobs done")
        finally:
            bar.close()
    judge = find_quick_misses if quick else find_misses
    rows = [row for case in plan.cases for row in build_rows(case, match.runs[case.name], judge)]
    print(build_table(rows, COLUMNS))
    print(f"\n{describe_spread(rows)}")
    misses = [f"missed: {row['case']}, {row['who']}: {row['verdict']}" for row in rows if row["verdict"]]
    print("\n" + ("\n".join(misses) if misses else "every target is met"))
    if picture is not None:
        picture.write_text(draw_case(plan, match.runs[PICTURED_CASE], rows), encoding="utf-8")
        print(picture)
    return 1 if misses else 0


def draw_case(plan: Plan, runs: dict[Contender, Runs], rows: Sequence[Row]) -> str:
    """Return the picture of one kind of job."""
    of_case = {row["who"]: row for row in rows if row["case"] == PICTURED_CASE}
    shown = []
    for one, name, note in PICTURED:
        row: Any = of_case[one.name]
        job = runs[one].median_job()
        figures = (row["bar_error_mean"], row["eta_error_mean"], row["falls"], early_full_s(job) or 0.0)
        shown.append(Pictured(name, note, job, *figures))
    steps = plan.cases[0].wanted.steps
    subtitle = f"Three pictures of {steps} steps each, on an emulated GPU whose queue runs ahead"
    return draw_picture(shown, "What the bar says while the GPU works", subtitle)


def describe_spread(rows: Sequence[Row]) -> str:
    """Return how large the noise is that times are judged by, and whether it is too large for that."""
    again = {row["case"]: row["ratio_text"] for row in rows if row["who"] == BARE_AGAIN.name}
    spread = "; ".join(f"{case} {text}" for case, text in again.items())
    said = f"bare against bare, by which times are judged: {spread}; load of the machine {_load()}"
    worst = max(float(row["noise"] or 0) for row in rows)
    return f"{said}\nthe machine is too busy for times to say anything" if worst > MOST_NOISE else said


def _load() -> str:
    """Return how busy the machine was over the last minutes, where it says so."""
    try:
        return " ".join(f"{load:.1f}" for load in os.getloadavg())
    except (AttributeError, OSError):
        return "unknown"
