"""The whole table: every case in every mode, and the stock host beside them, on the emulated device."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.environment import REPOSITORY
from bench.figures import overhead
from bench.host import check_writable, start
from bench.job import FinishedJob, JobShape, run_job, set_mode
from bench.once import build_report
from bench.table import build_table
from bench.terminal_bar import TerminalBar

REFERENCE_MODE = "observe"
LEARNED_AT_RUN = 3
"""A shape counts as learned in its third run in one process."""

Row = dict[str, "str | float | int | None"]


@dataclass(frozen=True)
class Setting:
    """One row's way to run: a mode of the extension, or the host alone with its own synchronize off or on."""

    name: str
    mode: str
    host_sync: bool = False

    def apply(self) -> None:
        """Make the running host behave so."""
        from modules import shared

        set_mode(self.mode)
        shared.opts.set("torch_sync", self.host_sync)


SETTINGS = (
    Setting("stock, sync off", "off"),
    Setting("stock, sync on", "off", host_sync=True),
    Setting("every-step", "every-step"),
    Setting("run-ahead", "run-ahead"),
    Setting("observe", "observe"),
)


@dataclass(frozen=True)
class Case:
    """One kind of job, and in how many pairs its overhead is measured; in none, it stays unknown."""

    name: str
    shape: JobShape
    pairs: int


@dataclass(frozen=True)
class Plan:
    """How much is run, and how slow the emulated device is."""

    cases: tuple[Case, ...]
    runs: int
    step_ms: float
    encode_ms: float
    decode_ms: float

    @property
    def jobs(self) -> int:
        """Every job of the plan."""
        return sum(len(SETTINGS) * self.runs + case.pairs * (1 + len(SETTINGS)) for case in self.cases)


FULL_PLAN = Plan(
    (
        Case("1 image", JobShape(steps=20), pairs=5),
        Case("batch of 3", JobShape(steps=20, batches=3), pairs=5),
        Case("hires", JobShape(steps=20, hires=True), pairs=5),
    ),
    runs=LEARNED_AT_RUN,
    step_ms=150,
    encode_ms=100,
    decode_ms=500,
)
# Less than a minute, the start included: too short to learn a shape, and one case's overhead stands for all.
QUICK_PLAN = Plan(
    (
        Case("1 image", JobShape(steps=4), pairs=2),
        Case("batch of 3", JobShape(steps=4, batches=3), pairs=0),
        Case("hires", JobShape(steps=4, hires=True), pairs=0),
    ),
    runs=1,
    step_ms=50,
    encode_ms=20,
    decode_ms=80,
)


class Campaign:
    """Runs a plan in a started host and gathers its rows."""

    def __init__(self, plan: Plan, app: Any, bar: TerminalBar) -> None:
        self._plan = plan
        self._app = app
        self._bar = bar
        self._jobs_done = 0

    def run(self) -> list[Row]:
        """Return the rows, `first` and, where the plan runs so often, `learned`."""
        rows = []
        for case in self._plan.cases:
            reports = {setting: self._measure(case, setting) for setting in SETTINGS}
            costs = self._measure_overhead(case)
            rows += [
                {"case": case.name, "mode": setting.name, "run": run, "overhead": costs[setting], **figures}
                for setting, by_run in reports.items()
                for run, figures in by_run.items()
            ]
        return rows

    def _measure(self, case: Case, setting: Setting) -> dict[str, Row]:
        setting.apply()
        reports = []
        for _ in range(self._plan.runs):
            job = self._run(case, setting.name)
            report = build_report(job, setting.name, case.shape)
            del report["mode"]
            reports.append(report)
        by_run = {"first": reports[0]}
        if len(reports) >= LEARNED_AT_RUN:
            by_run["learned"] = reports[LEARNED_AT_RUN - 1]
        return by_run

    def _measure_overhead(self, case: Case) -> dict[Setting, float | None]:
        """Return each setting's cost: a client polls the bar, against `observe` with nothing watching.

        Previews are left out: what they cost is a figure of its own. The order turns with each round, so that
        a slow drift of the machine falls on all alike.
        """
        reference = Setting("reference", REFERENCE_MODE)
        pairs: dict[Setting, list[tuple[float, float]]] = {setting: [] for setting in SETTINGS}
        for turn in range(case.pairs):
            reference.apply()
            bare_s = self._run(case, "observe, unwatched", watched=False).record.total_s
            first = turn % len(SETTINGS)
            for setting in SETTINGS[first:] + SETTINGS[:first]:
                setting.apply()
                job = self._run(case, f"{setting.name}, cost", wants_previews=False)
                pairs[setting].append((job.record.total_s, bare_s))
        return {setting: overhead(of_setting) for setting, of_setting in pairs.items()}

    def _run(
        self, case: Case, what: str, *, watched: bool = True, wants_previews: bool = True
    ) -> FinishedJob:
        self._bar.show(
            self._jobs_done / self._plan.jobs,
            f"job {self._jobs_done + 1}/{self._plan.jobs}: {case.name}, {what}",
        )
        job = run_job(case.shape, app=self._app, watched=watched, wants_previews=wants_previews)
        self._jobs_done += 1
        return job


def run_campaign(quick: bool, json_file: Path | None) -> int:
    """Measure, print the table, and write the rows where asked to."""
    if json_file is not None:
        check_writable(json_file)
    plan = QUICK_PLAN if quick else FULL_PLAN
    bar = TerminalBar()
    # Settings of its own: what the user switched in the page must not change what is measured.
    with tempfile.TemporaryDirectory(prefix="zluda_sync_measure_") as folder:
        host = start(_build_host_arguments(plan, Path(folder)))
        try:
            # The first job in a process also pays for torch's own warm-up.
            run_job(JobShape(steps=2), app=host.app)
            rows = Campaign(plan, host.app, bar).run()
            bar.show(1.0, f"{plan.jobs} jobs done")
        finally:
            bar.close()
    print(build_table(rows))
    if json_file is not None:
        json_file.write_text(json.dumps({"rows": rows}, indent=1) + "\n", encoding="utf-8")
    return 0


def _build_host_arguments(plan: Plan, settings_folder: Path) -> Sequence[str]:
    return (
        "--device", "emulated",
        "--data-dir", str(REPOSITORY / ".host"),
        "--config", str(settings_folder / "config.json"),
        "--step-ms", str(plan.step_ms),
        "--encode-ms", str(plan.encode_ms),
        "--decode-ms", str(plan.decode_ms),
    )  # fmt: skip
