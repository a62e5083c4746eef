"""Cards of every kind: whether the extension acts on them unasked, why, and what comes of a job there."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bench.host.job import (
    DEPTH_OPTION,
    ENABLED_OPTION,
    GATE_OPTION,
    MODE_OPTION,
    PROFILE_BY_SETTINGS,
    PROFILE_OPTION,
    FinishedJob,
    WantedJob,
    current_session,
    run_job,
)
from bench.host.presented import CARDS, Presented, presented
from bench.host.started import Speed, started_host
from bench.terminal.bar import TerminalBar
from bench.terminal.table import Row, build_table
from bench.truth.figures import build_figures

WANTED, QUICK = WantedJob(steps=20), WantedJob(steps=12)
SPEED = Speed(step_ms=100, encode_ms=40, decode_ms=200)
#: Jobs on each card: the first may show that it runs ahead, the last is measured.
JOBS = 2
BAR_ERROR, STEP_ERROR = 0.05, 1
COLUMNS = (
    ("card", "card", ""),
    ("backend", "backend", ""),
    ("before", "first job", ""),
    ("acts", "second job", ""),
    ("mode", "mode", ""),
    ("patches", "patches", "d"),
    ("host_syncs", "SD.Next's syncs", "d"),
    ("stalls", "launches held up", "d"),
    ("bar_error_mean", "bar error", ".3f"),
    ("step_error_max", "step error", "d"),
    ("lead_samples", "lead", "d"),
    ("why", "why", ""),
)


def run_device_campaign(quick: bool) -> int:
    """Measure and print the table; 0 if every card is treated as it should be, else 1."""
    bar = TerminalBar()
    rows: list[Row] = []
    with started_host(SPEED) as app:
        try:
            for index, card in enumerate(CARDS):
                bar.show(index / len(CARDS), card.title)
                rows.append(measure_card(card, QUICK if quick else WANTED, app))
            bar.show(1.0, "done")
        finally:
            bar.close()
    print(build_table(rows, COLUMNS))
    misses = find_misses(rows)
    print("\n" + ("\n".join(misses) if misses else f"all of {len(rows)} cards are treated as they should be"))
    return 1 if misses else 0


def measure_card(card: Presented, wanted: WantedJob, app: Any) -> Row:
    """Return the row of one card: as somebody finds it who has installed the extension and set nothing."""
    session = current_session()
    with presented(card) as stalls:
        _begin_anew(card)
        session.self_testing.run_now()
        stalls.launches.clear()  # of the self-test: nothing else is queued beside it
        acted_in = [_run_watched(wanted, app) for _ in range(JOBS - 1)]
        with counted_syncs() as syncs:
            acted, job = _run_watched(wanted, app)
        accelerator = session._acting.find_accelerator()
        settings = session.profile_choice.settings
        decision = session._acting.decide(settings, accelerator)
        figures = build_figures(job.measured)

        return {
            "card": card.title,
            "backend": card.backend,
            "runs_ahead": card.runs_ahead,
            "before": _word(acted_in[0][0]),
            "acts": _word(acted),
            "mode": session._acting.policy(settings, accelerator).mode.value if acted else "-",
            "patches": len(session.patches.patches),
            "host_syncs": syncs[0],
            "stalls": len(stalls.launches),
            "why": decision.why,
            **{name: figures[name] for name in ("bar_error_mean", "step_error_max", "lead_samples")},
        }


def _run_watched(wanted: WantedJob, app: Any) -> tuple[bool, FinishedJob]:
    """Run a job; return whether the extension acted in it all the time, and the job."""
    session = current_session()
    acted: list[bool] = []
    job = run_job(wanted, app=app, on_sample=lambda sample: acted.append(session.is_acting))
    return all(acted), job


def _word(acted: bool) -> str:
    return "acts" if acted else "watches"


def find_misses(rows: list[Row]) -> list[str]:
    """Return one line for each card that is not treated as it should be."""
    misses = []
    for row in rows:
        what = [f"it {row['acts']}"] if (row["acts"] == "acts") is not row["runs_ahead"] else []
        if bool(row["patches"]) is not row["runs_ahead"]:
            what.append(f"{row['patches']} names of the host are replaced")
        if row["acts"] == "acts":
            what += [f"SD.Next has waited {row['host_syncs']} times by itself"] if row["host_syncs"] else []
            what += [] if _is_true(row) else ["the bar is not true"]
        what += [f"{row['stalls']} launches were held up"] if row["stalls"] else []
        misses += [f"missed: {row['card']}: {one}" for one in what]
    return misses


def _is_true(row: Row) -> bool:
    limits = {"bar_error_mean": BAR_ERROR, "step_error_max": STEP_ERROR, "lead_samples": 0}
    values = ((row[name], limit) for name, limit in limits.items())
    return all(isinstance(value, (int, float)) and value <= limit for value, limit in values)


def _begin_anew(card: Presented) -> None:
    """Set nothing, know nothing: as after installing."""
    from modules import shared

    session = current_session()
    defaults = {GATE_OPTION: "auto", MODE_OPTION: "auto", DEPTH_OPTION: 1, "torch_sync": card.host_syncs}
    for name, value in {**defaults, PROFILE_OPTION: PROFILE_BY_SETTINGS, ENABLED_OPTION: True}.items():
        shared.opts.set(name, value)
    session.self_testing.book.forget()
    session._lessons.sightings._steps = {}
    session.reconcile()


@contextmanager
def counted_syncs() -> Iterator[list[int]]:
    """A context that counts how often the host's own callback synchronizes."""
    from modules.emulated_device import runtime

    synchronize, counted = runtime.synchronize, [0]

    def count(*args: Any) -> None:
        caller = sys._getframe(1).f_globals.get("__name__", "")
        counted[0] += caller == "modules.processing_callbacks"
        synchronize(*args)

    runtime.synchronize = count
    try:
        yield counted
    finally:
        runtime.synchronize = synchronize
