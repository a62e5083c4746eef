"""What the user is told in the host's log: each thing once."""

from __future__ import annotations

from zluda_sync.core.guard import Guard, Told
from zluda_sync.core.records.self_test_report import SelfTestReport
from zluda_sync.host.sdnext import log


class HostLog:
    """Tells in the host's log.

    Attributes:
        guard: keeps errors of ours from the host, and tells of them.
        refusals: keeps back what does not let the extension act, and tells of it.
    """

    def __init__(self) -> None:
        self._told = Told()
        self.guard = Guard(self._tell_failure, self._told)
        self.refusals = Guard(self._tell_refusal, self._told)

    def inform(self, text: str) -> None:
        """Tell what is so now."""
        if self._told.is_new(text):
            log.info(f"ZLUDA Sync: {text}")

    def warn(self, text: str) -> None:
        """Tell in one sentence what does not work."""
        if self._told.is_new(text):
            log.warning(f"ZLUDA Sync: {text}")

    def tell_self_test(self, report: SelfTestReport) -> None:
        """Tell what a self-test has found, each time one is taken."""
        level = log.warning if report.unfinished else log.info
        level(f"ZLUDA Sync: self-test in {report.duration_s:.1f} s: {report.explanation}")

    @staticmethod
    def _tell_failure(what: str, error: Exception) -> None:
        text = f"{what} failed, progress is SD.Next's own: {type(error).__name__}: {error}"
        log.error(f"ZLUDA Sync: {text}", exc_info=error)

    @staticmethod
    def _tell_refusal(what: str, error: Exception) -> None:
        log.error(f"ZLUDA Sync: {what}: {error}")
