"""Rows of figures as text with aligned columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Row = Mapping[str, "str | float | int | None"]

COLUMNS = (
    ("case", "case", ""),
    ("mode", "mode", ""),
    ("run", "run", ""),
    ("total_s", "total s", ".2f"),
    ("overhead", "overhead", ".3f"),
    ("bar_error_mean", "bar error", ".3f"),
    ("bar_error_max", "max", ".3f"),
    ("falls", "falls", "d"),
    ("early_full_s", "early 100 % s", ".2f"),
    ("eta_error_mean", "ETA error", ".3f"),
    ("eta_coverage", "coverage", ".2f"),
    ("step_error_max", "step error", "d"),
    ("lead_samples", "lead", "d"),
    ("run_ahead_max", "run-ahead", "d"),
    ("previews", "previews", "d"),
    ("preview_lag_max", "lag", "d"),
)
ETA_CHANGE_COLUMNS = (
    ("change", "change", ""),
    ("mode", "mode", ""),
    ("first_eta_at_s", "seen at s", ".2f"),
    ("first_eta_s", "ETA s", ".2f"),
    ("total_s", "total s", ".2f"),
    ("first_eta_error", "error", ".3f"),
)
UNKNOWN = "-"


def build_table(rows: Sequence[Row], columns: Sequence[tuple[str, str, str]] = COLUMNS) -> str:
    """Return the rows under a heading, words to the left and numbers to the right; unknown is a dash.

    A column is a row's key, its heading, and a number's format, empty for words.
    """
    cells = [[heading for _, heading, _ in columns]]
    cells += [[_cell(row.get(key), form) for key, _, form in columns] for row in rows]
    widths = [max(len(line[column]) for line in cells) for column in range(len(columns))]
    lines = []
    for line in cells:
        padded = [
            text.rjust(width) if form else text.ljust(width)
            for text, width, (_, _, form) in zip(line, widths, columns, strict=True)
        ]
        lines.append("  ".join(padded).rstrip())
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(lines)


def build_line(row: Row, columns: Sequence[tuple[str, str, str]] = COLUMNS) -> str:
    """Return one row as a line: words as they are, numbers behind their heading, and nothing unknown."""
    cells = [(heading, _cell(row.get(key), form), form) for key, heading, form in columns]
    known = [cell for cell in cells if cell[1] != UNKNOWN]
    return ", ".join(f"{heading} {text}" if form else text for heading, text, form in known)


def _cell(value: str | float | None, form: str) -> str:
    return UNKNOWN if value is None else format(value, form)
