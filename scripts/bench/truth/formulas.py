"""What others' progress formulas would have shown of a recorded job, given the true counts of finished steps.

Each takes a job's record, the number of steps that its request tells, and a time; and returns what would have
stood on the screen then. None of them knows of encoding, decoding or a pass that was not planned.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from bench.truth.figures import SAMPLE_PERIOD_S
from bench.truth.record import JobRecord, Sample

TQDM_SMOOTHING = 0.3


@dataclass(frozen=True)
class Shown:
    """A bar of 0 to 1 and an ETA, None where there is none."""

    progress: float
    eta_s: float | None = None


Formula = Callable[[JobRecord, int, float], Shown]


def sdnext(record: JobRecord, _planned_steps: int, time_s: float) -> Shown:
    """SD.Next's: steps of the phase begun last, in rounded percent; every begin starts it anew."""
    begun_s = [began_s for began_s in record.phases_began_s if began_s <= time_s]
    running = record.latest_pass(time_s)
    if not begun_s or running is None or running.launched_s[0] < begun_s[-1]:
        return Shown(0.0)
    progress = round(min(1.0, running.completed_at(time_s) / len(running.launched_s)), 2)
    return Shown(progress, _extrapolated_s(progress, time_s - begun_s[-1]))


def a1111(record: JobRecord, planned_steps: int, time_s: float) -> Shown:
    """A1111's: steps of all planned passes, and the time so far extended in a straight line."""
    progress = min(1.0, record.completed_at(time_s) / planned_steps)
    return Shown(progress, _extrapolated_s(progress, time_s - record.started_s))


def tqdm_ema(record: JobRecord, planned_steps: int, time_s: float) -> Shown:
    """tqdm's: steps of all planned passes, at an exponential moving average of the time that one takes.

    Redrawn with each step, as a bar of the loop is: between two steps its ETA stands.
    """
    average_s, weight, previous_s, completed = 0.0, 1.0, record.started_s, 0
    for completed_s in sorted(step_s for one in record.passes for step_s in one.completed_s):
        if completed_s > time_s:
            break
        average_s += TQDM_SMOOTHING * (completed_s - previous_s - average_s)
        weight *= 1 - TQDM_SMOOTHING
        previous_s = completed_s
        completed += 1
    if not completed:
        return Shown(0.0)
    remaining = max(planned_steps - completed, 0)
    return Shown(min(1.0, completed / planned_steps), remaining * average_s / (1 - weight))


FORMULAS: dict[str, Formula] = {
    "SD.Next's formula": sdnext,
    "A1111's formula": a1111,
    "tqdm's EMA": tqdm_ema,
}


def replay(record: JobRecord, planned_passes: int, formula: Formula) -> JobRecord:
    """Return the job as a client of this formula would have seen it, sampled as often as every other client.

    The planned steps are those of the first passes: what was not planned comes after a picture is decoded.
    """
    planned_steps = sum(len(one.launched_s) for one in record.passes[:planned_passes])
    samples = []
    for tick in range(int(record.total_s / SAMPLE_PERIOD_S) + 1):
        time_s = record.started_s + tick * SAMPLE_PERIOD_S
        shown = formula(record, planned_steps, time_s)
        samples.append(Sample(time_s, time_s, shown.progress, shown.eta_s))
    return replace(record, samples=tuple(samples), previews=())


def _extrapolated_s(progress: float, elapsed_s: float) -> float | None:
    return elapsed_s / progress - elapsed_s if progress > 0 else None
