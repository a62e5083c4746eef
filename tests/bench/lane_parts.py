"""Parts of the lane that do what parts must not do."""

from __future__ import annotations

import os
import signal
import threading
from typing import Any

COLUMNS = (("case", "case", ""), ("leads", "lead", "d"))


def keep_one(report: Any) -> None:
    """Keep a table, as a part should."""
    report.table("kept", [{"case": report.part, "leads": 0}], COLUMNS)


def hang(report: Any) -> None:
    """Keep a table, and come to no end."""
    keep_one(report)
    threading.Event().wait()


def die(report: Any) -> None:
    """Keep a table, and end as a process does that the driver or the system has killed."""
    keep_one(report)
    os.kill(os.getpid(), signal.SIGKILL)


def raise_error(report: Any) -> None:
    """Keep a table, and fail outside of every case."""
    keep_one(report)
    raise RuntimeError("no such card")


def fail_one_case(report: Any) -> None:
    """Fail in one of two cases."""
    with report.case("the first"):
        raise RuntimeError("out of luck")
    with report.case("the second"):
        keep_one(report)


def run_short_of_time(report: Any) -> None:
    """Have too little time for one of two cases."""
    with report.case("the first"):
        report.need(1000.0)
        raise AssertionError("it must not be begun")
    with report.case("the second"):
        report.need(0.1)
        keep_one(report)


def hang_in_a_table(report: Any) -> None:
    """Keep two rows of a table, one of them refined, and come to no end."""
    with report.rows("growing", COLUMNS) as rows:
        rows.put({"case": "one", "mode": "a", "leads": 0})
        rows.put({"case": "two", "mode": "a", "leads": 0})
        rows.put({"case": "one", "mode": "a", "leads": 3})
        threading.Event().wait()


def fail_in_a_table(report: Any) -> None:
    """Fail in one of three rows, each of which is a case, and then outside of every case."""
    with report.rows("growing", COLUMNS) as rows:
        for name in ("one", "two", "three"):
            with report.case(name, keeps_memory=True):
                if name == "two":
                    raise RuntimeError("out of luck")
                rows.put({"case": name, "leads": 0})
        raise RuntimeError("no such card")


def lead(report: Any) -> None:
    """Tell of a step that was reported too early."""
    report.table("early", [{"case": "early", "leads": 1}], COLUMNS)
