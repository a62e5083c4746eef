"""Stand-in for SD.Next's modules/logger.py: the one logger, named `sd`, writing to standard error."""

from __future__ import annotations

import logging
import sys

log = logging.getLogger("sd")


def get_log() -> logging.Logger:
    """The logger that the host and every extension share."""
    return log


def setup_logging(debug: bool = False) -> None:
    """Write log lines to standard error; calling it again only changes the level."""
    if not any(getattr(handler, "is_host_handler", False) for handler in log.handlers):
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-8s %(message)s", datefmt="%H:%M:%S"))
        handler.is_host_handler = True  # type: ignore[attr-defined]
        log.addHandler(handler)
    log.setLevel(logging.DEBUG if debug else logging.INFO)
