"""The current job, if any, and the rule that an observer never breaks a generation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from zluda_sync.core.snapshot import ProgressSnapshot
from zluda_sync.host.sdnext import log
from zluda_sync.host.tracked_job import TrackedJob


class Jobs:
    """Holds the job that is followed.

    Args:
        open_job: makes a followed job from a processing object and the moment it was asked for; None if
            nothing is to be done.
    """

    def __init__(self, open_job: Callable[[Any, float | None], TrackedJob | None]) -> None:
        self._open_job = open_job
        self._ended: TrackedJob | None = None
        self.current: TrackedJob | None = None

    def open(self, processing: Any = None, began_at_s: float | None = None) -> None:
        """Begin to follow a job; one that was followed before is let go.

        Args:
            processing: the host's processing object, None for a job outside of its processing.
            began_at_s: when the job was asked for, now if None.
        """
        self.close()
        self._ended = None
        self.current = self._open_job(processing, began_at_s)

    def close(self) -> None:
        """Stop following; the host's own values are shown from now on.

        The bar stays where it is until the host has ended the request that the job belongs to.
        """
        job, self.current = self.current, None
        if job is not None:
            job.close()
            self._ended = job

    def report(self, action: Callable[[ProgressSnapshot], None]) -> None:
        """Call ``action`` with the progress of the job that is followed, or was until this moment."""
        job = self.current or self._ended
        if job is None or job.is_broken:
            return
        try:
            action(job.snapshot())
        except Exception as error:  # noqa: BLE001  an observer never breaks a poll
            self.give_up(job, "reporting progress", error)

    def observe(self, what: str, action: Callable[..., None], *args: Any) -> None:
        """Call ``action`` with the current job and ``args``, and never let an error of ours out.

        A step outside any job (some video tabs call pipelines by themselves) opens one. After an error the
        job is followed no more, and the host's own values are shown.
        """
        job = self.current
        if job is None:
            self.open()
            job = self.current
        if job is None or job.is_broken:
            return
        try:
            action(job, *args)
        except Exception as error:  # noqa: BLE001  an observer never breaks a generation
            self.give_up(job, what, error)

    def count_written(self) -> None:
        """The host has raised its own step count; outside our hooks that is a step of its own."""
        job = self.current
        if job is None or not job.is_in_callback:
            self.observe("counting a step", _pass_host_step)

    def phase_began(self, title: str) -> None:
        """The host has begun a phase.

        Pages that have nothing to do with the job begin phases too, on threads of their own.
        """
        job = self.current
        if job is not None and job.is_driver() and not job.is_in_callback:
            self.observe("following a phase", TrackedJob.begin_phase, title)

    def phase_ended(self, title: str, is_outermost: bool) -> None:
        """The host has ended a phase; the outermost one ends the request."""
        job = self.current
        if job is not None and job.is_driver() and not job.is_in_callback:
            self.observe("following a phase", TrackedJob.end_phase, title)
        elif self._ended is not None and self._ended.is_driver() and is_outermost:
            self._ended.job.deliver()
            self._ended = None

    def give_up(self, job: TrackedJob, what: str, error: Exception) -> None:
        """Follow ``job`` no more, and say so once."""
        if job.is_broken:
            return
        job.is_broken = True
        reason = f"{type(error).__name__}: {error}"
        log.error(
            f"ZLUDA Sync: {what} failed, this job's progress is SD.Next's own: {reason}", exc_info=error
        )


def _pass_host_step(job: TrackedJob) -> None:
    job.pass_step(index=None, total=None, latents=None)
    job.settle_step()
