"""The job that is followed now, if any, and what becomes of it after an error of ours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from zluda_sync.core.guard import Guard, Watch
from zluda_sync.core.progress.cells import RequestCells
from zluda_sync.core.progress.snapshot import ProgressSnapshot
from zluda_sync.core.wishes.control import Control
from zluda_sync.core.wishes.request_wishes import Ending
from zluda_sync.host.job.followed import HostJob
from zluda_sync.host.job.host_pass import PinnedStep
from zluda_sync.host.job.requests import Requests
from zluda_sync.host.job.titles import phase_of
from zluda_sync.host.preview.previews import Previews
from zluda_sync.pipeline.console.console import Console


class Jobs:
    """Holds the job that is followed. Every method may be called from the host's code.

    Args:
        open_job: makes a followed job from a processing object and the moment it was asked for; None if
            nothing is to be done.
        requests: told of the job that runs.
        previews: end with their job.
        console: its bars end with their job.
        guard: keeps errors of ours from the host.
        keep_record: takes in what there is to remember of a job that ends.
        learn_request: takes in the cells of a request that has ended.

    Attributes:
        current: the job that is followed, None between two.
        pinned: the step that the calling thread has the host make a preview of.
    """

    def __init__(
        self,
        open_job: Callable[[Any, float | None], HostJob | None],
        requests: Requests,
        previews: Previews,
        console: Console,
        guard: Guard,
        keep_record: Callable[[HostJob], None] = lambda job: None,
        learn_request: Callable[[RequestCells], None] = lambda cells: None,
    ) -> None:
        self._open_job = open_job
        self._requests = requests
        self._previews = previews
        self._console = console
        self.guard = guard
        self._keep_record = keep_record
        self._learn_request = learn_request
        self._ended: HostJob | None = None
        self._is_declined = False
        self._cells: list[Any] = []
        self.current: HostJob | None = None
        self.pinned = PinnedStep()

    def open(self, processing: Any = None, began_at_s: float | None = None) -> None:
        """Begin to follow a job; one that was followed before is let go.

        Args:
            processing: the host's processing object, None for a job outside of its processing.
            began_at_s: when the job was asked for, now if None.
        """
        self.close()
        job = self._open_job(processing, began_at_s)
        if job is not None:
            self._requests.job_began(job.control)
        self._is_declined = job is None
        self.current = job
        self._ended = None  # until then the cell before is shown

    def close(self) -> None:
        """Stop following; the host's own values are shown from now on.

        The bar stays where it is until the host has ended the request that the job belongs to.
        """
        job = self.current
        if job is not None:
            self._ended = job  # before it is let go: whoever asks in between is told of it all the same
        self.current = None
        self._is_declined = False
        if job is not None:
            with self.guard.watching("ending a cell"):
                job.cells.end_cell()
            self._console.end_job()  # while what is finished can still be asked
            with self.guard.watching("keeping the record of a job"):
                self._keep_record(job)
            job.close()
            self._previews.end()
            self._requests.job_ended(job.control)

    def begin_cell(self, processing: Any) -> bool:
        """A picture call of the host begins; return whether it is a cell of the job that is followed.

        One within another, as some scripts have it, is.
        """
        job = self.current
        if job is not None and not job.ends_with_request and job.run.is_driver():
            self._cells.append(processing)
            with self.following(job, "beginning a cell"):
                job.begin_cell(processing)
            return True
        self._cells = [processing]
        return False

    def awaits_export(self, job: HostJob) -> bool:
        """Whether a job goes on whose picture call has ended: a film's file is still to come."""
        is_under_way = job.place.now.is_film and not self._requests.has_left(job.control)
        job.ends_with_request = job.ends_with_request or is_under_way
        return job.ends_with_request

    def end_cell(self, processing: Any) -> bool:
        """A picture call has ended; return whether the job goes on all the same.

        Args:
            processing: the host's object for the call, the innermost one if None.
        """
        job = self.current
        if processing is not None and self._cells and not any(cell is processing for cell in self._cells):
            return True  # it failed before it began: the host tells only of its end
        while len(self._cells) > 1 and job is not None:
            ended = self._cells.pop()
            with self.following(job, "ending a cell"):
                job.end_cell()
            if processing is None or ended is processing:
                return True
        self._cells = []
        return False

    def close_what_was_left(self) -> None:
        """Stop following a job that nobody ends: it began with a step out of the blue, or made a film."""
        job = self.current
        if job is not None and job.ends_with_request and self._requests.has_left(job.control):
            self.close()

    def of_this_thread(self) -> HostJob | None:
        """Return the job that the calling thread runs, None if it runs none or that is followed no more.

        A step outside any job opens one: some video tabs call pipelines by themselves.
        """
        if self.current is None and not self._is_declined:
            with self.guard.watching("following a job"):
                self.open()
        job = self.current
        # A job belongs to the thread on which the host began it; others have bars of their own.
        if job is None or job.is_broken or (job.is_asked and not job.run.is_driver()):
            return None
        return job

    def driven_here(self) -> HostJob | None:
        """Return the job that the calling thread runs; begins none, and none that is followed no more."""
        job = self.current
        return job if job is not None and not job.is_broken and job.run.is_driver() else None

    def following(self, job: HostJob, what: str) -> Watch:
        """Return a context in which a job is told something; after an error it is followed no more."""

        def give_up(_error: Exception) -> None:
            job.is_broken = True

        return self.guard.watching(what, give_up)

    def showing(self, job: HostJob, what: str) -> Watch:
        """Return a context in which a job is shown; after an error the host's own progress is shown."""

        def give_up(_error: Exception) -> None:
            job.are_views_broken = True

        return self.guard.watching(what, give_up)

    @property
    def is_free(self) -> bool:
        """Whether no job is followed, and one that begins would be."""
        return self.current is None and not self._is_declined

    def is_driving(self) -> bool:
        """Whether the calling thread runs the job that is followed."""
        job = self.current
        return job is not None and job.run.is_driver()

    def press_again(self) -> None:
        """Work for the device begins on the calling thread: tell the host of a wish that it has forgotten."""
        job = self.current
        if job is not None and job.control.must_leave and job.run.is_driver():
            with self.guard.watching("pressing again"):
                job.control.press_again()

    def go_on_stopping(self) -> None:
        """A phase begins, which clears the host's flags: where it upscales, no one else keeps a Stop."""
        job = self.current
        if job is not None and job.lone is not None and job.lone.has_pictures:
            self.press_again()

    def is_delivered_elsewhere(self) -> bool:
        """Whether another thread has ended its job and still hands over the pictures."""
        ended = self._ended
        if self.current is not None or ended is None or ended.run.is_driver():
            return False
        return self._requests.is_under_way(ended.control)

    @property
    def shown(self) -> HostJob | None:
        """The job that is followed, or was last in a request of many cells that goes on; None if none is."""
        job = self.current
        if job is not None:
            return job
        ended = self._ended
        if ended is None or ended.cells.is_one or not self._requests.is_under_way(ended.control):
            return None
        return ended

    def tell_label(self) -> str | None:
        """Tell who has pressed Stop what the host does, which acknowledges it; None if no job runs."""
        job = self.current
        if job is None:
            return None
        snapshot = job.snapshot()
        if snapshot.ending is Ending.STOP:
            job.wishes.record_acknowledged()
        return snapshot.label

    def report(self, show: Callable[[ProgressSnapshot], bool]) -> None:
        """Call ``show`` with the progress of the job that is followed, or was until this moment.

        Args:
            show: returns whether somebody is shown it.
        """
        job = self.current or self._ended
        if job is None or not job.is_shown:
            return
        if job is not self.current and not self._requests.is_under_way(job.control):
            return
        with self.showing(job, "reporting progress"):
            snapshot = job.snapshot()
            if show(snapshot):
                job.run.record_shown(snapshot.elapsed_s, snapshot.fraction, snapshot.ending)

    def count_written(self, previous: Any, value: Any) -> None:
        """The host has written its own step count; outside our hooks a higher one is a step of its own."""
        if not (isinstance(previous, int) and isinstance(value, int) and value > previous):
            return
        if self.current is not None and self.current.is_in_callback:
            return
        job = self.of_this_thread()
        if job is not None:
            with self.following(job, "counting a step"):
                job.pass_counted_step(previous)

    def phase_began(self, title: str, is_bracketed: bool = True) -> None:
        """The host has begun a phase.

        Pages that have nothing to do with the job begin phases too, on threads of their own.
        """
        job = self._between_steps()
        if job is not None and not job.is_broken:
            with self.following(job, "following a phase"):
                job.begin_phase(title, is_bracketed)
        elif job is None:
            self._note_between(title)

    def phase_ended(self, title: str, is_outermost: bool, whose: Control | None = None) -> None:
        """The host has ended a phase; the outermost one ends the request, that of ``whose`` control."""
        job = self._between_steps()
        if job is not None:
            if not job.is_broken:
                with self.following(job, "following a phase"):
                    job.end_phase(title)
            # A film's tab goes on on another thread, which has no phase around what comes after the frames.
            is_over = whose is job.control or not job.place.now.is_film
            if is_outermost and job.ends_with_request and is_over:
                self.close()
        if is_outermost:
            self._is_declined = False
            self.request_ended(whose)

    def request_ended(self, whose: Control | None = None) -> None:
        """The request of the calling thread, or of a control, is over: its job is delivered."""
        ended = self._ended
        if ended is not None and (ended.run.is_driver() or ended.control is whose):
            if self._ended is ended:
                self._ended = None  # first: nobody is shown a full bar before the answer
            ended.job.deliver()
            self._learn_request(ended.cells)

    def _note_between(self, title: str) -> None:
        """Between two cells of a request the host does something that has a name."""
        ended = self._ended
        if self.current is None and ended is not None and ended.run.is_driver():
            ended.cells.note_phase(phase_of(title))

    def _between_steps(self) -> HostJob | None:
        """Return the job that the calling thread runs, None while the host deals with a step of it."""
        job = self.current
        return job if job is not None and job.run.is_driver() and not job.is_in_callback else None
