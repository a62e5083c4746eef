"""The trust book: what self-tests have found on each device, and what was caught in use since."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import torch

from zluda_sync.core.errors import RungLiedError, RungSilentError
from zluda_sync.core.files import JsonFile
from zluda_sync.core.guard import Guard
from zluda_sync.core.records.self_test_report import VERSION, SelfTestReport
from zluda_sync.device.steps.accelerator import Accelerator
from zluda_sync.device.steps.ladder import SettledListener
from zluda_sync.device.steps.tracker import Trust

#: A rung that may have lied is checked anew in each job; so many times, and it is left.
MOST_SUSPICIONS = 2
#: What is known is kept by this: name of the device, and its versions.
_DeviceKey = tuple[str, frozenset[tuple[str, str]]]
#: Devices, drivers and builds that one installation has seen.
KEPT = 8


class TrustBook:
    """Keeps the reports in a file. What is found is of one device, and of its driver, torch and ZLUDA build.

    Any thread may ask and tell.

    Args:
        path: of the file.
        warn: told in one sentence if it cannot be used.
        find_zluda_build: gives what tells ZLUDA builds apart, empty without one.
    """

    def __init__(
        self, path: Path, warn: Callable[[str], None], find_zluda_build: Callable[[], str] = lambda: ""
    ) -> None:
        self._file = JsonFile(path, "self-tests", SelfTestReports.from_json, warn, indent=1)
        self._find_zluda_build = find_zluda_build
        self._reports: SelfTestReports | None = None
        self._caught: dict[_DeviceKey, dict[str, str]] = {}
        self._suspicions: dict[_DeviceKey, dict[str, int]] = {}
        self._unfinished: dict[_DeviceKey, SelfTestReport] = {}
        self._lock = threading.RLock()

    def find(self, accelerator: Accelerator | None) -> SelfTestReport | None:
        """Return the report on a device as it is now, None if it was not tested with these versions."""
        if accelerator is None:
            return None
        with self._lock:
            report = self._loaded().find(accelerator.name, self.versions_of(accelerator))
            return self._with_caught(report) if report is not None else None

    def find_unfinished(self, accelerator: Accelerator) -> SelfTestReport | None:
        """Return the report of the newest test that could not be ended, None if there is none."""
        return self._unfinished.get(self._key(accelerator))

    def proven(self, accelerator: Accelerator) -> frozenset[str]:
        """Return the names of the rungs that told the truth in a test that is kept, and are not in doubt."""
        report = self.find(accelerator)
        with self._lock:
            doubted = self._suspicions.get(self._key(accelerator), {})
            return report.proven.difference(doubted) if report is not None else frozenset()

    def versions_of(self, accelerator: Accelerator) -> dict[str, str]:
        """Return what a report on a device holds for."""
        return {
            "driver": accelerator.driver_version,
            "torch": str(torch.__version__),
            "zluda": self._find_zluda_build(),
        }

    def take(
        self, accelerator: Accelerator, report: SelfTestReport, forgets_caught: bool = False
    ) -> SelfTestReport:
        """Take a report in that was just made; return it with what was caught in use.

        Args:
            accelerator: that was tested.
            report: of the test.
            forgets_caught: whether what was caught before is given another chance.
        """
        key = self._key(accelerator)
        with self._lock:
            self._unfinished.pop(key, None)
            if forgets_caught and not report.unfinished:
                self._caught.pop(key, None)
                self._suspicions.pop(key, None)
            report = self._with_caught(report)
            if report.unfinished:
                self._unfinished[key] = report
            else:
                self._keep(report)
        return report

    def forget_unfinished(self, accelerator: Accelerator) -> None:
        """A test was called off by a job: nothing is known of it."""
        with self._lock:
            self._unfinished.pop(self._key(accelerator), None)

    def forget(self) -> None:
        """Know nothing of any device, until a test is run."""
        with self._lock:
            self._caught.clear()
            self._suspicions.clear()
            self._unfinished.clear()
            self._reports = SelfTestReports()
            self._file.save(self._reports.to_json())

    def distrust(self, rung_name: str, reason: str, accelerator: Accelerator) -> None:
        """A rung was found lying in use: use it no more on this device.

        Args:
            rung_name: of the rung.
            reason: what it did.
            accelerator: on which it did it.
        """
        with self._lock:
            self._caught.setdefault(self._key(accelerator), {})[rung_name] = reason
            report = self.find(accelerator)
            if report is not None:
                self._keep(report)

    def suspect(self, rung_name: str, reason: str, accelerator: Accelerator) -> None:
        """A rung may have lied in use, or something else kept the device busy: check it anew in each job.

        Args: as of :meth:`distrust`, which it comes to if it is suspected again.
        """
        with self._lock:
            counts = self._suspicions.setdefault(self._key(accelerator), {})
            counts[rung_name] = counts.get(rung_name, 0) + 1
            is_enough = counts[rung_name] >= MOST_SUSPICIONS
        if is_enough:
            self.distrust(rung_name, reason, accelerator)

    def trust_in(
        self,
        accelerator: Accelerator,
        guard: Guard,
        on_failed: SettledListener,
        wanted: str | None = None,
    ) -> Trust:
        """Return what is known of a device for a job that begins; what the job finds out is kept.

        Args:
            accelerator: of the device.
            guard: keeps errors of keeping it from the job.
            on_failed: as of :class:`Trust`.
            wanted: as of :class:`Trust`.
        """

        def keep_caught(rung_name: str, error: RungLiedError | RungSilentError) -> None:
            keep = self.distrust if error.is_certain else self.suspect
            with guard.watching("keeping what a rung did"):
                keep(rung_name, f"in use: {error}", accelerator)

        return Trust(self.find(accelerator), self.proven(accelerator), wanted, keep_caught, on_failed)

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
        return accelerator.name, frozenset(self.versions_of(accelerator).items())

    def _loaded(self) -> SelfTestReports:
        if self._reports is None:
            self._reports = self._file.load() or SelfTestReports()
        return self._reports


class SelfTestReports:
    """The self-tests that are kept: one for each device with its versions, the newest first."""

    def __init__(self, reports: Iterable[SelfTestReport] = ()) -> None:
        self._reports = list(reports)

    def find(self, device: str, versions: Mapping[str, str]) -> SelfTestReport | None:
        """Return the report on this device with just these versions, None if there is none."""
        for report in self._reports:
            if report.device == device and dict(report.versions or {}) == dict(versions):
                return report
        return None

    def keep(self, report: SelfTestReport) -> None:
        """Keep a report, in place of an older one on the same device and versions."""
        others = [
            other
            for other in self._reports
            if (other.device, dict(other.versions or {})) != (report.device, dict(report.versions or {}))
        ]
        self._reports = [report, *others][:KEPT]

    def to_json(self) -> list[Any]:
        """Return what is kept, of plain types."""
        return [report.to_json() for report in self._reports]

    @classmethod
    def from_json(cls, tree: Any) -> SelfTestReports:
        """Return what was kept, without reports of older versions: those devices are tested anew.

        Raises:
            ValueError: it is not a list of reports of this version or an older one.
        """
        if not isinstance(tree, list):
            raise ValueError("not a list of self-tests")  # noqa: TRY004  one kind of error for any wrong file
        return cls(SelfTestReport.from_json(item) for item in tree if not _is_older(item))


def _is_older(item: Any) -> bool:
    version = item.get("version") if isinstance(item, dict) else None
    return isinstance(version, int) and 0 < version < VERSION
