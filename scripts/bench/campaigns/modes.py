"""The whole table: every case in every mode, and beside them the stock host and others' formulas."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bench.campaigns.modes_plan import (
    FULL_PLAN,
    LEARNED_AT_RUN,
    OBSERVE,
    QUICK_PLAN,
    RUN_AHEAD,
    SETTINGS,
    Case,
    Plan,
    Setting,
)
from bench.campaigns.modes_targets import find_misses
from bench.host.job import FinishedJob, WantedJob, forget_learned, run_job
from bench.host.once import build_report
from bench.host.process import check_writable
from bench.host.started import started_host
from bench.terminal.bar import TerminalBar
from bench.terminal.table import ETA_CHANGE_COLUMNS, Row, build_table
from bench.truth.figures import build_figures, first_eta, overhead
from bench.truth.formulas import FORMULAS, replay

FORMULA_SETTING = RUN_AHEAD
"""The setting whose first run the formulas are held against."""

RECORDINGS = 3

FORMULA_FIGURES = (
    "total_s",
    "bar_error_mean",
    "bar_error_max",
    "falls",
    "early_full_s",
    "eta_error_mean",
    "eta_coverage",
)


class Campaign:
    """Runs a plan in a started host and gathers its rows."""

    def __init__(self, plan: Plan, app: Any, bar: TerminalBar) -> None:
        self._plan = plan
        self._app = app
        self._bar = bar
        self._jobs_done = 0

    def run(self) -> list[Row]:
        """Return the rows, `first` and, where a setting is run so often, `learned`."""
        rows: list[Row] = []
        for case in self._plan.cases:
            jobs = {setting: self._run_repeatedly(case, setting) for setting in SETTINGS}
            costs = self._measure_overhead(case)
            for setting, of_setting in jobs.items():
                rows += [
                    {
                        "case": case.name,
                        "run": run,
                        "overhead": costs[setting],
                        **build_report(job, setting.name, case.wanted),
                    }
                    for run, job in of_setting.items()
                ]
            rows += build_formula_rows(case, jobs[FORMULA_SETTING]["first"])
        return rows

    def run_eta_changes(self) -> list[Row]:
        """Return how right the first ETA is for jobs that are unlike the one that was learned."""
        rows: list[Row] = []
        RUN_AHEAD.apply()
        for change in self._plan.eta_changes:
            forget_learned()  # what the change before has taught must not help this one
            for _ in range(LEARNED_AT_RUN - 1):
                self._run(f"learning for {change.name}", self._plan.cases[0].wanted)
            job = self._run(change.name, change.wanted)
            rows.append({"change": change.name, "mode": RUN_AHEAD.name, **first_eta(job.measured)})
        return rows

    def _run_repeatedly(self, case: Case, setting: Setting) -> dict[str, FinishedJob]:
        setting.apply()
        forget_learned()
        jobs = [
            self._run(f"{case.name}, {setting.name}", case.wanted) for _ in range(self._plan.runs_of(setting))
        ]
        by_run = {"first": jobs[0]}
        if len(jobs) >= LEARNED_AT_RUN:
            by_run["learned"] = jobs[LEARNED_AT_RUN - 1]
        return by_run

    def _measure_overhead(self, case: Case) -> dict[Setting, float | None]:
        """Return each setting's cost: a client polls the bar, against `observe` with nothing watching.

        Previews are left out: what they cost is a figure of its own. The order turns with each round, so that
        a slow drift of the machine falls on all alike.
        """
        pairs: dict[Setting, list[tuple[float, float]]] = {setting: [] for setting in SETTINGS}
        for turn in range(case.pairs):
            OBSERVE.apply()
            bare_s = self._run(f"{case.name}, unwatched", case.wanted, watched=False).measured.total_s
            first = turn % len(SETTINGS)
            for setting in SETTINGS[first:] + SETTINGS[:first]:
                setting.apply()
                job = self._run(f"{case.name}, {setting.name}, cost", case.wanted, wants_previews=False)
                pairs[setting].append((job.measured.total_s, bare_s))
        return {setting: overhead(of_setting) for setting, of_setting in pairs.items()}

    def _run(
        self, what: str, wanted: WantedJob, *, watched: bool = True, wants_previews: bool = True
    ) -> FinishedJob:
        self._bar.show(
            self._jobs_done / self._plan.jobs, f"job {self._jobs_done + 1}/{self._plan.jobs}: {what}"
        )
        job = run_job(wanted, app=self._app, watched=watched, wants_previews=wants_previews)
        self._jobs_done += 1
        return job


def build_formula_rows(case: Case, job: FinishedJob) -> list[Row]:
    """Return what others' formulas would have shown of the same first job; other figures are unknown."""
    rows: list[Row] = []
    for name, formula in FORMULAS.items():
        figures = build_figures(replay(job.measured, case.wanted.planned_passes, formula))
        shown = {figure: value if figure in FORMULA_FIGURES else None for figure, value in figures.items()}
        unknown = {"overhead": None, "steps": case.wanted.steps, "image_sha256": None}
        rows.append({"case": case.name, "mode": name, "run": "first", **unknown, **shown})
    return rows


def run_campaign(quick: bool, json_file: Path | None) -> int:
    """Measure, print the tables and what misses its target, and write the rows where asked to."""
    if json_file is not None:
        check_writable(json_file)
    plan = QUICK_PLAN if quick else FULL_PLAN
    bar = TerminalBar()
    with started_host(plan.speed, warm_up=plan.warm_up) as app:
        try:
            campaign = Campaign(plan, app, bar)
            rows = campaign.run()
            eta_changes = campaign.run_eta_changes()
            bar.show(1.0, f"{plan.jobs} jobs done")
        finally:
            bar.close()
    print(build_table(rows))
    if eta_changes:
        print("\nfirst ETA after a change, one shape learned:")
        print(build_table(eta_changes, ETA_CHANGE_COLUMNS))
    if not quick:
        modes = {setting.name for setting in SETTINGS if setting.learns}
        unforeseen = {case.name for case in plan.cases if case.wanted.unforeseen}
        misses = find_misses(rows, eta_changes, modes, unforeseen)
        print("\n" + ("\n".join(misses) if misses else "every target is met"))
    if json_file is not None:
        tree = {"rows": rows, "eta_changes": eta_changes}
        json_file.write_text(json.dumps(tree, indent=1) + "\n", encoding="utf-8")
    return 0


def record_traces(folder: Path) -> int:
    """Run every kind of job some times, and write what the fastest was told: a busy machine spoils traces."""
    folder.mkdir(parents=True, exist_ok=True)
    with started_host(FULL_PLAN.speed, warm_up=FULL_PLAN.warm_up) as app:
        from bench.truth.trace import TraceRecorder

        for case in FULL_PLAN.cases:
            RUN_AHEAD.apply()
            traces = []
            for _ in range(RECORDINGS):
                recorder = TraceRecorder()
                with recorder.recording():
                    run_job(case.wanted, app=app, wants_previews=False)
                traces.append(recorder.build(case.name))
            file = folder / f"{case.name.replace(' ', '_').replace('.', '')}.json"
            min(traces, key=lambda trace: trace.total_s).write(file)
            print(file)
    return 0
