"""What a part of the lane has found: on the disk the moment it is known, whatever becomes of the part."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bench.terminal.table import Row, build_line, build_table

Columns = Sequence[tuple[str, str, str]]

#: All that a run leaves; few files, since some ways to bring them home carry no more.
TABLES, RECORDS, FAILURES, LOG = "tables.txt", "records.jsonl", "failures.txt", "log.txt"


class Report:
    """Takes tables, lines, and cases that failed, of one part.

    Each is appended to the files in ``out`` and flushed to the disk before the call returns, and printed.

    Args:
        out: folder, which is there.
        part: whose report it is.
        end_s: when the part must be over, on the clock of ``time.monotonic``.
        is_quick: whether fewer and shorter cases are wanted.
        prints: whether it prints, besides keeping.
    """

    def __init__(
        self, out: Path, part: str, end_s: float, is_quick: bool = False, prints: bool = True
    ) -> None:
        self.out, self.part, self.is_quick = out, part, is_quick
        self._end_s, self._prints = end_s, prints
        self.failed: list[str] = []

    @property
    def left_s(self) -> float:
        """How long the part may still take, in seconds; below 0 once it is too late."""
        return self._end_s - time.monotonic()

    def table(self, title: str, rows: Sequence[Row], columns: Columns) -> None:
        """Keep a table that is whole."""
        self._record({"table": title, "rows": [dict(row) for row in rows]})
        self._tell(f"{title}\n\n{build_table(rows, columns)}\n")

    @contextlib.contextmanager
    def rows(self, title: str, columns: Columns) -> Iterator[OpenTable]:
        """A context for a table that grows: what is in it at the end is told, whatever has ended it.

        Where the process is killed before, :func:`finish_tables` tells it.
        """
        growing = OpenTable(self, title, columns)
        try:
            yield growing
        finally:
            if growing.rows:
                self.table(title, growing.rows, columns)

    def text(self, title: str, text: str, **values: Any) -> None:
        """Keep a text of several lines, with the values that it was made of."""
        self._record({"text": title, **values})
        self._tell(f"{title}\n\n{text}\n")

    def line(self, text: str, **values: Any) -> None:
        """Keep one sentence, with the values that it was made of."""
        self._record({"line": text, **values})
        self._tell(text)

    def skip(self, case: str, reason: str) -> None:
        """Say that a case is left out, and why."""
        self.line(f"{case} is skipped: {reason}", skipped=case)

    def need(self, least_s: float) -> None:
        """Pass where so much time is left; called within a case, which has failed else.

        Raises:
            TimeoutError: less is left.
        """
        if self.left_s < least_s:
            raise TimeoutError(f"{self.left_s:.0f} s are left, it needs {least_s:.0f} s")

    @contextlib.contextmanager
    def case(self, name: str, keeps_memory: bool = False) -> Iterator[None]:
        """A context that costs only itself: an error is kept with its traceback, and memory is freed.

        Args:
            name: for the failure.
            keeps_memory: what torch keeps for the cases beside it is freed after an error alone: they are
                timed against each other.
        """
        failures = len(self.failed)
        try:
            yield
        except Exception as error:  # noqa: BLE001  a driver may fail in every way, and other cases go on
            self.fail(name, error)
        finally:
            if not keeps_memory or len(self.failed) > failures:
                free_memory()

    def fail(self, name: str, error: BaseException) -> None:
        """Keep an error with its traceback."""
        self.failed.append(name)
        first_line = (str(error).splitlines() or [""])[0][:300]
        trace = "".join(traceback.format_exception(type(error), error, error.__traceback__))
        append(self.out / FAILURES, f"== {self.part}: {name}\n{trace}\n")
        self.line(f"{name} failed: {type(error).__name__}: {first_line}", failed=name)

    def end(self) -> None:
        """Say that the part has come to its end."""
        self._record({"ended": True, "failed": self.failed})

    def _record(self, record: dict[str, Any]) -> None:
        line = json.dumps({"part": self.part, **record}, default=str)
        append(self.out / RECORDS, line + "\n")

    def _tell(self, text: str) -> None:
        append(self.out / TABLES, f"[{self.part}] {text}\n")
        if self._prints:
            print(text, flush=True)


class OpenTable:
    """A table that grows; each row is on the disk before :meth:`put` returns.

    Args:
        report: that it belongs to.
        title: no other table of the part has it.
        columns: as of a table.
    """

    def __init__(self, report: Report, title: str, columns: Columns) -> None:
        self._report, self._title, self._columns = report, title, columns
        self._rows: dict[tuple[Any, Any], Row] = {}
        report._record({"begun": title, "columns": columns})

    @property
    def rows(self) -> list[Row]:
        """The rows so far."""
        return list(self._rows.values())

    def put(self, row: Row) -> None:
        """Keep a row. One of the same case and mode takes its place, and is not told a second time."""
        is_new = _key(row) not in self._rows
        self._rows[_key(row)] = dict(row)
        self._report._record({"row": dict(row), "of": self._title})
        if is_new:
            self._report._tell(f"{self._title}: {build_line(row, self._columns)}")


def _key(row: Row) -> tuple[Any, Any]:
    return row.get("case"), row.get("mode")


def finish_tables(out: Path, part: str) -> None:
    """Keep the tables that a part has begun and did not live to tell, with the rows that it has left."""
    columns: dict[str, Columns] = {}
    rows: dict[str, dict[tuple[Any, Any], Row]] = {}
    for record in read_records(out, part):
        if "begun" in record:
            columns[record["begun"]], rows[record["begun"]] = record["columns"], {}
        elif record.get("of") in rows:
            rows[record["of"]][_key(record["row"])] = record["row"]
        elif "table" in record:
            rows.pop(record["table"], None)
    for title, left in rows.items():
        if left:
            cut_off = Report(out, part, 0.0, prints=False)
            cut_off.table(f"{title}, cut off", list(left.values()), columns[title])


def append(file: Path, text: str) -> None:
    """Write behind what is in a file, in a line of its own, and have it on the disk."""
    with file.open("ab+") as opened:
        if opened.tell():
            opened.seek(-1, os.SEEK_END)
            if opened.read(1) != b"\n":  # whoever wrote it was ended meanwhile
                opened.write(b"\n")
        opened.write(text.encode())
        opened.flush()
        os.fsync(opened.fileno())


def read_records(out: Path, part: str | None = None) -> list[dict[str, Any]]:
    """Return what was recorded, of one part or of all; a line that was cut off is left out."""
    found: list[dict[str, Any]] = []
    with contextlib.suppress(FileNotFoundError):
        for line in (out / RECORDS).read_text(encoding="utf-8").splitlines():
            with contextlib.suppress(ValueError):
                found.append(json.loads(line))
    return [record for record in found if part is None or record.get("part") == part]


def free_memory() -> None:
    """Give back what nobody holds any more, on the device too."""
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is None:
        return
    with contextlib.suppress(Exception):  # a device that has failed fails here too
        if torch.cuda.is_available():
            torch.cuda.synchronize()
            torch.cuda.empty_cache()
