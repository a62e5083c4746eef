"""The record of a request of many cells: those of its cells, one after the other, as one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from statistics import median

from zluda_sync.core.records.job_record import Bar, ImageCount, JobRecord, JobTotals, Outcome, Span
from zluda_sync.core.records.part_record import PartRecord, TimedStep

#: Parts with their steps that are kept of a request, the newest; of all cells begin and end are.
MOST_PARTS, MOST_STEPS = 600, 10_000
#: Previews that are kept of it, the newest.
MOST_PREVIEWS = 1_000
#: Samples of the bar that are kept of it.
MOST_SAMPLES = 1_000
#: The bar of SD.Next is kept up to so many changes, the newest.
MOST_CHANGES = 4_000
#: How a request has ended, of two ways in which its cells have: the first that is found here.
_OUTCOMES = (Outcome.RUNNING, Outcome.STOPPED, Outcome.FAILED, Outcome.SKIPPED, Outcome.FINISHED)
#: How one has ended of which every cell was begun.
_CAME_TO_ITS_END = (Outcome.SKIPPED, Outcome.FINISHED)


def join_cells(before: JobRecord, cell: JobRecord, began_s: float, spans: Sequence[Span]) -> JobRecord:
    """Return the record of a request with one more cell.

    Its size is bounded, however many cells there are; its figures are those of all of them.

    Args:
        before: of the cells until now.
        cell: of the one that follows, with times since its own begin.
        began_s: when that began, since the begin of the request.
        spans: begin and end of each cell.
    """
    parts = (*before.parts, *(_shift_part(part, began_s) for part in cell.parts))
    previews = (*before.previews, *(_shift(one, began_s) for one in cell.previews))
    stock = (*before.stock_bar, *((at_s + began_s, value) for at_s, value in cell.stock_bar))
    return replace(
        before,
        duration_s=began_s + (cell.duration_s or 0.0),
        outcome=min(before.outcome, cell.outcome, key=_OUTCOMES.index),
        rung=cell.rung or before.rung,
        parts=_newest(parts),
        previews=previews[-MOST_PREVIEWS:],
        bar=_thin((*before.bar, *(one for one in cell.bar if not before.bar or one[0] > before.bar[-1][0]))),
        stock_bar=stock[-MOST_CHANGES:],
        stop=cell.stop or before.stop,
        notice=before.notice or cell.notice,
        totals=_add_up(before, cell),
        cells=tuple(spans),
        images=_add_images(before.images, cell.images),
    )


def count_only_known(record: JobRecord, was_stopped: bool) -> JobRecord:
    """Return the record of a request of many cells without counts of images that not all cells had a part in.

    How many the cells would have made that were not begun, or are to come, nobody knows for certain.

    Args:
        record: of the request.
        was_stopped: whether the user has stopped it, be it between two cells, each of which is whole.
    """
    is_known = record.outcome in _CAME_TO_ITS_END and not was_stopped
    return record if is_known else replace(record, images=None)


def _add_images(before: ImageCount | None, cell: ImageCount | None) -> ImageCount | None:
    return before + cell if before is not None and cell is not None else None


def _add_up(before: JobRecord, cell: JobRecord) -> JobTotals:
    steps_s = [one for one in (before.median_step_s, cell.median_step_s) if one is not None]
    counts = [max(1, one.steps) for one in (before, cell) if one.median_step_s is not None]
    # Of hundreds of cells not every step is kept: the medians are weighed by what they stand for.
    mean_s = sum(s * n for s, n in zip(steps_s, counts, strict=True)) / sum(counts) if counts else None
    is_all_kept = before.totals is None and cell.totals is None
    if is_all_kept:
        all_s = [step_s for one in (before, cell) for part in one.parts for step_s in part.step_s[1:]]
        mean_s = median(all_s) if all_s else None
    return JobTotals(
        steps=before.steps + cell.steps,
        median_step_s=mean_s,
        compile_s=before.compile_s + cell.compile_s,
        wait_s=before.wait_s + cell.wait_s,
        preview_s=before.preview_s + cell.preview_s,
        previews=before.preview_count + cell.preview_count,
    )


def _thin(bar: Bar) -> Bar:
    """Return every other sample of a bar that has become long, the newest among them."""
    return bar if len(bar) <= MOST_SAMPLES else tuple(reversed(bar[::-1][::2]))


def _newest(parts: Sequence[PartRecord]) -> tuple[PartRecord, ...]:
    kept: list[PartRecord] = []
    steps = 0
    for part in reversed(parts[-MOST_PARTS:]):
        steps += len(part.completed_at_s)
        if steps > MOST_STEPS and kept:
            break
        kept.append(part)
    return tuple(reversed(kept))


def _shift_part(part: PartRecord, by_s: float) -> PartRecord:
    return replace(
        part,
        began_s=part.began_s + by_s,
        ended_s=None if part.ended_s is None else part.ended_s + by_s,
        launched_at_s=tuple(at_s + by_s for at_s in part.launched_at_s),
        completed_at_s=tuple(at_s + by_s for at_s in part.completed_at_s),
        waits=tuple(_shift(wait, by_s) for wait in part.waits),
    )


def _shift(one: TimedStep, by_s: float) -> TimedStep:
    return TimedStep(one.step, one.began_s + by_s, one.duration_s)
