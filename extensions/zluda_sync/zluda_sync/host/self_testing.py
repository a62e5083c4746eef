"""When the self-test runs: while the host is idle, or on demand; and what it has found on this device."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch

from zluda_sync.core.clock import SYSTEM_CLOCK
from zluda_sync.core.errors import SelfTestRefusedError
from zluda_sync.core.files import JsonFile
from zluda_sync.core.records.self_test_report import SelfTestReport
from zluda_sync.core.records.self_test_reports import SelfTestReports
from zluda_sync.device.steps.accelerator import Accelerator
from zluda_sync.device.steps.self_test import A_JOB_BEGAN, SelfTest
from zluda_sync.device.steps.waits import BlockingWaits
from zluda_sync.host.accelerator import explain_no_accelerator
from zluda_sync.host.sdnext import SdNext

#: How long the host must have been idle, and how often that is looked at, in seconds.
IDLE_S = 2.0
IDLE_LOOK_S = 0.25
#: How long a job that begins waits for a test to get out of its way, in seconds.
CALL_OFF_S = 1.0
#: So many tests may end without a result because the machine was busy or its memory full, each after twice
#: the time of the one before; then the next job is waited for.
MOST_BUSY_TESTS = 5
#: A rung that may have lied is checked anew in each job; so many times, and it is left.
MOST_SUSPICIONS = 2
NOT_TESTED = "no self-test so far"
#: What results are kept by: name of the device, and its versions.
_DeviceKey = tuple[str, frozenset[tuple[str, str]]]


class SelfTesting:
    """Keeps the reports, and gets those that are missing. What is found is of one device, and kept by it.

    Args:
        host: the host.
        find_accelerator: gives what the host computes on, None if that is the CPU.
        waits: threads for waits that may block for ever.
        is_idle: whether nothing runs in the host.
        on_report: called when a report has come, on the test's thread.
        warn: told in one sentence of a file that cannot be used.

    Attributes:
        progress: share and name of what a test does now, None while none runs.
        is_automatic: whether reports that are missing are got while the host is idle.
    """

    def __init__(
        self,
        host: SdNext,
        find_accelerator: Callable[[], Accelerator | None],
        waits: BlockingWaits,
        is_idle: Callable[[], bool],
        on_report: Callable[[SelfTestReport], None],
        warn: Callable[[str], None],
    ) -> None:
        self._host = host
        self._find_accelerator = find_accelerator
        self._waits = waits
        self._is_idle = is_idle
        self._on_report = on_report
        path = host.data_folder / "zluda_sync" / "selftest.json"
        self._file = JsonFile(path, "self-tests", SelfTestReports.from_json, warn)
        self._reports: SelfTestReports | None = None
        self._caught: dict[_DeviceKey, dict[str, str]] = {}
        self._suspicions: dict[_DeviceKey, dict[str, int]] = {}
        self._unfinished: dict[_DeviceKey, SelfTestReport] = {}
        self._lock = threading.Lock()
        self._kept_lock = threading.RLock()
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

    def find(self, accelerator: Accelerator | None) -> SelfTestReport | None:
        """Return the report on a device as it is now, None if it was not tested with these versions."""
        if accelerator is None:
            return None
        with self._kept_lock:
            report = self._loaded().find(accelerator.name, self._versions(accelerator))
            return self._with_caught(report) if report is not None else None

    def proven(self, accelerator: Accelerator) -> frozenset[str]:
        """Return the names of the rungs that told the truth in a test that is kept, and are not in doubt."""
        report = self.find(accelerator)
        with self._kept_lock:
            doubted = self._suspicions.get(self._key(accelerator), {})
            return report.proven.difference(doubted) if report is not None else frozenset()

    def explain(self, accelerator: Accelerator | None) -> str:
        """Return in one sentence for the user what is known of a device, or why nothing is."""
        report = self.find(accelerator)
        if report is None and accelerator is not None:
            report = self._unfinished.get(self._key(accelerator))
        if report is not None:
            return report.explanation
        return self._why_impossible(accelerator) or f"{NOT_TESTED}; waiting after each step"

    def schedule(self) -> None:
        """Get a report on the host's device once the host is idle, if there is none."""
        with self._lock:
            if self._thread is not None and self._thread.is_alive():
                return
            accelerator = self._find_accelerator()
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
        """The host may be idle for a while."""
        self._job_runs.clear()

    def run_now(self) -> SelfTestReport:
        """Run the test on the calling thread; what was caught in use before is given another chance.

        Raises:
            SelfTestRefusedError: a job or another test runs, or there is nothing to test.
        """
        accelerator = self._find_accelerator()
        reason = self._why_impossible(accelerator)
        if reason:
            raise SelfTestRefusedError(reason)
        if not self._is_idle():
            raise SelfTestRefusedError("a job runs; try again when it is done")
        report = self._run(forgets_caught=True)
        if report is None:
            raise SelfTestRefusedError("a self-test runs already")
        return report

    def forget(self) -> None:
        """Know nothing of any device, until a test is run."""
        with self._kept_lock:
            self._caught.clear()
            self._suspicions.clear()
            self._unfinished.clear()
            self._reports = SelfTestReports()
            self._file.save(self._reports.to_json())

    def distrust(self, rung_name: str, reason: str, accelerator: Accelerator | None = None) -> None:
        """A rung was found lying in use: use it no more on this device.

        Args:
            rung_name: of the rung.
            reason: what it did.
            accelerator: on which it did it, the host's own if None.
        """
        accelerator = accelerator or self._find_accelerator()
        if accelerator is None:
            return
        with self._kept_lock:
            self._caught.setdefault(self._key(accelerator), {})[rung_name] = reason
            report = self.find(accelerator)
            if report is not None:
                self._keep(report)

    def suspect(self, rung_name: str, reason: str, accelerator: Accelerator | None = None) -> None:
        """A rung may have lied in use, or something else kept the device busy: check it anew in each job.

        Args: as of :meth:`distrust`, which it comes to if it is suspected again.
        """
        accelerator = accelerator or self._find_accelerator()
        if accelerator is None:
            return
        with self._kept_lock:
            counts = self._suspicions.setdefault(self._key(accelerator), {})
            counts[rung_name] = counts.get(rung_name, 0) + 1
            is_enough = counts[rung_name] >= MOST_SUSPICIONS
        if is_enough:
            self.distrust(rung_name, reason, accelerator)

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
        if accelerator is None or self.find(accelerator) is not None:
            return True
        unfinished = self._unfinished.get(self._key(accelerator))
        return unfinished is not None and not unfinished.was_called_off

    def _wait_until_idle(self, idle_s: float) -> bool:
        """Wait until the host has been idle for ``idle_s``; False when there is nothing more to wait for."""
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
        accelerator = self._find_accelerator()
        device = self._testable(accelerator)
        if accelerator is None or device is None or not self._running.acquire(blocking=False):
            return None
        begun = self._jobs_begun

        def is_called_off() -> bool:  # by a job that has ended meanwhile, too: its work came between
            return self._jobs_begun != begun or self._is_called_off()

        try:
            test = SelfTest(accelerator, device, self._waits, is_called_off, self._show)
            report = replace(test.run(), versions=self._versions(accelerator), taken_at_s=time.time())
        finally:
            self.progress = None
            self._running.release()
        key = self._key(accelerator)
        with self._kept_lock:
            self._unfinished.pop(key, None)
            if report.unfinished:
                if report.unfinished != A_JOB_BEGAN:
                    self._unfinished[key] = report
            else:
                if forgets_caught:
                    self._caught.pop(key, None)
                    self._suspicions.pop(key, None)
                report = self._with_caught(report)
                self._keep(report)
        if not report.was_called_off:
            self._on_report(report)
        return report

    def _show(self, share: float, what: str) -> None:
        self.progress = (share, what)

    def _keep(self, report: SelfTestReport) -> None:
        reports = self._loaded()
        reports.keep(self._with_caught(report))
        self._file.save(reports.to_json())

    def _with_caught(self, report: SelfTestReport) -> SelfTestReport:
        key = (report.device, frozenset((report.versions or {}).items()))
        for name, reason in self._caught.get(key, {}).items():
            report = report.distrusting(name, reason)
        return report

    def _key(self, accelerator: Accelerator) -> _DeviceKey:
        return accelerator.name, frozenset(self._versions(accelerator).items())

    def _loaded(self) -> SelfTestReports:
        if self._reports is None:
            self._reports = self._file.load() or SelfTestReports()
        return self._reports

    def _versions(self, accelerator: Accelerator) -> dict[str, str]:
        return {
            "driver": accelerator.driver_version,
            "torch": str(torch.__version__),
            "zluda": self._host.zluda_build,
        }

    @staticmethod
    def _testable(accelerator: Accelerator | None) -> torch.device | None:
        device: Any = accelerator.device if accelerator is not None else None
        return device if isinstance(device, torch.device) and device.type != "cpu" else None

    def _why_impossible(self, accelerator: Accelerator | None) -> str:
        if self._testable(accelerator) is not None:
            return ""
        if accelerator is None:
            return f"{explain_no_accelerator(self._host)}, and nothing to test"
        if accelerator.device is None:
            return "SD.Next has chosen no device so far: there is nothing to test"
        return "SD.Next computes on the CPU: there is nothing to test, and no barrier is needed for it"
