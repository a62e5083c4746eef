"""What a stopped job is left by: the host's own signal, in a form of which it prints no traceback."""

from __future__ import annotations

import sys

from zluda_sync.core.errors import Interrupted

#: Of errors of this kind the host shows nothing; of others the code around every call, which takes seconds.
_SILENT = ("modules.errorlimiter", "ErrorLimiterAbort")


#: Built once: what is left by two of them is told apart by nobody.
_JOINED: dict[str, type[Interrupted]] = {}


def find_leave_signal() -> type[Interrupted]:
    """Return the class of the error by which models are left: silent where the host has such, else plain.

    The host catches an ``AssertionError`` first wherever it tells errors apart; this is one either way.
    """
    module, name = _SILENT
    silent = getattr(sys.modules.get(module), name, None)
    if not (isinstance(silent, type) and issubclass(silent, Exception)):
        return Interrupted
    if name not in _JOINED:
        _JOINED[name] = type("Interrupted", (Interrupted, silent), {"__module__": __name__})
    return _JOINED[name]
