"""The self-tests that are kept: one for each device with its versions, the newest first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from zluda_sync.core.records.self_test_report import VERSION, SelfTestReport

#: Devices, drivers and builds that one installation has seen.
KEPT = 8


class SelfTestReports:
    """Reports by device and versions."""

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
