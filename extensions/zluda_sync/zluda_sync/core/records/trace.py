"""A job's record in Chrome's trace event format, which Perfetto (ui.perfetto.dev) and chrome://tracing show.

Source: "Trace Event Format" of the Chromium project. Times are whole microseconds since the job's begin.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from zluda_sync.core.phase import Phase
from zluda_sync.core.records.job_answers import summarize_job
from zluda_sync.core.records.job_record import JobRecord
from zluda_sync.core.records.part_record import PartRecord

Event = dict[str, Any]
#: A piece of work: when it ended, its name, when it can have begun at the earliest, and what to tell of it.
_Work = tuple[float, str, float, dict[str, Any]]

PROCESS_ID = 1
HOST, DEVICE, PHASES, PREVIEWS, CELLS = 1, 2, 3, 4, 5
_TRACKS = {
    HOST: "host: launches and waits",
    DEVICE: "device: steps and decode",
    PHASES: "phases",
    PREVIEWS: "previews",
    CELLS: "cells",
}
#: Phases without steps in which the device is busy with one piece of work.
_DEVICE_PHASES = frozenset({Phase.ENCODE, Phase.DECODE})


def build_chrome_trace(record: JobRecord) -> dict[str, Any]:
    """Return a job as a tree that is ready to be written as JSON.

    One process with a track each for what the host does, what the device does, the phases, the previews, and
    the cells of a request that has several; a
    counter with the steps that are queued and not finished; and the moment of a Stop.
    """
    events = [
        *_metadata(record),
        *_cells(record),
        *_phases(record),
        *_host(record),
        *_device(record),
        *_previews(record),
        *_run_ahead(record),
        *_stop(record),
    ]
    return {"displayTimeUnit": "ms", "traceEvents": events, "otherData": asdict(summarize_job(record))}


def _metadata(record: JobRecord) -> Iterator[Event]:
    yield _named("process_name", {"name": f"job {record.id}: {record.title}"}, 0)
    for track, name in _TRACKS.items():
        if track == CELLS and not record.cells:
            continue
        yield _named("thread_name", {"name": name}, track)
        yield _named("thread_sort_index", {"sort_index": track}, track)


def _cells(record: JobRecord) -> Iterator[Event]:
    for number, (began_s, ended_s) in enumerate(record.cells, 1):
        until_s = max(began_s, record.duration_s or 0.0) if ended_s is None else ended_s
        yield _slice(CELLS, f"cell {number}", began_s, until_s, {"cell": number})


def _phases(record: JobRecord) -> Iterator[Event]:
    """The phases as the device goes through them: one ends before the next begins."""
    free_s = 0.0
    for part in record.parts:
        began_s = max(part.began_s, free_s)
        free_s = max(began_s, _end_of(part, record))
        details = {"role": part.role, "image": part.image + 1, "has_compiled": part.has_compiled}
        if record.cells:
            details["cell"] = part.cell + 1
        yield _slice(PHASES, part.label, began_s, free_s, details)


def _host(record: JobRecord) -> Iterator[Event]:
    """What the host did, in the order of time: it may come back to a pass that it had left."""
    done: list[_Work] = []
    for part in record.parts:
        # Of one moment the wait comes first: what was waited for is queued after it.
        for wait in part.waits:
            ended_s = wait.began_s + wait.duration_s
            done.append((ended_s, "wait", wait.began_s, {"after_step": wait.step}))
        for step, launched_s in enumerate(part.launched_at_s):
            done.append((launched_s, f"launch {step}", part.began_s, {"step": step}))
    yield from _row(HOST, done)


def _device(record: JobRecord) -> Iterator[Event]:
    done: list[_Work] = []
    for part in record.parts:
        if part.phase in _DEVICE_PHASES:
            done.append((_end_of(part, record), part.label, part.began_s, {"image": part.image + 1}))
        outliers = set(part.outliers)
        for step, (completed_s, step_s) in enumerate(zip(part.completed_at_s, part.step_s, strict=True)):
            details = {"step": step, "step_s": round(step_s, 6), "is_outlier": step in outliers}
            done.append((completed_s, f"{part.label} {step}", completed_s - step_s, details))
    yield from _row(DEVICE, done)


def _row(track: int, done: list[_Work]) -> Iterator[Event]:
    """Pieces of work one after the other: none begins before the one before it has ended."""
    free_s = 0.0
    for ended_s, name, began_s, details in sorted(done, key=lambda one: one[0]):
        from_s, free_s = max(began_s, free_s), max(ended_s, free_s)
        yield _slice(track, name, from_s, free_s, details)


def _previews(record: JobRecord) -> Iterator[Event]:
    for preview in record.previews:
        ended_s = preview.began_s + preview.duration_s
        yield _slice(PREVIEWS, f"preview {preview.step}", preview.began_s, ended_s, {"step": preview.step})


def _run_ahead(record: JobRecord) -> Iterator[Event]:
    launches = [(at_s, 1) for part in record.parts for at_s in part.launched_at_s]
    completions = [(at_s, -1) for part in record.parts for at_s in part.completed_at_s]
    # Of one moment the launch comes first: nothing is finished that was not queued.
    steps = 0
    for at_s, change in sorted(launches + completions, key=lambda one: (one[0], -one[1])):
        steps += change
        yield {
            "ph": "C",
            "name": "run-ahead",
            "pid": PROCESS_ID,
            "tid": HOST,
            "ts": _microseconds(at_s),
            "args": {"steps": steps},
        }


def _stop(record: JobRecord) -> Iterator[Event]:
    stop = record.stop
    if stop is None:
        return
    pressed_s = max(0.0, (record.duration_s or 0.0) - stop.ended_s)
    details = {"queued_steps": stop.queued_steps, "launched_steps": stop.launched_steps}
    yield _instant("Stop pressed", pressed_s, details)
    if stop.acknowledged_s is not None:
        yield _instant("Stop acknowledged", pressed_s + stop.acknowledged_s, {})


def _end_of(part: PartRecord, record: JobRecord) -> float:
    return (record.duration_s or 0.0) if part.ended_s is None else part.ended_s


def _named(what: str, arguments: dict[str, Any], track: int) -> Event:
    return {"ph": "M", "name": what, "pid": PROCESS_ID, "tid": track, "args": arguments}


def _slice(track: int, name: str, began_s: float, ended_s: float, arguments: dict[str, Any]) -> Event:
    # Both ends are rounded, not the duration: neighbours touch and never overlap.
    began, ended = _microseconds(began_s), _microseconds(ended_s)
    return {
        "ph": "X",
        "name": name,
        "cat": "zluda_sync",
        "pid": PROCESS_ID,
        "tid": track,
        "ts": began,
        "dur": max(0, ended - began),
        "args": arguments,
    }


def _instant(name: str, at_s: float, arguments: dict[str, Any]) -> Event:
    return {
        "ph": "i",
        "name": name,
        "cat": "zluda_sync",
        "s": "p",
        "pid": PROCESS_ID,
        "tid": HOST,
        "ts": _microseconds(at_s),
        "args": arguments,
    }


def _microseconds(seconds: float) -> int:
    return max(0, round(seconds * 1e6))
