"""The targets, and which rows miss them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from bench.terminal.table import Row


@dataclass(frozen=True)
class Target:
    """The bound of one figure, the same for every case; `least` for one that must not be smaller."""

    figure: str
    bound: float
    least: bool = False

    def is_met(self, value: str | float | None) -> bool:
        """Whether the figure keeps within the bound; an unknown one does not."""
        if not isinstance(value, int | float):
            return False
        return value >= self.bound if self.least else value <= self.bound


# The host returns from a job a few milliseconds after it has told the extension that the pictures are there.
EARLY_FULL = Target("early_full_s", 0.01)
ALWAYS = (Target("falls", 0), EARLY_FULL, Target("eta_coverage", 0.95, least=True))
BY_RUN = {
    "first": (*ALWAYS, Target("bar_error_mean", 0.05), Target("eta_error_mean", 0.08)),
    "learned": (*ALWAYS, Target("bar_error_mean", 0.02), Target("eta_error_mean", 0.03)),
}
#: Of a first job in which more comes than anybody can know: as everywhere, a quarter, and any remaining time.
UNFORESEEN = (*ALWAYS, Target("bar_error_mean", 0.25))
FIRST_ETA = Target("first_eta_error", 0.25)


def find_misses(
    rows: Sequence[Row],
    eta_changes: Sequence[Row],
    modes: Collection[str],
    unforeseen: Collection[str] = (),
) -> list[str]:
    """Return a line for every figure of these modes, and for every first ETA, that misses its target.

    In the first job of the cases that are `unforeseen` more comes than is asked for.
    """
    misses = []
    for row in rows:
        if row["mode"] not in modes:
            continue
        is_unforeseen = row["run"] == "first" and row["case"] in unforeseen
        for target in UNFORESEEN if is_unforeseen else BY_RUN[str(row["run"])]:
            if not target.is_met(row[target.figure]):
                where = f"{row['case']}, {row['mode']}, {row['run']}"
                misses.append(_describe(where, target, row))
    misses += [
        _describe(str(row["change"]), FIRST_ETA, row)
        for row in eta_changes
        if not FIRST_ETA.is_met(row[FIRST_ETA.figure])
    ]
    return misses


def _describe(where: str, target: Target, row: Row) -> str:
    bound = "at least" if target.least else "at most"
    return f"missed: {where}: {target.figure} is {row[target.figure]}, {bound} {target.bound:g} is wanted"
