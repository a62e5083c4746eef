"""The host's requests by the names that clients know them by: which wait, and a Stop for one of them alone.

A name is the id that the status tells, which is the id of the first job too; or the id of the page's task; or
what the caller of the host's API has called its request in the header X-Request-ID.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from zluda_sync.core.wishes.control import Control
from zluda_sync.host.job.records import JobRecords
from zluda_sync.host.job.requests import Requests


class Found(str, Enum):
    """What became of a Stop by name."""

    RUNNING = "running"
    QUEUED = "queued"
    OVER = "over"
    UNKNOWN = "unknown"
    AMBIGUOUS = "ambiguous"


@dataclass(frozen=True)
class QueuedRequest:
    """A request that waits for the host.

    Attributes:
        id: by which it can be stopped; its first job will have the same.
        name: of the page's task, or as its caller has called it; empty if neither is known.
        asked_at_s: when it was asked for, in seconds since the epoch.
        is_stopped: whether it is to end without pictures when its turn comes.
    """

    id: str
    name: str
    asked_at_s: float
    is_stopped: bool


class Queue:
    """Finds requests by name. Any thread.

    A Stop by name goes to the wishes of that very request, which are its own for as long as it lasts and
    nobody's afterwards. The host's flag, which is one for all, is set by the thread of that request alone.

    Args:
        requests: all that are under way.
        new_id: gives an id that no job has.
        records: of the jobs: of a request with several, each has an id.
    """

    def __init__(self, requests: Requests, new_id: Callable[[], str], records: JobRecords) -> None:
        self._requests = requests
        self._new_id = new_id
        self._records = records
        self._lock = threading.Lock()

    @property
    def waiting(self) -> tuple[QueuedRequest, ...]:
        """The requests that wait, the oldest first."""
        told = [
            QueuedRequest(self._id_of(control), control.name, asked_at_s, control.is_stopped)
            for control, asked_at_s in self._waiting()
        ]
        return tuple(sorted(told, key=lambda one: one.asked_at_s))

    def new_job_id(self, control: Control) -> str:
        """Return the id of a job that begins: its request's, or that with a number if it is a later one."""
        control.jobs_begun += 1
        request_id = self._id_of(control)
        return request_id if control.jobs_begun == 1 else f"{request_id}.{control.jobs_begun}"

    def name_of_job(self, job_id: str) -> str:
        """Return the name of the request of the job that runs, empty if it has none or another job runs."""
        control = self._records.find_control(job_id)
        return control.name if control is not None else ""

    def stop(self, name: str, after_image: bool) -> Found:
        """Stop the request of this name, at once or after the image that is made now; no other, ever.

        One that waits ends without pictures when its turn comes, or after its first image.
        """
        found = self._find(name)
        if len(found) > 1:
            return Found.AMBIGUOUS
        if not found:
            return Found.OVER if self._was_there(name) else Found.UNKNOWN
        (control,) = found
        is_queued = any(control is waiting for waiting, _ in self._waiting())
        was_in_time = control.stop_after_image() if after_image else control.stop_by_name()
        if not was_in_time:
            return Found.OVER
        return Found.QUEUED if is_queued else Found.RUNNING

    def _find(self, name: str) -> set[Control]:
        # Calls first, though most of them are requests by now: one that is begun between two looks is seen.
        requests = self._requests
        called = {one for one in requests.arrivals.controls if name in names_of(one) and not one.is_over}
        begun = {one.control for one in requests.begun if name in names_of(one.control)}
        found = called | {control for control in begun if requests.is_under_way(control)}
        of_job = self._records.find_control(name)
        return found if of_job is None else found | {of_job}

    def _was_there(self, name: str) -> bool:
        has_ended = any(name in names_of(control) for control in tuple(self._requests.ended))
        return has_ended or self._records.find(name) is not None

    def _waiting(self) -> list[tuple[Control, float]]:
        requests = self._requests
        found = [(one.control, one.asked_at_s) for one in requests.arrivals.waiting]
        return found + [(one.control, one.asked_at_s) for one in requests.begun if requests.waits(one)]

    def _id_of(self, control: Control) -> str:
        with self._lock:
            if not control.id:
                control.id = self._new_id()
            return control.id


def names_of(control: Control) -> set[str]:
    """Return what a request is called: the host leaves ``task(…)`` away around the id of a page's task."""
    inner = control.name.removeprefix("task(").removesuffix(")")
    return {control.id, control.name, inner} - {""}
