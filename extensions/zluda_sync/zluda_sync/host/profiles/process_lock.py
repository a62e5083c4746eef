"""The lock that keeps two processes from saving to one file at the same time."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from zluda_sync.core.clock import SYSTEM_CLOCK

#: How long another process is waited for: as long as SD.Next itself waits for it, in seconds.
OTHERS_LIMIT_S = 3.0
LOOK_S = 0.005


@contextlib.contextmanager
def others_kept_off(path: Path) -> Iterator[None]:
    """Keep other processes from saving to a file, those of SD.Next too.

    It is the lock that SD.Next takes, by its package ``fasteners``: on the first byte of ``<file>.lock``,
    which is removed afterwards. Without a lock where there is none to be had, as SD.Next does: no right to
    the folder, or nobody lets go of it. It keeps off no other thread of this process.
    """
    file = path.with_name(f"{path.name}.lock")
    held = _take(file)
    try:
        yield
    finally:
        if held is not None:
            _give(held, file)


def _take(file: Path) -> IO[bytes] | None:
    give_up_at_s = SYSTEM_CLOCK() + OTHERS_LIMIT_S
    while SYSTEM_CLOCK() < give_up_at_s:
        try:
            held = file.open("ab+")
        except OSError:
            return None
        with contextlib.suppress(OSError):
            _lock(held)
            # Whoever had it before may have removed the file: a lock on that one keeps nobody off.
            if _is_at(file, held):
                return held
        held.close()
        time.sleep(LOOK_S)
    return None


def _give(held: IO[bytes], file: Path) -> None:
    # Removed while it is held, so that nobody takes a lock on a file that is about to go; Windows removes no
    # file that is open.
    with contextlib.suppress(OSError):
        if _is_at(file, held):
            file.unlink()
    held.close()
    if os.name == "nt":
        with contextlib.suppress(OSError):
            file.unlink()


def _is_at(file: Path, held: IO[bytes]) -> bool:
    return os.path.samestat(os.fstat(held.fileno()), file.stat())


def _lock(held: IO[bytes]) -> None:
    """Lock a file for this process.

    Raises:
        OSError: another has it.
    """
    locks: Any
    if os.name == "nt":
        import msvcrt as locks

        held.seek(0)
        locks.locking(held.fileno(), locks.LK_NBLCK, 1)
    else:
        import fcntl as locks

        locks.lockf(held, locks.LOCK_EX | locks.LOCK_NB)
