"""ZLUDA's kernel cache: it is written while kernels are compiled, which takes minutes on a first run.

ZLUDA says so on file descriptor 2 only, which nobody can read from here; the cache file tells as well.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

#: Names used by ZLUDA 3.9 and by later ones; a write-ahead log changes before the file itself does.
_NAMES = ("zluda.db-wal", "zluda.db", "zluda2.db-wal", "zluda2.db")


def cache_files() -> tuple[Path, ...]:
    """Return where ZLUDA keeps compiled kernels, whether or not there is anything yet."""
    root = os.environ.get("LOCALAPPDATA") or os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return tuple(Path(root, "ZLUDA", "ComputeCache", name) for name in _NAMES)


class KernelCache:
    """Watches the cache files; costs a few file look-ups when asked, which is only during a long silence."""

    def __init__(self, files: Sequence[Path]) -> None:
        self._files = files

    def was_written_within(self, seconds: float) -> bool:
        """Return whether kernels were compiled during the last ``seconds``."""
        since_s = time.time() - seconds
        return any(_written_at_s(file) > since_s for file in self._files)


def _written_at_s(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except OSError:
        return 0.0
