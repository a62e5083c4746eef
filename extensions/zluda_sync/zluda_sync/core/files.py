"""Files of ours, each replaced whole: a reader finds the old one or the new one, never half of one."""

from __future__ import annotations

import contextlib
import glob
import json
import os
import secrets
import stat
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Generic, TypeVar

#: How often a file that somebody holds open is tried, and with what pause: Windows refuses to replace one.
HELD_TRIES, HELD_PAUSE_S = 50 if os.name == "nt" else 1, 0.01
#: A file that a killed process has left unfinished is removed when it is so old.
LEFT_OVER_S = 3600.0

Content = TypeVar("Content")


class JsonFile(Generic[Content]):
    """Loads and saves one object: written whole or not at all, never trusted blindly.

    Args:
        path: the file; its folder is made when something is saved.
        what: is kept in it, for messages.
        parse: makes the object of the JSON tree; ValueError if that is not one.
        warn: called with one sentence: what is wrong, and what was done about it.
        indent: of the lines of a file that people read; None writes all in one line, many times as fast.
    """

    def __init__(
        self,
        path: Path,
        what: str,
        parse: Callable[[Any], Content],
        warn: Callable[[str], None],
        indent: int | None = None,
    ) -> None:
        self._path = path
        self._what = what
        self._parse = parse
        self._warn = warn
        self._indent = indent

    def load(self) -> Content | None:
        """Return what is kept, None if nothing is. A file that cannot be read is set aside."""
        try:
            return self._parse(json.loads(self._path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, RecursionError) as error:
            aside = self._path.with_suffix(".broken.json")
            try:
                self._path.replace(aside)
                where = f"kept as {aside}"
            except OSError:
                where = "left where it is"
            self._warn(f"{self._what} in {self._path} cannot be used ({error}); {where}, beginning anew")
            return None

    def save(self, tree: Any) -> None:
        """Write a JSON tree; a reader finds the old file or the new one, never half of one."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with replacing(self._path) as new:
                new.write_text(json.dumps(tree, indent=self._indent), encoding="utf-8")
        except OSError as error:
            # The same words each time: what has been said is not said again after each job.
            self._warn(
                f"{self._what} cannot be saved to {self._path} ({reason_of(error)}); lasts until SD.Next ends"
            )


class FileLock:
    """A file that one process has for itself, until it lets go or ends, however it does.

    Args:
        path: the file; it stays empty.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle: int | None = None

    def take(self) -> bool:
        """Take the file without waiting; False if another process has it.

        Where files cannot be locked, or there is no such folder yet, it counts as taken.
        """
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(self._path, os.O_CREAT | os.O_RDWR, 0o666)
        except OSError:
            return True
        try:
            _lock_handle(handle)
        except (BlockingIOError, PermissionError):
            os.close(handle)
            return False
        except OSError:
            os.close(handle)
            return True
        self._handle = handle
        return True

    def let_go(self) -> None:
        """Give it back."""
        handle, self._handle = self._handle, None
        if handle is not None:
            os.close(handle)


def _lock_handle(handle: int) -> None:
    """Lock an open file; BlockingIOError or PermissionError if another process has."""
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


def to_json_text(tree: Any) -> str:
    """Return a tree as JSON on one line, in ASCII.

    Raises:
        ValueError: it has a number that JSON has not.
    """
    return json.dumps(tree, allow_nan=False, separators=(",", ":"))


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give an empty file beside ``path`` to write to; at the end of the block it takes the place of ``path``.

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
