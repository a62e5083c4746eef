"""Stand-in for SD.Next's modules/errors.py: how an error that must not end the program is shown."""

from __future__ import annotations

from modules.logger import log


class HostError(Exception):
    """A fault that the user can mend; the message is one line and says how."""


def display(e: Exception, task: str) -> None:
    """Log `task` and the traceback of `e`; never raises."""
    log.error(f"{task or 'error'}: {type(e).__name__}: {e}", exc_info=(type(e), e, e.__traceback__))
