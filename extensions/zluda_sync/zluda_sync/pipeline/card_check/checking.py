"""When a card is checked: on demand, while nothing else runs. And what was found the last time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from zluda_sync.core.clock import SYSTEM_CLOCK
from zluda_sync.core.errors import SelfTestRefusedError
from zluda_sync.core.files import JsonFile
from zluda_sync.core.guard import Guard
from zluda_sync.core.records.verification import Verification
from zluda_sync.device.steps.accelerator import Accelerator, explain_environment
from zluda_sync.device.steps.self_testing import SelfTesting
from zluda_sync.device.steps.tracker import StepTracker
from zluda_sync.device.steps.waits import CalledOff, TrialLimits
from zluda_sync.pipeline.card_check.card_check import (
    WARM_UP_LIMIT_S,
    CardCheck,
    CheckedDevice,
    WorkloadMaker,
    make_workload,
)

#: The part of the whole that the self-test is.
SELF_TEST_SHARE = 0.2
#: How long a self-test that runs already is waited for, and how often that is looked at, in seconds.
SELF_TEST_LIMIT_S, LOOK_S = 40.0, 0.1
#: How long a check may take to end once it is called off, in seconds.
CLOSE_LIMIT_S = 2.0
RUNS_ALREADY = "a check runs already"


@dataclass(frozen=True)
class CheckStatus:
    """What is known of the check now.

    Attributes:
        progress: share that is done, None while none runs.
        doing: what it does now, empty while none runs.
        failure: why the last one has no result, empty if it has or there was none.
        verification: the newest result on the device as it is now, None if there is none.
    """

    progress: float | None = None
    doing: str = ""
    failure: str = ""
    verification: Verification | None = None


class CardChecking:
    """Runs the check on demand. Any thread may ask and start; one check runs at a time.

    Args:
        testing: runs the self-test that comes first, and knows when nothing else runs.
        tracker: begins to learn of steps, as for every job.
        file: keeps the newest result.
        warn: told in one sentence of what does not work.
        make_work: makes the work of a step.
    """

    def __init__(
        self,
        testing: SelfTesting,
        tracker: StepTracker,
        file: Path,
        warn: Callable[[str], None],
        make_work: WorkloadMaker = make_workload,
    ) -> None:
        self._testing = testing
        self._tracker = tracker
        self._file = JsonFile(file, "the check of the card", Verification.from_json, warn, indent=1)
        self._warn = warn
        self._make_work = make_work
        self._running = threading.Lock()
        self._loading = threading.Lock()
        self._is_loaded = False
        self._status = CheckStatus()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def tell(self) -> dict[str, Any] | None:
        """Return the newest result on the device as it is now as plain JSON, None if there is none."""
        verification = self.status.verification
        return verification.to_json() if verification is not None else None

    @property
    def status(self) -> CheckStatus:
        """What is known now. A result of another device, driver or build says nothing of this one."""
        status, test = self._load(), self._testing.progress
        if status.verification is not None and not self._is_current(status.verification):
            status = replace(status, verification=None)
        if status.progress is not None and status.progress < SELF_TEST_SHARE and test is not None:
            return replace(status, progress=SELF_TEST_SHARE * test[0], doing=f"self-test: {test[1]}")
        return status

    def start(self) -> None:
        """Begin a check on a thread of its own.

        Raises:
            SelfTestRefusedError: a job or another check runs, or there is nothing to check.
        """
        reason = self._testing.why_not()
        if reason:
            raise SelfTestRefusedError(reason)
        if not self._running.acquire(blocking=False):
            raise SelfTestRefusedError(RUNS_ALREADY)
        self._begin()
        self._thread = threading.Thread(
            target=self._run_and_release, name="zluda_sync-card-check", daemon=True
        )
        self._thread.start()

    def run(self) -> CheckStatus:
        """Run a check on the calling thread, and return what is known then.

        Raises:
            SelfTestRefusedError: another check runs.
        """
        if not self._running.acquire(blocking=False):
            raise SelfTestRefusedError(RUNS_ALREADY)
        self._begin()
        self._run_and_release()
        return self.status

    def close(self) -> None:
        """End the check and its thread, waiting a while at most. Closing the self-test has called it off."""
        self._closing.set()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(CLOSE_LIMIT_S)

    def _begin(self) -> None:
        self._closing.clear()
        self._status = replace(self._load(), progress=0.0, doing="self-test", failure="")

    def _load(self) -> CheckStatus:
        with self._loading:
            if not self._is_loaded:
                self._is_loaded = True
                self._status = replace(self._status, verification=self._file.load())
        return self._status

    def _is_current(self, found: Verification) -> bool:
        accelerator = self._testing.find_accelerator()
        if accelerator is None:
            return False
        versions = self._testing.book.versions_of(accelerator)
        return (accelerator.name, versions) == (found.device, dict(found.versions))

    def _run_and_release(self) -> None:
        failures: list[Exception] = []
        try:
            with Guard(lambda what, error: None).watching("checking the card", failures.append):
                self._run()
        finally:
            failure = _explain(failures[0]) if failures else ""
            self._status = replace(self._status, progress=None, doing="", failure=failure)
            self._running.release()

    def _run(self) -> None:
        deadline_s = SYSTEM_CLOCK() + SELF_TEST_LIMIT_S
        while self._testing.is_running and SYSTEM_CLOCK() < deadline_s:  # one that has begun by itself
            if self._closing.wait(LOOK_S):
                raise CalledOff("the session ends")
        report = self._testing.run_now()
        if report.unfinished:
            raise CalledOff(report.unfinished)

        def check(accelerator: Accelerator, is_called_off: Callable[[], bool]) -> Verification:
            limits = TrialLimits(self._tracker.threads.waits, is_called_off, SYSTEM_CLOCK, WARM_UP_LIMIT_S)
            book = self._testing.book
            checked = CheckedDevice(accelerator, report, self._tracker, book, self._warn, self._make_work)
            return CardCheck(checked, limits, self._show).run()

        found = self._testing.run_alone(check)
        self._status = replace(self._status, verification=found)
        self._file.save(found.to_json())

    def _show(self, share: float, what: str) -> None:
        share = SELF_TEST_SHARE + (1 - SELF_TEST_SHARE) * share
        self._status = replace(self._status, progress=share, doing=what)


def _explain(error: Exception) -> str:
    """Return in one sentence why there is no result."""
    if isinstance(error, (SelfTestRefusedError, CalledOff)):
        return f"no result: {error}"
    return f"no result: {explain_environment(error) or f'{type(error).__name__}: {error}'}"
