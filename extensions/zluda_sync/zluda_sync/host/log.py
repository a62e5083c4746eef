"""What the user is told in the host's log: each thing once."""

from __future__ import annotations

import logging

from zluda_sync.core.guard import Guard, Told
from zluda_sync.core.records.said_lines import SaidLines
from zluda_sync.core.records.self_test_report import SelfTestReport
from zluda_sync.host.sdnext import log


class HostLog:
    """Tells in the host's log.

    Attributes:
        guard: keeps errors of ours from the host, and tells of them.
        refusals: keeps back what does not let the extension act, and tells of it.
        said: which lines were told, and how often.
    """

    def __init__(self) -> None:
        self._told = Told()
        self.said = SaidLines()
        self.guard = Guard(self._tell_failure, self._told)
        self.refusals = Guard(self._tell_refusal, self._told)

    def tell(self, text: str) -> None:
        """Tell what is so now, each time anew."""
        self._tell(logging.INFO, text)

    def warn(self, text: str) -> None:
        """Tell in one sentence what does not work."""
        if self._told.is_new(text):
            self._tell(logging.WARNING, text)

    def tell_self_test(self, report: SelfTestReport) -> None:
        """Tell what a self-test has found, each time one is taken."""
        level = logging.WARNING if report.unfinished else logging.INFO
        self._tell(level, f"self-test in {report.duration_s:.1f} s: {report.explanation}")

    def _tell_failure(self, what: str, error: Exception) -> None:
        text = f"{what} failed, progress is SD.Next's own: {type(error).__name__}: {error}"
        self._tell(logging.ERROR, text, error)

    def _tell_refusal(self, what: str, error: Exception) -> None:
        self._tell(logging.ERROR, f"{what}: {error}")

    def _tell(self, level: int, text: str, error: Exception | None = None) -> None:
        self.said.count(text)
        log.log(level, f"ZLUDA Sync: {text}", exc_info=error)
