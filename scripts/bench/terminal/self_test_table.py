"""A self-test's report as text."""

from __future__ import annotations

from typing import Any

from bench.terminal.table import Row, build_table

COLUMNS = (
    ("rung", "rung", ""),
    ("verdict", "verdict", ""),
    ("wait_share", "report at, of the work", ".2f"),
    ("residual_ms", "work left ms", ".2f"),
    ("cost_us", "cost us a step", ".0f"),
    ("reason", "reason", ""),
)
_VERDICTS = {True: "truthful", False: "LIES OR FAILS", None: "not tried"}


def build_self_test_table(report: Any) -> str:
    """Return the ladder with its figures, and below it what else was found."""
    rows: list[Row] = [
        {
            "rung": rung.name,
            "verdict": _VERDICTS[rung.is_truthful],
            "wait_share": rung.wait_share,
            "residual_ms": _scaled(rung.residual_s, 1e3),
            "cost_us": _scaled(rung.cost_s, 1e6),
            "reason": rung.reason,
        }
        for rung in report.rungs
    ]
    lines = [build_table(rows, COLUMNS), ""] if rows else []
    lines.append(f"work {_ms(report.work_s)}, queued in {_ms(report.queued_s)}")
    if report.probe_total_s is not None:
        held = (
            f"held back at launch {report.blocking_launch}" if report.blocking_launch else "never held back"
        )
        lines.append(
            f"{report.probe_launches} launches behind busy work queued in {_ms(report.probe_queued_s)} of "
            f"{_ms(report.probe_total_s)}: {held}; runs ahead: {report.runs_ahead}"
        )
    if report.frees_interpreter is not None:
        lines.append(f"a wait on another thread lets Python run: {report.frees_interpreter}")
    if report.event_time_error is not None:
        lines.append(f"event.elapsed_time is off by {report.event_time_error:.1%}")
    lines.append(f"took {report.duration_s:.1f} s")
    return "\n".join(lines)


def _scaled(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor


def _ms(value_s: float | None) -> str:
    return "-" if value_s is None else f"{1e3 * value_s:.1f} ms"
