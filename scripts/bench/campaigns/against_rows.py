"""What everyone did, as lines of one table: medians with their spread, and what misses its target.

A time is held against the bare job of the same round; how far bare jobs differ among themselves is the noise.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bench.campaigns.against_plan import (
    BARE_AGAIN,
    FIRST_JOB,
    OBSERVE,
    PREVIEWS,
    RUN_AHEAD,
    SYNC_OFF,
    SYNC_ON,
    Case,
    Contender,
)
from bench.campaigns.modes_targets import BY_RUN, EARLY_FULL, Target
from bench.campaigns.previews import BUDGET_SHARE
from bench.terminal.table import Row
from bench.truth.figures import bar_error, build_figures
from bench.truth.formulas import Formula, a1111, replay, sdnext
from bench.truth.measured_job import MeasuredJob, PassTruth

#: What a job of ours may take over the bare one, and whose.
MOST_TIME, HELD_TO_TIME = 1.005, (RUN_AHEAD.name, OBSERVE.name)
ALWAYS_RIGHT = (Target("falls", 0), EARLY_FULL)
STEPS = (Target("step_error_max", 1), Target("lead_samples", 0))
PREVIEW = Target("preview_share", BUDGET_SHARE)
#: What others' formulas would have shown: on which job, and whether on steps queued or finished.
FORMULA_ROWS: tuple[tuple[str, Contender, Formula, bool], ...] = (
    ("A1111's formula, sync off", SYNC_OFF, a1111, True),
    ("A1111's formula, sync on", SYNC_ON, a1111, False),
    ("SD.Next's formula, true steps", SYNC_ON, sdnext, False),
)
SPREAD = ("ratio", "bar_error_mean", "eta_error_mean")


@dataclass(frozen=True)
class Spread:
    """Median and quartiles of some values."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Return those of some values, at least one."""
        if len(values) == 1:
            return cls(values[0], values[0], values[0])
        low, median, high = statistics.quantiles(values, n=4, method="inclusive")
        return cls(median, low, high)

    def __str__(self) -> str:
        return f"{self.median:.3f} ({self.low:.3f} to {self.high:.3f})"


@dataclass
class Runs:
    """Everything that one contender did with one kind of job."""

    jobs: list[MeasuredJob] = field(default_factory=list)
    ratios: list[float] = field(default_factory=list)
    stops_s: list[float] = field(default_factory=list)
    preview_shares: list[float] = field(default_factory=list)

    def add(self, job: MeasuredJob, bare: MeasuredJob) -> None:
        """Keep a job, and what it took over the bare one of its round."""
        self.jobs.append(job)
        self.ratios.append(job.total_s / bare.total_s)

    def replayed(self, planned_passes: int, formula: Formula, by_queued: bool) -> Runs:
        """Return the same with what a formula would have shown."""
        shown = []
        for job in self.jobs:
            counted = replace(job, passes=_queued(job.passes)) if by_queued else job
            shown.append(replace(replay(counted, planned_passes, formula), passes=job.passes))
        return Runs(shown, self.ratios)

    def median_job(self) -> MeasuredJob:
        """Return the job whose bar was neither the best nor the worst."""
        return sorted(self.jobs, key=lambda job: bar_error(job)[0] or 0.0)[len(self.jobs) // 2]

    def row(self, case: str, who: str) -> dict[str, Any]:
        """Return the line of the table: medians, and of what is counted the most."""
        every = [build_figures(job) for job in self.jobs]
        figures: dict[str, list[Any]] = {
            name: [one[name] for one in every if one[name] is not None] for name in every[0]
        }
        figures["ratio"] = self.ratios
        row: dict[str, Any] = {"case": case, "who": who, "jobs": len(self.jobs)}
        for name in SPREAD:
            spread = Spread.of(figures[name]) if figures[name] else None
            row[name] = spread.median if spread else None
            row[f"{name}_text"] = str(spread) if spread else "-"
        for name in ("step_error_max", "lead_samples", "falls", "early_full_s", "run_ahead_max"):
            row[name] = max(figures[name], default=None)
        row["eta_coverage"] = min(figures["eta_coverage"], default=None)
        row["stop_s"] = statistics.median(self.stops_s) if self.stops_s else None
        row["preview_share"] = statistics.median(self.preview_shares) if self.preview_shares else None
        return row


def _queued(passes: Sequence[PassTruth]) -> tuple[PassTruth, ...]:
    """Return the passes as they look to who takes steps for done that are queued."""
    return tuple(PassTruth(one.launched_s, one.launched_s) for one in passes)


def noise_of(ratios: Sequence[float]) -> float:
    """Return by how much the bare job misses itself: the larger distance of a quartile from 1."""
    spread = Spread.of(ratios)
    return max(abs(spread.low - 1), abs(spread.high - 1))


def find_misses(row: Row, noise: float) -> list[str]:
    """Return what misses its target in a line of ours; time does by more than the machine's noise only."""
    run = "first" if row["who"] == FIRST_JOB.name else "learned"
    targets = [*BY_RUN[run], *STEPS, *((PREVIEW,) if row["who"] == PREVIEWS.name else ())]
    if row["who"] in HELD_TO_TIME:
        targets.append(Target("ratio", MOST_TIME + noise))
    return [_describe(one, row) for one in targets if not one.is_met(row[one.figure])]


def find_quick_misses(row: Row, _noise: float) -> list[str]:
    """Return what misses its target in a line of ours, of what is right in short and few jobs too."""
    return [_describe(one, row) for one in (*ALWAYS_RIGHT, *STEPS) if not one.is_met(row[one.figure])]


def _describe(target: Target, row: Row) -> str:
    value = row[target.figure]
    return f"{target.figure} {value:.4g}" if isinstance(value, int | float) else f"no {target.figure}"


def build_rows(
    case: Case, runs: dict[Contender, Runs], judge: Callable[[Row, float], list[str]] = find_misses
) -> list[Row]:
    """Return everyone's lines of one kind of job, ours with what misses its target."""
    planned = case.wanted.planned_passes
    rows: list[dict[str, Any]] = [runs[one].row(case.name, one.name) for one in (*case.contenders, FIRST_JOB)]
    for name, replayed, formula, by_queued in FORMULA_ROWS:
        rows.append(runs[replayed].replayed(planned, formula, by_queued).row(case.name, name))
    noise = noise_of(runs[BARE_AGAIN].ratios)
    ours = {one.name: one for one in (*case.contenders, FIRST_JOB) if one.is_ours}
    for row in rows:
        name, row["noise"] = str(row["who"]), noise
        row["verdict"] = "; ".join(judge(row, noise)) if name in ours else ""
    return list[Row](rows)
