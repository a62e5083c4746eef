"""The current job, if any, and the rule that an observer never breaks a generation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from zluda_sync.core.progress.snapshot import ProgressSnapshot
from zluda_sync.host.console.console import Console
from zluda_sync.host.job.followed import TrackedJob
from zluda_sync.host.job.requests import Requests
from zluda_sync.host.preview.previews import Previews
from zluda_sync.host.sdnext import log


class Jobs:
    """Holds the job that is followed.

    Every method may be called from the host's code; none lets an error of ours out.

    Args:
        open_job: makes a followed job from a processing object and the moment it was asked for; None if
            nothing is to be done.
        requests: told of the job that runs.
        previews: end with their job.
        console: its bars end with their job.
        keep_record: takes in what there is to remember of a job that ends.
    """

    def __init__(
        self,
        open_job: Callable[[Any, float | None], TrackedJob | None],
        requests: Requests,
        previews: Previews,
        console: Console,
        keep_record: Callable[[TrackedJob], None] = lambda tracked: None,
    ) -> None:
        self._open_job = open_job
        self._requests = requests
        self._previews = previews
        self._console = console
        self._keep_record = keep_record
        self._ended: TrackedJob | None = None
        self._is_declined = False
        self._said: set[str] = set()
        self.current: TrackedJob | None = None

    def open(self, processing: Any = None, began_at_s: float | None = None) -> None:
        """Begin to follow a job; one that was followed before is let go.

        Args:
            processing: the host's processing object, None for a job outside of its processing.
            began_at_s: when the job was asked for, now if None.
        """
        self.close()
        self._ended = None
        job = self._open_job(processing, began_at_s)
        if job is not None:
            self._requests.job_began(job.control)
        self._is_declined = job is None
        self.current = job

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
            self._console.end_job()  # while what is finished can still be asked
            self.guard("keeping the record of a job", self._keep_record, job)
            job.close()
            self._previews.end()
            self._requests.job_ended(job.control)

    def close_what_was_left(self) -> None:
        """Stop following a job that nobody ends: it began with a step out of the blue, and failed."""
        job = self.current
        if job is not None and not job.is_asked and self._requests.has_left(job.control):
            self.close()

    def guarded(self, what: str, action: Callable[..., Any]) -> Callable[..., None]:
        """Return ``action`` so that no error of it gets out."""
        return lambda *args: self.guard(what, action, *args)

    def is_driving(self) -> bool:
        """Whether the calling thread runs the job that is followed."""
        job = self.current
        return job is not None and job.is_driver()

    def press_again(self) -> None:
        """Work for the device begins on the calling thread: tell the host of a wish that it has forgotten."""
        job = self.current
        if job is not None and job.control.must_leave and job.is_driver():
            self.guard("pressing again", job.control.press_again)

    def is_delivered_elsewhere(self) -> bool:
        """Whether another thread has ended its job and still hands over the pictures."""
        ended = self._ended
        if self.current is not None or ended is None or ended.is_driver():
            return False
        return self._requests.is_under_way(ended.control)

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
        try:
            snapshot = job.snapshot()
            if show(snapshot):
                job.record_shown(snapshot.elapsed_s, snapshot.fraction, snapshot.ending)
        except Exception as error:  # noqa: BLE001  an observer never breaks a poll
            self.give_up_views(job, "reporting progress", error)

    def observe(self, what: str, action: Callable[..., None], *args: Any, **kwargs: Any) -> None:
        """Call ``action`` with the current job and the arguments.

        A step outside any job (some video tabs call pipelines by themselves) opens one. After an error the
        job is followed no more, and the host's own values are shown.
        """
        job = self.current
        try:
            if job is None and not self._is_declined:
                self.open()
                job = self.current
            # A job belongs to the thread on which the host began it; others have bars of their own.
            if job is None or job.is_broken or (job.is_asked and not job.is_driver()):
                return
            action(job, *args, **kwargs)
        except Exception as error:  # noqa: BLE001  an observer never breaks a generation
            self._give_up(job, what, error)

    def guard(self, what: str, action: Callable[..., Any], *args: Any) -> None:
        """Call ``action``, and say once if it fails."""
        try:
            action(*args)
        except Exception as error:  # noqa: BLE001  an observer never breaks a generation
            self._say(what, error)

    def count_written(self, previous: Any, value: Any) -> None:
        """The host has written its own step count; outside our hooks a higher one is a step of its own."""
        if not (isinstance(previous, int) and isinstance(value, int) and value > previous):
            return
        job = self.current
        if job is None or not job.is_in_callback:
            self.observe("counting a step", _pass_host_step, previous)

    def phase_began(self, title: str, is_bracketed: bool = True) -> None:
        """The host has begun a phase.

        Pages that have nothing to do with the job begin phases too, on threads of their own.
        """
        job = self.current
        if job is not None and job.is_driver() and not job.is_in_callback:
            self.observe("following a phase", TrackedJob.begin_phase, title, is_bracketed=is_bracketed)

    def phase_ended(self, title: str, is_outermost: bool) -> None:
        """The host has ended a phase; the outermost one ends the request."""
        job = self.current
        if job is not None and job.is_driver() and not job.is_in_callback:
            self.observe("following a phase", TrackedJob.end_phase, title)
            if is_outermost and not job.is_asked:
                self.close()
        if is_outermost:
            self._is_declined = False
            self.request_ended()

    def request_ended(self) -> None:
        """The request of the calling thread is over: its job is delivered, if it had one."""
        ended = self._ended
        if ended is not None and ended.is_driver():
            ended.job.deliver()
            if self._ended is ended:
                self._ended = None

    def give_up_views(self, job: TrackedJob, what: str, error: Exception) -> None:
        """Show the host's own progress of ``job`` from now on; the job is followed all the same."""
        job.are_views_broken = True
        self._say(what, error)

    def _give_up(self, job: TrackedJob | None, what: str, error: Exception) -> None:
        if job is not None:
            job.is_broken = True
        self._say(what, error)

    def _say(self, what: str, error: Exception) -> None:
        text = f"ZLUDA Sync: {what} failed, progress is SD.Next's own: {type(error).__name__}: {error}"
        if text not in self._said:
            self._said.add(text)
            log.error(text, exc_info=error)


def _pass_host_step(job: TrackedJob, count_before: int) -> None:
    job.pass_step(host_count=count_before)
    job.settle_step()
