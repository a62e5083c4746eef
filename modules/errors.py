"""Stand-in for SD.Next's modules/errors.py: the logger, named `sd`, and how an error is shown."""

from __future__ import annotations

import logging
import sys

log = logging.getLogger("sd")


class HostError(Exception):
    """A fault that the user can mend; the message is one line and says how."""


def setup_logging() -> None:
    """Write log lines to standard error; calling it again changes nothing."""
    log.setLevel(logging.INFO)
    if not log.handlers:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-8s %(message)s", datefmt="%H:%M:%S"))
        log.addHandler(handler)


def display(e: Exception, task: str) -> None:
    """Log `task` and the traceback of `e`; never raises."""
    log.error("%s: %s: %s", task, type(e).__name__, e, exc_info=e)
