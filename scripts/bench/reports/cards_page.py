"""The page of cards: a table between two marks, with a row for each card, driver, torch and build."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from bench.commands.environment import REPOSITORY
from zluda_sync.core.records.card_report import CardReport

PAGE = REPOSITORY / "extensions" / "zluda_sync" / "docs" / "cards.md"
BEGIN, END = "<!-- cards: begin -->", "<!-- cards: end -->"
HEAD = (
    "Device", "Backend", "Driver", "torch", "ZLUDA or HIP", "Runs ahead", "Ways that told the truth",
    "Verified", "SD.Next", "Extension", "Day",
)  # fmt: skip
#: By these cells a row is known, and by the last one it is replaced.
_KEY = (0, 2, 3, 4)
NOBODY = "Nobody has sent a report so far."
UNKNOWN = "-"
#: Begins the names of devices that are no card.
EMULATED = "Emulated"
_MARKUP = re.compile(r"([\\`*_{}\[\]<>|~&#!$])")

_RUNS_AHEAD: dict[bool | None, str] = {True: "yes", False: "no", None: ""}

Cells = tuple[str, ...]


def merge_into_page(reports: Iterable[CardReport], page: Path | None = None) -> int:
    """Put reports into the table of a page, each in place of an older one; return how many rows are new.

    Raises:
        ValueError: the page has no place for the table.
    """
    page = page or PAGE
    text = page.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    table, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{page.name} has no table between {BEGIN} and {END}")
    rows = {_key_of(row): row for row in read_rows(table)}
    known = set(rows.values())
    for report in reports:
        row = row_of(report)
        older = rows.get(_key_of(row))
        if older is None or older[-1] <= row[-1]:
            rows[_key_of(row)] = row
    page.write_text(f"{before}{BEGIN}\n\n{write_rows(rows.values())}\n\n{END}{after}", encoding="utf-8")
    return len(set(rows.values()) - known)


def why_left_out(report: CardReport) -> str:
    """Return why a good report has no row, empty if it has one."""
    if report.device is None:
        return "does not say which card"
    return "is of the emulated device, which is no card" if report.device.startswith(EMULATED) else ""


def row_of(report: CardReport) -> Cells:
    """Return the cells of a report, as Markdown."""
    tree = report.tree
    groups = ("versions", "sdnext", "self_test", "verification")
    versions, sdnext, test, verification = (dict(tree[name] or {}) for name in groups)
    cells = (
        report.device,
        tree["backend"],
        versions.get("driver"),
        versions.get("torch"),
        report.build,
        _RUNS_AHEAD[test.get("runs_ahead")],
        _tell_rungs(test.get("rungs") or ()),
        verification.get("sentence") if _is_of(verification, report.device, versions) else None,
        " ".join(filter(None, (sdnext.get("date"), sdnext.get("commit")))),
        tree["extension"],
        datetime.fromtimestamp(report.made_at_s, timezone.utc).date().isoformat() if report.made_at_s else "",
    )
    return tuple(escape(cell) if cell else UNKNOWN for cell in cells)


def escape(text: str) -> str:
    """Return a text as Markdown that shows just this text, within one cell."""
    return _MARKUP.sub(r"\\\1", " ".join(text.split()))


def read_rows(table: str) -> list[Cells]:
    """Return the rows of a table; a row of another number of cells is none of ours."""
    rows = []
    for line in table.splitlines():
        cells = tuple(cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1])
        if len(cells) == len(HEAD) and cells != HEAD and set(cells) != {"---"}:
            rows.append(cells)
    return rows


def write_rows(rows: Iterable[Cells]) -> str:
    """Return the table, by device and the newest first; a sentence where there are no rows."""
    by_day = sorted(rows, key=lambda row: row[-1], reverse=True)
    lines = [_line(row) for row in sorted(by_day, key=lambda row: row[0])]
    return "\n".join([_line(HEAD), _line(["---"] * len(HEAD)), *lines]) if lines else NOBODY


def _tell_rungs(rungs: Sequence[Any]) -> str:
    truthful = sum(rung["is_truthful"] is True for rung in rungs)
    lying = [rung["name"] for rung in rungs if rung["is_truthful"] is False and rung["name"]]
    if not rungs:
        return ""
    return f"{truthful} of {len(rungs)}{', not ' if lying else ''}{', '.join(lying)}"


def _is_of(verification: Mapping[str, Any], device: str | None, versions: Mapping[str, Any]) -> bool:
    """Whether a card was verified as it is reported: what was true of another driver says nothing of this."""
    verified = verification.get("versions") or {}
    is_same_build = all(version == versions.get(name) for name, version in verified.items())
    return bool(verified) and is_same_build and verification.get("device") == device


def _key_of(row: Cells) -> Cells:
    return tuple(row[at] for at in _KEY)


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
