"""A request of many cells has one record, of a bounded size."""

from __future__ import annotations

from dataclasses import replace

import pytest

from zluda_sync.core.phase import BASE, Phase
from zluda_sync.core.records.job_record import ImageCount, JobRecord, JobTotals, Outcome
from zluda_sync.core.records.part_record import PartRecord, TimedStep
from zluda_sync.core.records.request_record import MOST_PARTS, MOST_STEPS, count_only_known, join_cells
from zluda_sync.core.records.trace import build_chrome_trace
from zluda_sync.core.settings.conditions import JobTraits
from zluda_sync.core.steps.policy import SyncMode


def build_cell(number: int = 0, step_s: float = 0.5, steps: int = 4, outcome=Outcome.FINISHED) -> JobRecord:
    ends_s = tuple(step_s * (index + 1) for index in range(steps))
    part = PartRecord(
        Phase.DENOISE,
        BASE,
        0,
        began_s=0.0,
        ended_s=ends_s[-1],
        total=steps,
        launched_at_s=ends_s,
        completed_at_s=ends_s,
        step_s=(step_s,) * steps,
        waits=(TimedStep(1, 0.1, 0.25),),
        cell=number,
    )
    return JobRecord(
        "7",
        1000.0,
        ends_s[-1],
        outcome,
        JobTraits(),
        "1 image",
        SyncMode.EVERY_STEP,
        "event-query",
        "balanced",
        "",
        parts=(part,),
        previews=(TimedStep(0, 0.2, 0.01),),
        bar=((10.0 * number, 0.1 * number),),
        stock_bar=((0.0, 0.0), (0.5, 0.25)),
    )


SPANS = ((0.0, 2.0), (3.0, 5.0))


def test_the_second_cell_follows_the_first():
    """All of its times count from the begin of the request."""
    joined = join_cells(build_cell(0), build_cell(1), 3.0, SPANS)
    first, second = joined.parts
    assert (0, 0.0, 1, 3.0, 5.0) == (first.cell, first.began_s, second.cell, second.began_s, second.ended_s)
    assert second.completed_at_s == (3.5, 4.0, 4.5, 5.0)
    assert second.waits == (TimedStep(1, 3.1, 0.25),)
    assert joined.previews == (TimedStep(0, 0.2, 0.01), TimedStep(0, 3.2, 0.01))
    assert joined.stock_bar == ((0.0, 0.0), (0.5, 0.25), (3.0, 0.0), (3.5, 0.25))
    assert joined.bar == ((0.0, 0.0), (10.0, 0.1))
    assert (5.0, SPANS, 8) == (joined.duration_s, joined.cells, joined.steps)
    assert joined.wait_s == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("cells", "whole"),
    [
        ((Outcome.FINISHED, Outcome.STOPPED), Outcome.STOPPED),
        ((Outcome.FAILED, Outcome.FINISHED), Outcome.FAILED),
        ((Outcome.SKIPPED, Outcome.FINISHED), Outcome.SKIPPED),
        ((Outcome.FINISHED, Outcome.RUNNING), Outcome.RUNNING),
    ],
)
def test_what_befell_a_cell_befell_the_request(cells, whole):
    """A grid with a failed cell did not just finish."""
    before, cell = (build_cell(number, outcome=outcome) for number, outcome in enumerate(cells))
    assert whole is join_cells(before, cell, 3.0, SPANS).outcome


@pytest.mark.parametrize(
    ("counts", "outcome", "whole"),
    [
        ((ImageCount(2, 1), ImageCount(2, 2)), Outcome.SKIPPED, ImageCount(4, 3)),
        ((ImageCount(2, 1), None), Outcome.SKIPPED, None),
        ((ImageCount(2, 2), ImageCount(2, 1)), Outcome.STOPPED, None),
    ],
)
def test_images_of_a_request_are_counted_where_each_cell_was_begun(counts, outcome, whole):
    """How many the rest of a grid would have made that was stopped, nobody knows."""
    before, cell = (replace(build_cell(number), images=count) for number, count in enumerate(counts))
    joined = join_cells(before, replace(cell, outcome=outcome), 3.0, SPANS)
    assert whole == count_only_known(joined, was_stopped=False).images
    assert None is count_only_known(joined, was_stopped=True).images  # between two cells, each of them whole


def test_hundreds_of_cells_make_a_record_of_bounded_size():
    """Its figures are those of all cells all the same."""
    record = build_cell(0, steps=50)
    spans = [(0.0, 25.0)]
    for number in range(1, 300):
        spans.append((30.0 * number, 30.0 * number + 25.0))
        record = join_cells(record, build_cell(number, steps=50), 30.0 * number, spans)
    assert len(record.parts) <= MOST_PARTS
    assert sum(len(part.completed_at_s) for part in record.parts) <= MOST_STEPS
    assert 299 == record.parts[-1].cell
    assert (300, 300 * 50) == (len(record.cells), record.steps)
    assert record.median_step_s == pytest.approx(0.5)
    assert record.wait_s == pytest.approx(300 * 0.25)


def test_the_median_of_cells_that_differ_is_that_of_all_their_steps():
    """Until steps are left out."""
    joined = join_cells(build_cell(0, 0.5, 4), build_cell(1, 2.0, 12), 3.0, SPANS)
    assert 2.0 == joined.median_step_s


def test_a_trace_has_a_track_of_the_cells():
    """And one of a plain job has none."""
    joined = join_cells(build_cell(0), build_cell(1), 3.0, SPANS)
    slices = [event for event in build_chrome_trace(joined)["traceEvents"] if event.get("tid") == 5]
    named = [(event["name"], event["ts"], event["dur"]) for event in slices if event["ph"] == "X"]
    assert [("cell 1", 0, 2_000_000), ("cell 2", 3_000_000, 2_000_000)] == named
    plain = build_chrome_trace(build_cell())["traceEvents"]
    assert not [event for event in plain if event.get("tid") == 5]


def test_figures_of_a_kept_record_are_added_as_they_stand():
    """One of before may have lost its parts."""
    before = replace(build_cell(0), parts=(), totals=JobTotals(100, 0.5, 1.0, 2.0, 3.0, 4))
    joined = join_cells(before, build_cell(1), 3.0, SPANS)
    assert (104, 1.0) == (joined.steps, joined.compile_s)
