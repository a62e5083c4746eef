"""What a stopped job is left by: the host's own signal, in a form of which it prints no traceback."""

from __future__ import annotations

import functools
import sys
from typing import Any

from zluda_sync.core.errors import Interrupted

#: Of errors of this kind the host shows nothing; of others the code around every call, which takes seconds.
_SILENT = ("modules.errorlimiter", "ErrorLimiterAbort")


def find_leave_signal() -> type[Interrupted]:
    """Return the class of the error by which models are left: silent where the host has such, else plain."""
    module, name = _SILENT
    silent = getattr(sys.modules.get(module), name, None)
    return _join(silent) if isinstance(silent, type) and issubclass(silent, Exception) else Interrupted


@functools.cache
def _join(silent: Any) -> type[Interrupted]:
    """The host catches an ``AssertionError`` first of all wherever it tells errors apart; this is one."""
    return type("Interrupted", (Interrupted, silent), {"__module__": __name__})
