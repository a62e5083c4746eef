"""What of the host is replaced, and when: nothing is put in or taken out beneath a request by itself."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from zluda_sync.core.guard import Guard
from zluda_sync.host.hooks.patch_table import PatchTable
from zluda_sync.host.hooks.plan import PatchPlan
from zluda_sync.host.job.current import Jobs
from zluda_sync.host.job.requests import Requests
from zluda_sync.host.profiles.option_saver import OptionSaver
from zluda_sync.host.sdnext import SdNext

#: How often it is looked whether to wait any longer, in seconds; only while somebody waits for the end of a
#: request.
LOOK_S = 0.1


class Installation:
    """Puts all patches in, and takes them out.

    A request that has begun without them cannot be followed from its middle on: its calls would be taken for
    requests of their own. Then they are put in once it has ended.

    Args:
        host: the host.
        plan: says what is replaced.
        jobs: the job that is followed.
        requests: those under way.
        saver: saves options, also where the host would write over them.
        guard: keeps errors from the host.
        reconcile: called on a thread of its own when nothing is under way any more, if that was waited for.

    Attributes:
        table: what is replaced now.
    """

    def __init__(
        self,
        host: SdNext,
        plan: PatchPlan,
        jobs: Jobs,
        requests: Requests,
        saver: OptionSaver,
        guard: Guard,
        reconcile: Callable[[], None],
    ) -> None:
        self._host, self._plan, self._jobs, self._requests = host, plan, jobs, requests
        self._saver, self._guard = saver, guard
        self._when_free = WhenFree(lambda: host.queue_lock, lambda: jobs.current is not None, reconcile)
        self.table = PatchTable()

    @property
    def is_there(self) -> bool:
        """Whether any name of the host is replaced."""
        return not self.table.is_empty

    def put_in(self, routes: Sequence[Any]) -> bool:
        """Replace what is not replaced yet; False if that has to wait for the end of a request.

        Args:
            routes: of the host's application.
        Raises:
            Exception: whatever made a patch fail; then none is put in.
        """
        if self.table.is_empty and self._is_in_request:
            self._when_free.ask()
            return False
        self.table.install(self._plan.build(routes))
        self._saver.host_saves.keep(self)
        return True

    def stays_for_now(self) -> bool:
        """Whether patches that nobody wants any more stay in until the request under way has ended."""
        stays = self.is_there and (self._is_in_request or self._jobs.current is not None)
        if stays:
            self._when_free.ask()
        return stays

    def take_out(self) -> None:
        """Leave the host as it came, at once; how a job ends that is under way, nobody sees then."""
        with self._guard.watching("handing the controls over"):
            self._plan.controls.hand_over(self._host.state)
        with self._guard.watching("letting go of a job"):
            job = self._jobs.current
            if job is not None:
                job.is_broken = job.is_lost = True
            self._jobs.close()
        self.table.remove_all()
        self._saver.host_saves.let_go(self)
        self._requests.close_all()

    def close(self) -> None:
        """Wait for nothing any more, and leave the host as it came."""
        self._when_free.close()
        self.take_out()

    @property
    def _is_in_request(self) -> bool:
        return self._host.is_locked and not self._when_free.holds_queue


class WhenFree:
    """Calls back when nothing is under way any more, and keeps the next request waiting for so long.

    It waits in the host's queue as a request does: between two that follow each other at once, nobody who
    only looks would find the host free.

    Args:
        find_queue: returns the lock that the host holds while a request runs, None if there is none.
        is_busy: whether a job runs all the same.
        call: what is called, on a thread of its own; must not raise.

    Attributes:
        holds_queue: whether the host's lock is held by this, and by no request.
    """

    def __init__(
        self, find_queue: Callable[[], Any], is_busy: Callable[[], bool], call: Callable[[], None]
    ) -> None:
        self._find_queue, self._is_busy, self._call = find_queue, is_busy, call
        self.holds_queue = False
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._is_asked = False
        self._thread: threading.Thread | None = None

    def ask(self) -> None:
        """Call back once; who asks again until then is called with it. Any thread."""
        with self._lock:
            self._is_asked = True
            if self._thread is None and not self._closed.is_set():
                self._thread = threading.Thread(target=self._run, name="zluda_sync-when-free", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """Call nobody back any more."""
        self._closed.set()

    def _run(self) -> None:
        while not self._closed.is_set():
            queue = self._find_queue()
            if queue is not None and not queue.acquire(timeout=LOOK_S):
                continue
            self.holds_queue = queue is not None
            try:
                if not self._is_busy() and self._call_back():
                    return
            finally:
                self.holds_queue = False
                if queue is not None:
                    queue.release()
            self._closed.wait(LOOK_S)

    def _call_back(self) -> bool:
        """Call, and return whether nobody has asked meanwhile."""
        self._is_asked = False
        self._call()
        with self._lock:
            if not self._is_asked:
                self._thread = None
            return not self._is_asked
