"""Files that are replaced whole: a reader finds the old one or the new one, never half of one."""

from __future__ import annotations

import contextlib
import glob
import os
import secrets
import stat
import time
from collections.abc import Iterator
from pathlib import Path

#: How often a file that somebody holds open is tried, and with what pause: Windows refuses to replace one.
HELD_TRIES, HELD_PAUSE_S = 50 if os.name == "nt" else 1, 0.01
#: A file that a killed process has left unfinished is removed when it is so old.
LEFT_OVER_S = 3600.0


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give an empty file beside ``path`` to be written to, which then takes the place of ``path``.

    Whatever goes wrong, the old file stays as it is and the new one is removed. Its name is its own, however
    many threads and processes write at once. A link stays a link, and rights and owner stay what they were.

    Raises:
        OSError: the new file cannot be made, or cannot take its place.
    """
    target = Path(os.path.realpath(path))
    new = target.with_name(f".{target.name}.{secrets.token_hex(6)}.tmp")
    os.close(os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    try:
        _remove_left_over(target, new)
        yield new
        _take_over_rights(target, new)
        _replace(new, target)
    except BaseException:
        with contextlib.suppress(OSError):
            new.unlink()
        raise


def reason_of(error: Exception) -> str:
    """Return why a file could not be read or written, the same each time: without the new file's name."""
    return (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__


def _take_over_rights(old: Path, new: Path) -> None:
    try:
        had = old.stat()
    except FileNotFoundError:
        return
    with contextlib.suppress(OSError):  # some file systems have no rights
        new.chmod(stat.S_IMODE(had.st_mode))
    has = new.stat()
    if hasattr(os, "chown") and (has.st_uid, has.st_gid) != (had.st_uid, had.st_gid):
        with contextlib.suppress(OSError):
            os.chown(new, had.st_uid, had.st_gid)


def _replace(new: Path, target: Path) -> None:
    for _ in range(HELD_TRIES - 1):
        with contextlib.suppress(PermissionError):
            new.replace(target)
            return
        time.sleep(HELD_PAUSE_S)
    new.replace(target)


def _remove_left_over(target: Path, new: Path) -> None:
    now_s = new.stat().st_mtime  # the file system's own time
    for file in target.parent.glob(f".{glob.escape(target.name)}.*.tmp"):
        with contextlib.suppress(OSError):
            if now_s - file.stat().st_mtime > LEFT_OVER_S:
                file.unlink()
