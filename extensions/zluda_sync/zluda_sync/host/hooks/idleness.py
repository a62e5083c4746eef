"""Whether the host does nothing, be it that a request has failed and left its fields as they were."""

from __future__ import annotations

from zluda_sync.host.hooks.phases import PhaseHooks
from zluda_sync.host.job.current import Jobs
from zluda_sync.host.job.requests import Requests
from zluda_sync.host.sdnext import SdNext


class Idleness:
    """Judges by all that is known; what it cannot tell counts as busy.

    The host clears its fields at the end of a request. One that fails has no end: its last phase stands in
    ``state.job`` for ever. And the step of the last request stands after its end, too.

    Args:
        host: the host.
        jobs: knows the job that is followed.
        requests: knows what runs.
        phases: knows what began last.
    """

    def __init__(self, host: SdNext, jobs: Jobs, requests: Requests, phases: PhaseHooks) -> None:
        self._host = host
        self._jobs = jobs
        self._requests = requests
        self._phases = phases

    @property
    def is_idle(self) -> bool:
        """Whether nothing runs for certain. Any thread."""
        if self._jobs.current is not None or not self._requests.are_all_over:
            return False
        if self._host.is_locked or self._host.has_page_task:
            return False
        # Another extension may name its work by itself, without telling where it begins and ends.
        return self._host.job in ("", self._phases.newest_title)
