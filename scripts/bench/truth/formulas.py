"""What others' progress formulas would have shown of a recorded job, given the true counts of finished steps.

Each takes a measured job, the number of steps that its request tells, and a time; and returns what would have
stood on the screen then. None of them knows of encoding, decoding or a pass that was not planned.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from bench.truth.figures import SAMPLE_PERIOD_S
from bench.truth.measured_job import MeasuredJob, Sample

TQDM_SMOOTHING = 0.3


@dataclass(frozen=True)
class Shown:
    """A bar of 0 to 1 and an ETA, None where there is none."""

    progress: float
    eta_s: float | None = None


Formula = Callable[[MeasuredJob, int, float], Shown]


def sdnext(job: MeasuredJob, _planned_steps: int, time_s: float) -> Shown:
    """SD.Next's: steps of the phase begun last, in rounded percent; every begin starts it anew."""
    begun_s = [began_s for began_s in job.phases_began_s if began_s <= time_s]
    running = job.latest_pass(time_s)
    if not begun_s or running is None or running.launched_s[0] < begun_s[-1]:
        return Shown(0.0)
    progress = round(min(1.0, running.completed_at(time_s) / len(running.launched_s)), 2)
    return Shown(progress, _extrapolated_s(progress, time_s - begun_s[-1]))


def a1111(job: MeasuredJob, planned_steps: int, time_s: float) -> Shown:
    """A1111's: steps of all planned passes, and the time so far extended in a straight line."""
    progress = min(1.0, job.completed_at(time_s) / planned_steps)
    return Shown(progress, _extrapolated_s(progress, time_s - job.started_s))


def tqdm_ema(job: MeasuredJob, planned_steps: int, time_s: float) -> Shown:
    """tqdm's: steps of all planned passes, at an exponential moving average of the time that one takes.

    Redrawn with each step, as a bar of the loop is: between two steps its ETA stands.
    """
    average_s, weight, previous_s, completed = 0.0, 1.0, job.started_s, 0
    for completed_s in sorted(step_s for one in job.passes for step_s in one.completed_s):
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


def replay(job: MeasuredJob, planned_passes: int, formula: Formula) -> MeasuredJob:
    """Return the job as a client of this formula would have seen it, sampled as often as every other client.

    The planned steps are those of the first passes: what was not planned comes after a picture is decoded.
    """
    planned_steps = sum(len(one.launched_s) for one in job.passes[:planned_passes])
    samples = []
    for tick in range(int(job.total_s / SAMPLE_PERIOD_S) + 1):
        time_s = job.started_s + tick * SAMPLE_PERIOD_S
        shown = formula(job, planned_steps, time_s)
        samples.append(Sample(time_s, time_s, shown.progress, shown.eta_s))
    return replace(job, samples=tuple(samples), previews=())


def _extrapolated_s(progress: float, elapsed_s: float) -> float | None:
    return elapsed_s / progress - elapsed_s if progress > 0 else None
