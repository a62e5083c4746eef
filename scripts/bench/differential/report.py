"""What the campaign found: a table, a line for each thing that is worse, and what was left out."""

from __future__ import annotations

from dataclasses import dataclass, field

from bench.differential.outcome import Outcome
from bench.terminal.table import Row, build_table

LEGEND = "Each cell: pictures, or the status; + calls of the denoiser after the press; ! worse than alone.\n"


@dataclass
class Report:
    """What was found, of one case or of all.

    Attributes:
        rows: of the table.
        harms: one line for each thing that is worse.
        left_out: one line for each script that was not run, and why.
    """

    rows: list[Row] = field(default_factory=list)
    harms: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    def add(self, other: Report) -> None:
        """Take in what another one says."""
        self.rows += other.rows
        self.harms += other.harms
        self.left_out += other.left_out

    def build_text(self, modes: tuple[str, ...]) -> str:
        """Return the table and what stands below it."""
        names = [("case", "script"), *((name, name) for name in ("place", "press", "alone", *modes))]
        parts = [LEGEND, build_table(self.rows, [(key, heading, "") for key, heading in names])]
        if self.left_out:
            parts.append("\nLeft out:\n" + "\n".join(self.left_out))
        worse = f"\nWorse than SD.Next alone in {len(self.harms)} cells:\n" + "\n".join(self.harms)
        parts.append(worse if self.harms else "\nNowhere worse than SD.Next alone.")
        return "\n".join(parts)


def describe(outcome: Outcome) -> str:
    """Return what a cell of the table says: a request that nothing is pressed in tells all its calls."""
    status = outcome.answer.status
    pictures = f"{len(outcome.answer.pictures)}p" if outcome.answer.is_good else str(status or "hangs")
    if outcome.calls_after is None:
        return f"{pictures} ={outcome.calls}"
    return f"{pictures} +{outcome.calls_after}"
