"""When the self-test runs: while nothing else does, or on demand."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

import torch

from zluda_sync.core.clock import SYSTEM_CLOCK
from zluda_sync.core.errors import SelfTestRefusedError
from zluda_sync.core.records.self_test_report import SelfTestReport
from zluda_sync.device.steps.accelerator import Accelerator
from zluda_sync.device.steps.self_test import SelfTest
from zluda_sync.device.steps.trust_book import TrustBook
from zluda_sync.device.steps.waits import A_JOB_BEGAN, BlockingWaits

#: How long nothing must have run, and how often that is looked at, in seconds.
IDLE_S = 2.0
IDLE_LOOK_S = 0.25
#: How long a job that begins waits for a test to get out of its way, in seconds.
CALL_OFF_S = 1.0
#: So many tests may end without a result because the machine was busy or its memory full, each after twice
#: the time of the one before; then the next job is waited for.
MOST_BUSY_TESTS = 5
NOT_TESTED = "no self-test so far"
Result = TypeVar("Result")


@dataclass(frozen=True)
class TestSubject:
    """Who computes, and on what.

    Attributes:
        name: who computes, as it begins a sentence.
        find_accelerator: gives what it computes on, None if there is nothing that can be followed.
        explain_none: tells in one sentence why there is nothing.
    """

    __test__ = False  # no test of pytest's, whatever its name says

    name: str
    find_accelerator: Callable[[], Accelerator | None]
    explain_none: Callable[[], str]


class SelfTesting:
    """Gets the reports that are missing.

    Args:
        subject: what is tested.
        book: keeps what is found.
        waits: threads for waits that may block for ever.
        is_idle: whether nothing runs.
        on_report: called when a report has come, on the test's thread.

    Attributes:
        book: what is known of devices.
        progress: share and name of what a test does now, None while none runs.
        is_automatic: whether reports that are missing are got while nothing runs.
    """

    def __init__(
        self,
        subject: TestSubject,
        book: TrustBook,
        waits: BlockingWaits,
        is_idle: Callable[[], bool],
        on_report: Callable[[SelfTestReport], None],
    ) -> None:
        self._subject = subject
        self.book = book
        self._waits = waits
        self._is_idle = is_idle
        self._on_report = on_report
        self._lock = threading.Lock()
        self._running = threading.Lock()
        self._job_runs = threading.Event()
        self._jobs_begun = 0
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self.progress: tuple[float, str] | None = None
        self.is_automatic = True

    @property
    def is_running(self) -> bool:
        """Whether a test runs now."""
        return self._running.locked()

    def find_accelerator(self) -> Accelerator | None:
        """Return the device that is tested as it is now, None if there is nothing that can be followed."""
        return self._subject.find_accelerator()

    def explain(self, accelerator: Accelerator | None) -> str:
        """Return in one sentence for the user what is known of a device, or why nothing is."""
        report = self.book.find(accelerator)
        if report is None and accelerator is not None:
            report = self.book.find_unfinished(accelerator)
        if report is not None:
            return report.explanation
        return (
            self._why_impossible(accelerator) or f"{NOT_TESTED}; it is made once nothing has run for a moment"
        )

    def schedule(self) -> None:
        """Get a report on the device once nothing runs, if there is none."""
        with self._lock:
            if self._thread is not None and self._thread.is_alive():
                return
            accelerator = self._subject.find_accelerator()
            is_needed = self.is_automatic and not self._is_known(accelerator)
            if not is_needed or self._why_impossible(accelerator):
                return
            self._closing.clear()
            self._thread = threading.Thread(
                target=self._run_when_idle, name="zluda_sync-self-test", daemon=True
            )
            self._thread.start()

    def job_begins(self) -> None:
        """Get out of the way of a job."""
        self._jobs_begun += 1
        self._job_runs.set()
        if self._running.acquire(timeout=CALL_OFF_S):
            self._running.release()

    def job_ended(self) -> None:
        """Nothing may run for a while."""
        self._job_runs.clear()

    def run_now(self) -> SelfTestReport:
        """Run the test on the calling thread; what was caught in use before is given another chance.

        Raises:
            SelfTestRefusedError: a job or another test runs, or there is nothing to test.
        """
        reason = self.why_not()
        if reason:
            raise SelfTestRefusedError(reason)
        report = self._run(forgets_caught=True)
        if report is None:
            raise SelfTestRefusedError("a self-test runs already")
        return report

    def run_alone(self, check: Callable[[Accelerator, Callable[[], bool]], Result]) -> Result:
        """Run something else that needs the device for itself, under the conditions of a test.

        Args:
            check: is given the device, and what tells whether it is to end at once.
        Raises:
            SelfTestRefusedError: a job or a test runs, or there is nothing to test.
        """
        accelerator = self._subject.find_accelerator()
        reason = self.why_not()
        if accelerator is None or reason:
            raise SelfTestRefusedError(reason)
        if not self._running.acquire(blocking=False):
            raise SelfTestRefusedError("a self-test runs already")
        begun = self._jobs_begun
        try:
            return check(accelerator, lambda: self._jobs_begun != begun or self._is_called_off())
        finally:
            self._running.release()

    def why_not(self) -> str:
        """Return why no test can run now, empty if one can."""
        reason = self._why_impossible(self._subject.find_accelerator())
        return reason or ("" if self._is_idle() else "a job runs; try again when it is done")

    def close(self, limit_s: float = 2.0) -> None:
        """End the test and its thread."""
        self._closing.set()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(limit_s)

    def _run_when_idle(self) -> None:
        busy = 0
        while busy < MOST_BUSY_TESTS and self._wait_until_idle(IDLE_S * 2**busy):
            report = self._run()
            if report is not None and not report.was_called_off:
                return
            busy += report is not None and not self._is_called_off()

    def _is_known(self, accelerator: Accelerator | None) -> bool:
        """Whether a device was tested, or cannot be."""
        if accelerator is None or self.book.find(accelerator) is not None:
            return True
        unfinished = self.book.find_unfinished(accelerator)
        return unfinished is not None and not unfinished.was_called_off

    def _wait_until_idle(self, idle_s: float) -> bool:
        """Wait until nothing has run for ``idle_s``; False when there is nothing more to wait for."""
        idle_since_s = SYSTEM_CLOCK()
        while self.is_automatic and not self._closing.wait(IDLE_LOOK_S):
            if self._is_called_off():
                idle_since_s = SYSTEM_CLOCK()
            elif SYSTEM_CLOCK() - idle_since_s >= idle_s:
                return True
        return False

    def _is_called_off(self) -> bool:
        return self._closing.is_set() or self._job_runs.is_set() or not self._is_idle()

    def _run(self, forgets_caught: bool = False) -> SelfTestReport | None:
        """Run the test and keep its report; None if another runs."""
        accelerator = self._subject.find_accelerator()
        device = self._testable(accelerator)
        if accelerator is None or device is None or not self._running.acquire(blocking=False):
            return None
        begun = self._jobs_begun

        def is_called_off() -> bool:  # by a job that has ended meanwhile, too: its work came between
            return self._jobs_begun != begun or self._is_called_off()

        try:
            test = SelfTest(accelerator, self._waits, is_called_off, self._show)
            report = replace(test.run(), versions=self.book.versions_of(accelerator), taken_at_s=time.time())
        finally:
            self.progress = None
            self._running.release()
        if report.unfinished == A_JOB_BEGAN:
            self.book.forget_unfinished(accelerator)
        else:
            report = self.book.take(accelerator, report, forgets_caught)
        if not report.was_called_off:
            self._on_report(report)
        return report

    def _show(self, share: float, what: str) -> None:
        self.progress = (share, what)

    @staticmethod
    def _testable(accelerator: Accelerator | None) -> torch.device | None:
        return accelerator.device if accelerator is not None and accelerator.has_named_device else None

    def _why_impossible(self, accelerator: Accelerator | None) -> str:
        if self._testable(accelerator) is not None:
            return ""
        if accelerator is None:
            return f"{self._subject.explain_none()}, and nothing to test"
        if accelerator.device is None:
            return f"{self._subject.name} has chosen no device so far: there is nothing to test"
        needed = "there is nothing to test, and nothing needs to be waited for"
        return f"{self._subject.name} computes on the CPU: {needed}"
