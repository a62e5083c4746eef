"""Builds the records of a job's parts out of what was counted and timed while it ran."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from zluda_sync.core.phase import BASE, PASS_LABELS
from zluda_sync.core.progress.job import Job
from zluda_sync.core.progress.part import Part
from zluda_sync.core.records.job_record import PartRecord
from zluda_sync.core.records.timed_step import TimedStep
from zluda_sync.core.settings.job_facts import JobFacts


def build_parts(job: Job) -> tuple[PartRecord, ...]:
    """Return the records of everything that the host has begun; takes no time of the thread that queues."""
    begun = [part for part in job.parts if part.began_at_s is not None]
    return tuple(_build_part(part, job.began_at_s) for part in begun)


def build_timed_steps(
    entries: Iterable[tuple[int, float, float]], job_began_at_s: float
) -> tuple[TimedStep, ...]:
    """Return entries of step, clock reading and seconds with their times since the job's begin."""
    return tuple(TimedStep(step, at_s - job_began_at_s, duration_s) for step, at_s, duration_s in entries)


def build_title(facts: JobFacts, parts: Sequence[Part]) -> str:
    """Return in words what a job makes: ``3 images, 512 x 512, hires``.

    Args:
        facts: what was asked for.
        parts: of the job, planned ones too.
    """
    images = (facts.images or 1) * (facts.batch_size or 1)
    words = [f"{images} image{'s' if images != 1 else ''}"]
    if facts.width and facts.height:
        words.append(f"{facts.width} x {facts.height}")
    roles = {part.role for part in parts} - {BASE}
    words += [label.lower() for role, label in PASS_LABELS.items() if role in roles]
    return ", ".join(words)


def _device_began_at_s(part: Part, began_at_s: float, completed: Sequence[float]) -> float:
    """When the device could begin with a part: the host may have gone on with the pass before it, later."""
    if part.queued_behind is None or not completed:
        return began_at_s
    before = part.queued_behind.snapshot().completed_at_s
    return max((at_s for at_s in (began_at_s, *before) if at_s <= completed[0]), default=completed[0])


def _build_part(part: Part, job_began_at_s: float) -> PartRecord:
    """Return the record of a part that was begun."""
    began_at_s, ended_at_s = part.began_at_s or 0.0, part.finished_at_s
    launched: tuple[float, ...] = ()
    completed: tuple[float, ...] = ()
    waits: tuple[TimedStep, ...] = ()
    total = None
    if part.ledger is not None:
        reading = part.ledger.snapshot()
        launched, completed, total = reading.launched_at_s, reading.completed_at_s, reading.total
        waits = build_timed_steps(tuple(part.ledger.waits), job_began_at_s)
    starts_s = (_device_began_at_s(part, began_at_s, completed), *completed)
    return PartRecord(
        phase=part.phase,
        role=part.role,
        image=part.image,
        began_s=began_at_s - job_began_at_s,
        ended_s=None if ended_at_s is None else ended_at_s - job_began_at_s,
        total=total,
        has_compiled=part.has_compiled,
        launched_at_s=tuple(at_s - job_began_at_s for at_s in launched),
        completed_at_s=tuple(at_s - job_began_at_s for at_s in completed),
        step_s=tuple(max(0.0, end_s - start_s) for start_s, end_s in pairwise(starts_s)),
        waits=waits,
    )
