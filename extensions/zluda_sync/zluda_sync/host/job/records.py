"""The records of the session's jobs: those that are over, and the one that runs."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from itertools import islice

from zluda_sync.core.progress.cells import RequestCells
from zluda_sync.core.progress.part import have_worked
from zluda_sync.core.records.bars import stock_bar
from zluda_sync.core.records.job_record import MOST_JOBS, JobHistory, JobRecord, Outcome, build_title
from zluda_sync.core.records.kept_form import name_of_model
from zluda_sync.core.records.kept_jobs import KeptJobs
from zluda_sync.core.records.part_record import build_parts, build_timed_steps
from zluda_sync.core.records.request_record import count_only_known, join_cells
from zluda_sync.core.settings.conditions import JobTraits
from zluda_sync.core.settings.profiles import ChosenProfile
from zluda_sync.core.wishes.control import Control
from zluda_sync.core.wishes.request_wishes import ENDS_REQUEST, Ending
from zluda_sync.host.job.followed import HostJob

#: What stands for the job that runs in the place of its id.
CURRENT = "current"


@dataclass(frozen=True)
class _Running:
    """A job that runs, with what its record needs and the job itself does not know.

    Attributes:
        before: the record of the cells before it in the same request, None for the first.
        is_counted: whether that was told as the record of a job that had ended.
        first_cell: zero-based index of the first cell that it is made of.
    """

    id: str
    tracked: HostJob
    traits: JobTraits
    chosen: ChosenProfile
    began_at_s: float
    before: JobRecord | None = None
    first_cell: int = 0
    is_counted: bool = False


@dataclass(frozen=True)
class _Between:
    """A request between two of its cells, or after the last one."""

    record: JobRecord
    control: Control
    cells: RequestCells
    is_counted: bool = False


class JobRecords:
    """Knows every job that was followed of late, and those of before a restart.

    A request of many cells is one job here: it has one record, which grows with each cell.

    A record is built when a job ends, or when somebody asks for the one that runs: nothing is added to what
    the thread that queues steps has to do.

    Args:
        kept: keeps jobs over restarts.
        on_kept: told of each job that has ended.
        is_under_way: whether the request of a control has not ended.
    """

    def __init__(
        self,
        kept: KeptJobs,
        on_kept: Callable[[JobRecord], None] = lambda record: None,
        is_under_way: Callable[[Control], bool] = lambda control: False,
    ) -> None:
        self._kept = kept
        self._on_kept = on_kept
        self._is_under_way = is_under_way
        self._history = JobHistory()
        self._running: _Running | None = None
        self._between: _Between | None = None
        self._lock = threading.Lock()

    @property
    def current_id(self) -> str | None:
        """Id of the job that runs, None if none does."""
        running, between = self._running, self._find_between()
        if running is not None:
            return running.id
        return between.record.id if between is not None else None

    @property
    def current_choice(self) -> ChosenProfile | None:
        """The profile that the job goes by that runs, None if none does."""
        running = self._running
        return running.chosen if running is not None else None

    @property
    def current_traits(self) -> JobTraits | None:
        """What was asked for with the job that runs, None if none does."""
        running = self._running
        return running.traits if running is not None else None

    def find_control(self, job_id: str) -> Control | None:
        """Return the control of the job that runs, or is between two cells, if that is its id; None else."""
        running = self._running
        if running is not None:
            return running.tracked.control if running.id == job_id else None
        between = self._find_between()
        return between.control if between is not None and between.record.id == job_id else None

    def begin(self, job_id: str, tracked: HostJob, traits: JobTraits, chosen: ChosenProfile) -> None:
        """A job is followed from now on.

        Args:
            job_id: that no other job has.
            tracked: the job.
            traits: what was asked for.
            chosen: what it goes by.
        """
        between, before, is_counted = self._between, None, False
        if between is not None and between.cells is tracked.cells:
            before, is_counted = between.record, between.is_counted
        elif tracked.cells.number > 0:  # the one before was taken for the only one
            before, is_counted = self._history.take(tracked.control.id), True
        if before is not None:
            self._running = _Running(
                before.id,
                tracked,
                traits,
                chosen,
                before.began_at_s,
                before,
                tracked.cells.number,
                is_counted,
            )
            return
        self.end_request()
        began_at_s = time.time() - tracked.job.elapsed_s
        self._running = running = _Running(job_id, tracked, traits, chosen, began_at_s)
        self._kept.put(_build(running, Outcome.RUNNING))

    def keep(self, tracked: HostJob) -> None:
        """A job ends: remember it, if it is the one that runs.

        To be called on the thread that ran it, before it lets go of anything.
        """
        running = self._running
        if running is None or running.tracked is not tracked:
            return
        is_one = tracked.cells.is_one or tracked.is_lost
        try:
            tracked.job.end_parts()
            record = _build(running, _outcome(tracked))
            record = replace(record, duration_s=None) if tracked.is_lost else record
            if is_one:
                self._history.keep(record)
            else:
                self._between = _Between(record, tracked.control, tracked.cells, running.is_counted)
        finally:
            self._running = None  # last: a job that is asked for meanwhile is found in one place or the other
        if is_one:
            self._kept.put(record)
            if not tracked.is_lost:
                self._on_kept(record)

    def end_request(self, cells: RequestCells | None = None) -> None:
        """A request of many cells is over, whichever there is if None: remember it. Any thread."""
        with self._lock:
            between = self._between
            if between is None or (cells is not None and between.cells is not cells):
                return
            record = count_only_known(between.record, between.control.ending in ENDS_REQUEST)
            if len(spans := between.cells.spans) > 1:
                record = replace(record, cells=spans, title=f"{len(spans)} cells of {record.title}")
            else:
                record = replace(record, cells=())
            self._history.keep(record)
            self._between = None
        self._kept.put(record)
        if not between.is_counted:
            self._on_kept(record)

    def record_shown(self, job_id: str, elapsed_s: float, fraction: float, ending: Ending | None) -> None:
        """Somebody was shown this of a job; changes nothing if it does not run any more. Any thread."""
        running = self._running
        if running is not None and running.id == job_id:
            running.tracked.run.record_shown(elapsed_s, fraction, ending)

    def find(self, job_id: str) -> JobRecord | None:
        """Return the job of this id, or the one that runs for ``current``; None if there is none."""
        running, between = self._running, self._find_between()
        if running is not None and job_id in (CURRENT, running.id):
            return _build(running, Outcome.RUNNING)
        if between is not None and job_id in (CURRENT, between.record.id):
            return _tell_between(between)
        return self._history.find(job_id) or self._kept.find(job_id)

    def recent(self, limit: int, model: str = "", since_s: float | None = None) -> tuple[JobRecord, ...]:
        """Return so many jobs at most, newest first; the one that runs is the newest.

        Args:
            limit: the most.
            model: only those of this checkpoint; ``*`` stands for anything, case and folders do not matter.
            since_s: only those that began then or later, in seconds since the epoch.
        """
        return tuple(islice((one for one in self._all() if _is_wanted(one, model, since_s)), max(limit, 0)))

    def _all(self) -> Iterator[JobRecord]:
        running, between = self._running, self._find_between()
        records = self._history.recent(MOST_JOBS)
        if running is not None and not (records and records[0].id == running.id):
            yield _build(running, Outcome.RUNNING)
        elif running is None and between is not None:
            yield _tell_between(between)
        yield from records
        told = {record.id for record in records}
        yield from (record for record in self._kept.newest_first if record.id not in told)

    def _find_between(self) -> _Between | None:
        """Return the request that is between two cells, None if none is; one that failed is over by now."""
        between = self._between
        if between is not None and self._running is None and not self._is_under_way(between.control):
            self.end_request(between.cells)
            return None
        return between


def _tell_between(between: _Between) -> JobRecord:
    record = between.record
    duration_s = time.time() - record.began_at_s
    cells = between.cells.spans
    return replace(record, outcome=Outcome.RUNNING, duration_s=duration_s, cells=cells, images=None)


def _is_wanted(record: JobRecord, model: str, since_s: float | None) -> bool:
    if since_s is not None and record.began_at_s < since_s:
        return False
    pattern = name_of_model(model).lower().replace("[", "[[]")
    return not model or fnmatchcase(name_of_model(record.traits.model).lower(), pattern)


def _build(running: _Running, outcome: Outcome) -> JobRecord:
    tracked, job = running.tracked, running.tracked.job
    began_at_s, previews = job.began_at_s, tracked.run.previews
    costs = tuple(previews.queue.costs) if previews is not None else ()
    planned, parts = job.parts, build_parts(job, running.first_cell)
    bar, cells = tracked.run.shown_bar.samples, tracked.cells
    is_known = outcome is not Outcome.RUNNING and not tracked.is_broken  # what came of each image
    record = JobRecord(
        id=running.id,
        began_at_s=running.began_at_s,
        duration_s=job.elapsed_s,  # after what happened in it
        outcome=outcome,
        traits=running.traits,
        title=build_title(running.traits, planned),
        mode=job.mode,
        rung=tracked.run.rung_name,
        profile=running.chosen.name,
        profile_reason=running.chosen.reason,
        parts=parts,
        previews=build_timed_steps(costs, began_at_s),
        bar=bar,
        stock_bar=stock_bar(planned, began_at_s),
        stop=tracked.wishes.stop_record(),
        notice=tracked.run.notices.text,
        cells=() if cells.is_one else cells.spans,
        images=tracked.wishes.count_images(running.traits.batch_size or 1) if is_known else None,
    )
    if running.before is None:
        return record
    began_s = cells.spans[running.first_cell][0] if len(cells.spans) > running.first_cell else 0.0
    return join_cells(running.before, record, began_s, cells.spans)


def _outcome(tracked: HostJob) -> Outcome:
    """Return how a job ended, on the thread that ran it.

    The host tells of the end in a ``finally``: an error that ends the job is under way then. Many errors it
    catches itself, and delivers nothing; then something is missing that follows from the request. And one
    that it refuses, as for want of a picture to begin with, has made nothing at all.
    """
    if tracked.is_lost:
        return Outcome.LOST
    job = tracked.job
    has_made = have_worked(job.parts) or job.is_made_of_cells or tracked.wishes.has_made_pictures
    is_whole = (job.is_whole and has_made) or tracked.is_broken
    if tracked.wishes.has_stopped and (job.was_cut or not is_whole):
        return Outcome.STOPPED
    if job.was_cut:
        return Outcome.SKIPPED
    return Outcome.FINISHED if is_whole and sys.exc_info()[1] is None else Outcome.FAILED
