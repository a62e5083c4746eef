"""Hundreds of jobs of every kind, stopped, switched and broken at random: does anything stay behind."""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.campaign import started_host
from bench.faults import FAULTS
from bench.job import DEPTH_OPTION, ENABLED_OPTION, JobError, JobShape, current_session, run_job, set_mode
from bench.plan import Plan
from bench.record import Sample
from bench.sampler import NO_PREVIEW_WANTED, Poller, find_progress_endpoint
from bench.table import Row, build_table
from bench.terminal_bar import TerminalBar

SEED = 20261125
JOBS, QUICK_JOBS, WARM_UP_JOBS = 500, 25, 40
MODES = ("every-step", "run-ahead", "observe", "off")
SIZES_PX = (64, 96, 128)
SPEED = Plan((), runs=1, step_ms=30, encode_ms=5, decode_ms=40)
#: A silent rung is waited for, two seconds each time: those are the fault table's.
SLOW_FAULTS = ("query never true", "query late by 2", "synchronize hangs", "compiles in the second step")
QUICK_FAULTS = tuple(fault for fault in FAULTS[1:] if fault.name not in SLOW_FAULTS)
#: What the allocators of Python and torch may keep of hundreds of jobs, in MiB.
MEMORY_BOUND_MIB = 40.0
#: Objects of ours that may be alive between two jobs: the newest job's own.
OBJECTS_BOUND = 40
COLUMNS = (
    ("what", "what", ""),
    ("before", "before", ""),
    ("after", "after", ""),
    ("allowed", "allowed", ""),
)


@dataclass(frozen=True)
class Footprint:
    """What is there between two jobs.

    Attributes:
        memory_mib: resident memory, None where the system does not say.
        threads: names of the extension's threads.
        objects: how many of the extension's objects live, by class.
        patched: names that are replaced while the extension acts.
        left: names that are still replaced while it is switched off.
    """

    memory_mib: float | None
    threads: tuple[str, ...]
    objects: Mapping[str, int]
    patched: tuple[str, ...]
    left: tuple[str, ...]


def run_soak(quick: bool) -> int:
    """Run the jobs, print before and after; 0 if nothing stayed behind, else 1."""
    chance = random.Random(SEED)
    jobs = QUICK_JOBS if quick else JOBS
    counts: Counter[str] = Counter()
    bar = TerminalBar()
    with started_host(SPEED) as app:
        try:
            for index in range(WARM_UP_JOBS if not quick else 5):
                bar.show(0.0, f"warming up, job {index + 1}")
                run_random_job(app, chance, Counter())
            before, began_s = take_footprint(), time.perf_counter()
            watched_before_s = watcher_cpu_s()
            for index in range(jobs):
                bar.show(index / jobs, f"job {index + 1}/{jobs}")
                run_random_job(app, chance, counts)
            took_s = time.perf_counter() - began_s
            watched_after_s = watcher_cpu_s()
            after = take_footprint()
            bar.show(1.0, f"{jobs} jobs done")
        finally:
            bar.close()
    print(", ".join(f"{count} {name}" for name, count in sorted(counts.items())))
    print(f"{took_s:.0f} s; watcher: {_share(watched_before_s, watched_after_s, took_s)} of a core\n")
    print(build_table(build_rows(before, after), COLUMNS))
    failures = find_leaks(before, after)
    print("\n" + ("\n".join(failures) if failures else f"nothing stayed behind after {jobs} jobs"))
    return 1 if failures else 0


def run_random_job(app: Any, chance: random.Random, counts: Counter[str]) -> None:
    """Run one job of a random kind, with what a user and a driver may do to it; count what was done."""
    from modules import shared

    shape = JobShape(
        steps=chance.randint(2, 4),
        batches=chance.choice((1, 1, 1, 2)),
        hires=chance.random() < 0.15,
        size_px=chance.choice(SIZES_PX),
    )
    mode = chance.choice(MODES)
    set_mode(mode, depth=chance.randint(1, 3))
    shared.opts.set("zluda_sync_preview", chance.choice(("fitted", "fitted", "host")))
    fault = chance.choice(QUICK_FAULTS) if chance.random() < 0.2 else None
    event = chance.choices(("nothing", "stop", "skip", "switch", "depth"), (60, 15, 5, 10, 10))[0]
    counts.update({"jobs": 1, f"in {mode}": 1, "with a fault": fault is not None, f"with {event}": 1})
    session = current_session()
    if fault is not None:
        session.self_testing.forget()
    with (
        quiet_log(),
        fault.inject() if fault is not None else contextlib.nullcontext(),
        pollers(app, chance.randint(0, 3)),
        contextlib.suppress(JobError),
    ):
        run_job(shape, app=app, on_sample=lambda sample: disturb(event, sample))
    session.self_testing.forget()


def disturb(event: str, sample: Sample) -> None:
    """Do what a user does in the middle of a job."""
    from modules import shared

    if not sample.step:
        return
    if event == "stop":
        shared.state.interrupt()
    elif event == "skip":
        shared.state.skip()
    elif event == "switch":
        shared.opts.set(ENABLED_OPTION, not shared.opts.get(ENABLED_OPTION))
    elif event == "depth":
        shared.opts.set(DEPTH_OPTION, 2)


@contextlib.contextmanager
def pollers(app: Any, count: int) -> Iterator[None]:
    """A context in which so many more clients ask for the progress of whatever runs."""
    from modules.progress import ProgressRequest

    endpoint = find_progress_endpoint(app)

    def ask() -> None:
        endpoint(ProgressRequest(id_task="undefined", id_live_preview=NO_PREVIEW_WANTED + 1))

    clients = [Poller(f"client {index}", ask) for index in range(count)]
    for client in clients:
        client.start()
    try:
        yield
    finally:
        for client in clients:
            client.stop()


@contextlib.contextmanager
def quiet_log() -> Iterator[None]:
    """A context in which the host says nothing: hundreds of jobs would fill the terminal."""
    log = logging.getLogger("sd")
    was_disabled, log.disabled = log.disabled, True
    try:
        yield
    finally:
        log.disabled = was_disabled


def take_footprint() -> Footprint:
    """Return what is there now, between two jobs, and again while the extension is switched off."""
    from modules import shared

    set_mode("observe")
    session = current_session()
    patched = tuple(f"{patch.owner!r:.60}.{patch.name}" for patch in session.patches.patches)
    names = {(patch.owner, patch.name) for patch in session.patches.patches if isinstance(patch.owner, type)}
    shared.opts.set(ENABLED_OPTION, False)
    left = tuple(
        name for owner, name in names if type(vars(owner).get(name)).__module__.startswith("zluda_sync")
    )
    left += tuple(patch.name for patch in session.patches.patches)
    shared.opts.set(ENABLED_OPTION, True)
    for _ in range(3):
        gc.collect()
    living = Counter(
        type(one).__name__
        for one in gc.get_objects()
        if type(one).__module__.startswith(("zluda_sync.core", "zluda_sync.device", "zluda_sync.host"))
        and type(one).__name__ in JOB_CLASSES
    )
    return Footprint(memory_mib(), extension_threads(), dict(living), patched, left)


#: Classes of which each job makes some.
JOB_CLASSES = frozenset(
    (
        *("TrackedJob", "TrackedPass", "Ledger", "Part", "JobPreviews", "StepBarrier", "Ladder", "StepMarks"),
        *("ExitPoints", "Control", "JobWishes", "StepFrame", "_EventCopy", "_ThreadCopy", "BlockingCall"),
    )
)


def extension_threads(limit_s: float = 3.0) -> tuple[str, ...]:
    """Return the names of the extension's threads, once those that are about to end have ended."""
    deadline_s = time.perf_counter() + limit_s
    while True:
        names = sorted(one.name for one in threading.enumerate() if one.name.startswith("zluda_sync"))
        if len(names) == len(set(names)) or time.perf_counter() > deadline_s:
            return tuple(names)
        time.sleep(0.02)


def watcher_cpu_s() -> float | None:
    """Return what the watcher's thread has computed so far, None where the system does not tell."""
    for thread in threading.enumerate():
        if thread.name == "zluda_sync-watcher" and thread.ident is not None:
            with contextlib.suppress(AttributeError, OSError):
                return time.clock_gettime(time.pthread_getcpuclockid(thread.ident))
    return None


def memory_mib() -> float | None:
    """Return the resident memory of this process, None where the system does not say."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
    return None


def build_rows(before: Footprint, after: Footprint) -> list[Row]:
    """Return the lines of the table."""
    return [
        {
            "what": "memory, MiB",
            "before": _number(before.memory_mib),
            "after": _number(after.memory_mib),
            "allowed": f"+{MEMORY_BOUND_MIB:.0f}",
        },
        {
            "what": "threads",
            "before": str(len(before.threads)),
            "after": str(len(after.threads)),
            "allowed": "one of a kind",
        },
        {
            "what": "objects of jobs",
            "before": str(sum(before.objects.values())),
            "after": str(sum(after.objects.values())),
            "allowed": f"+{OBJECTS_BOUND}",
        },
        {
            "what": "names replaced",
            "before": str(len(before.patched)),
            "after": str(len(after.patched)),
            "allowed": "the same",
        },
        {
            "what": "names replaced when off",
            "before": str(len(before.left)),
            "after": str(len(after.left)),
            "allowed": "0",
        },
    ]


def find_leaks(before: Footprint, after: Footprint) -> list[str]:
    """Return a line for each thing that stayed behind."""
    lines = []
    if before.memory_mib is not None and after.memory_mib is not None:
        grown_mib = after.memory_mib - before.memory_mib
        if grown_mib > MEMORY_BOUND_MIB:
            lines.append(f"memory grew by {grown_mib:.0f} MiB")
    doubled = [name for name, count in Counter(after.threads).items() if count > 1]
    if doubled:
        lines.append(f"threads left: {', '.join(doubled)}")
    for name, count in after.objects.items():
        if count > before.objects.get(name, 0) + OBJECTS_BOUND:
            lines.append(f"{count} objects of class {name} are left")
    if sorted(after.patched) != sorted(before.patched):
        lines.append("other names are replaced than at the beginning")
    if after.left:
        lines.append(f"still replaced when off: {', '.join(after.left)}")
    return lines


def _share(before_s: float | None, after_s: float | None, took_s: float) -> str:
    if before_s is None or after_s is None or after_s < before_s:
        return "unknown"  # the thread is another one now
    return f"{(after_s - before_s) / took_s:.2%}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f}"
