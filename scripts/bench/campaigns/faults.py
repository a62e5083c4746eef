"""Every fault in every mode: is the picture the same, is the bar true, does anything hang."""

from __future__ import annotations

import contextlib
import importlib
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bench.host.faults import FAULTS, Fault
from bench.host.job import (
    ENABLED_OPTION,
    FinishedJob,
    JobError,
    WantedJob,
    current_session,
    run_job,
    set_mode,
)
from bench.host.started import Speed, started_host
from bench.terminal.bar import TerminalBar
from bench.terminal.table import Row, build_table
from bench.truth.figures import build_figures
from bench.truth.measured_job import Sample
from zluda_sync.core.records.self_test_report import SYNCHRONIZE_RUNGS

MODES = ("every-step", "run-ahead", "observe")
WANTED = WantedJob(steps=8)
SPEED = Speed(step_ms=80, encode_ms=40, decode_ms=160)
#: No wait may be longer, in seconds: patience with a silent rung and its proof.
LONGEST_WAIT_S = 5.0
COLUMNS = (
    ("fault", "fault", ""),
    ("mode", "mode", ""),
    ("picture", "picture", ""),
    ("bar", "bar", ""),
    ("lead_samples", "lead", "d"),
    ("step_error_max", "step error", "d"),
    ("bar_error_mean", "bar error", ".3f"),
    ("longest_wait_s", "longest wait s", ".2f"),
    ("log_lines", "log lines", "d"),
    ("threads", "threads left", "d"),
    ("rung", "rung at the end", ""),
)
SELF_TEST_COLUMNS = (
    ("fault", "fault", ""),
    ("mode", "auto is", ""),
    ("event_rung", "event rung", ""),
    ("synchronize_rungs", "synchronize rungs", ""),
    ("duration_s", "s", ".1f"),
)


@dataclass
class Seen:
    """What a job did to its host."""

    longest_wait_s: float = 0.0
    rung: str | None = None
    log_lines: int = 0


def run_fault_campaign(quick: bool) -> int:
    """Inject every fault in every mode, print the table; 0 if everything held, else 1."""
    faults = FAULTS[:6] if quick else FAULTS
    rows: list[Row] = []
    self_tests: list[Row] = []
    bar = TerminalBar()
    with started_host(SPEED) as app:
        reference = _run(app, "off")
        cases = [(fault, mode) for fault in faults for mode in MODES]
        try:
            for index, (fault, mode) in enumerate(cases):
                bar.show(index / len(cases), f"{index + 1}/{len(cases)}: {fault.name}, {mode}")
                rows.append(run_fault(app, fault, mode, reference.image_sha256))
            for name, before in (("after a Stop", stop), ("after a switch-off", switch_off)):
                rows += [run_after(app, name, mode, before, reference.image_sha256) for mode in MODES]
            bar.show(1.0, f"{len(cases)} faults injected")
            if not quick:
                self_tests = [test_under(fault) for fault in faults if fault.is_of_device]
        finally:
            bar.close()
    print(build_table(rows, COLUMNS))
    if self_tests:
        print("\nwhat the self-test makes of the device's faults:")
        print(build_table(self_tests, SELF_TEST_COLUMNS))
    failures = find_failures(rows)
    print("\n" + ("\n".join(failures) if failures else f"all of {len(rows)} jobs held"))
    return 1 if failures else 0


def run_fault(app: Any, fault: Fault, mode: str, reference_sha256: str) -> Row:
    """Return the row of one job under one fault. No self-test has warned of it."""
    session = current_session()
    session.self_testing.book.forget()
    session._log._told._all.clear()  # each job's own lines count
    threads_before = _count_threads()
    with fault.inject(), watching_barrier() as seen:
        job = _run(app, mode)
    return _build_row(fault.name, mode, job, reference_sha256, seen, threads_before)


def run_after(app: Any, name: str, mode: str, before: Callable[[Sample], None], reference_sha256: str) -> Row:
    """Return the row of a job that follows one which ended badly, with steps still queued."""
    set_mode(mode)
    with contextlib.suppress(JobError):
        run_job(WANTED, app=app, on_sample=before)
    threads_before = _count_threads()
    with watching_barrier() as seen:
        job = _run(app, mode)
    return _build_row(name, mode, job, reference_sha256, seen, threads_before)


def stop(sample: Sample) -> None:
    """Press Stop in the middle of the job."""
    from modules import shared

    if sample.step and sample.step >= 2:
        shared.state.interrupt()


def switch_off(sample: Sample) -> None:
    """Uncheck the extension's box in the middle of the job."""
    from modules import shared

    if sample.step and sample.step >= 2:
        shared.opts.set(ENABLED_OPTION, False)


def test_under(fault: Fault) -> Row:
    """Return what the self-test finds while a fault is there."""
    session = current_session()
    session.self_testing.book.forget()
    with fault.inject():
        report = session.self_testing.run_now()
    return {
        "fault": fault.name,
        "mode": report.mode.value,
        "event_rung": report.event_rung or "-",
        "synchronize_rungs": ", ".join(report.usable(SYNCHRONIZE_RUNGS)) or "-",
        "duration_s": report.duration_s,
    }


def find_failures(rows: Sequence[Row]) -> list[str]:
    """Return a line for each job that did not survive its fault."""
    lines = []
    for row in rows:
        faults = {
            "another picture": row["picture"] != "same",
            "the bar was not true": row["bar"] != "true",
            "a wait was too long": float(row["longest_wait_s"] or 0) > LONGEST_WAIT_S,
            "more than one line in the log": int(row["log_lines"] or 0) > 1,
            "a thread is left": int(row["threads"] or 0) > 0,
        }
        lines += [f"{row['fault']}, {row['mode']}: {fault}" for fault, is_so in faults.items() if is_so]
    return lines


@contextlib.contextmanager
def watching_barrier() -> Iterator[Seen]:
    """A context in which each pass of the step barrier is timed, and the extension's warnings are counted."""
    barrier: Any = importlib.import_module("zluda_sync.device.steps.barrier")
    pass_step = barrier.StepBarrier.pass_step
    seen = Seen()

    def timed(self: Any, *args: Any) -> Any:
        began_s = time.perf_counter()
        try:
            return pass_step(self, *args)
        finally:
            seen.longest_wait_s = max(seen.longest_wait_s, time.perf_counter() - began_s)
            seen.rung = self.rung_name

    class Counter(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            seen.log_lines += record.levelno >= logging.WARNING and "ZLUDA Sync" in record.getMessage()

    counter = Counter()
    log = logging.getLogger("sd")
    log.addHandler(counter)
    barrier.StepBarrier.pass_step = timed
    try:
        yield seen
    finally:
        barrier.StepBarrier.pass_step = pass_step
        log.removeHandler(counter)


def _run(app: Any, mode: str) -> FinishedJob:
    set_mode(mode)
    return run_job(WANTED, app=app)


def _build_row(
    name: str, mode: str, job: FinishedJob, reference_sha256: str, seen: Seen, threads_before: int
) -> Row:
    figures = build_figures(job.measured)
    is_true = not (figures["lead_samples"] or figures["falls"] or figures["early_full_s"])
    return {
        **figures,
        "fault": name,
        "mode": mode,
        "picture": "same" if job.image_sha256 == reference_sha256 else "OTHER",
        "bar": "true" if is_true else "FALSE",
        "longest_wait_s": seen.longest_wait_s,
        "log_lines": seen.log_lines,
        "threads": max(0, _count_threads() - max(threads_before, PERMANENT_THREADS)),
        "rung": seen.rung or "-",
    }


#: The watcher and the thread for waits stay from job to job.
PERMANENT_THREADS = 2


def _count_threads(limit_s: float = 2.0) -> int:
    """Return how many threads of the extension live, once those that are about to end have ended."""
    deadline_s = time.perf_counter() + limit_s
    while True:
        count = sum(thread.name.startswith("zluda_sync") for thread in threading.enumerate())
        if count <= PERMANENT_THREADS or time.perf_counter() > deadline_s:
            return count
        time.sleep(0.02)
