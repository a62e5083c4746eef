"""One save of the settings at a time: this process's own line up, other processes are kept off."""

from __future__ import annotations

import contextlib
import functools
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from zluda_sync.core.clock import SYSTEM_CLOCK
from zluda_sync.host.hooks.patch_table import Patch, PatchTable, Switch
from zluda_sync.host.sdnext import SdNext

#: How long one save waits for another, and how often that is looked at, in seconds.
TURN_LIMIT_S = 10.0
LOOK_S = 0.001
_SAVE = "save_atomic"
#: Python names a thread after what it runs, and each of the host's saves has a thread of its own.
_THREAD_NAME = f"({_SAVE})"
#: How long another process is waited for: as long as SD.Next itself waits for it, in seconds.
OTHERS_LIMIT_S = 3.0
LOCK_LOOK_S = 0.005


class HostSaves:
    """Lines up the saves of this process.

    SD.Next saves on a new thread each time, truncates the file first, and locks it against other processes
    only: two saves at once leave a file that is no JSON. Its function is replaced by one that waits for its
    turn and then does just the same; only while somebody asks for that by :meth:`keep`.

    Args:
        host: whose options are saved.
    """

    def __init__(self, host: SdNext) -> None:
        self._host = host
        self._turn = threading.RLock()
        self._in_line: set[int] = set()
        self._keepers: set[object] = set()
        self._table = PatchTable()
        self._lock = threading.Lock()

    def keep(self, keeper: object) -> None:
        """Have saves wait for each other, until every keeper has let go."""
        with self._lock:
            self._keepers.add(keeper)
            owner = type(self._host.opts)
            if hasattr(owner, _SAVE):
                self._table.install([Patch(owner, _SAVE, self._wrap, "no two saves of the settings at once")])

    def let_go(self, keeper: object) -> None:
        """Leave the host's function as it came, unless another keeper needs it."""
        with self._lock:
            self._keepers.discard(keeper)
            if not self._keepers:
                self._table.remove_all()

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """Keep every other save of this process off.

        Raises:
            TimeoutError: the one before does not end.
        """
        keeper = object()
        self.keep(keeper)
        try:
            if not self._turn.acquire(timeout=TURN_LIMIT_S):
                raise TimeoutError(f"a save before this one has not ended in {TURN_LIMIT_S:.0f} s")
            try:
                yield
            finally:
                self._turn.release()
        finally:
            self.let_go(keeper)

    def wait_for_begun(self) -> None:
        """Wait for saves that began before they could be lined up; gives up after a while."""
        give_up_at_s = SYSTEM_CLOCK() + TURN_LIMIT_S
        while any(map(self._is_stray, threading.enumerate())) and SYSTEM_CLOCK() < give_up_at_s:
            time.sleep(LOOK_S)

    def _is_stray(self, thread: threading.Thread) -> bool:
        is_save = thread.name.endswith(_THREAD_NAME) and thread is not threading.current_thread()
        return is_save and thread.ident not in self._in_line

    def _wrap(self, save: Callable[..., Any], switch: Switch) -> Callable[..., Any]:
        @functools.wraps(save)
        def save_in_turn(*args: Any, **kwargs: Any) -> Any:
            if not switch.is_on:
                return save(*args, **kwargs)
            thread_id = threading.get_ident()
            self._in_line.add(thread_id)
            # Without its turn after a while it saves all the same: the host alone would not have waited.
            has_turn = self._turn.acquire(timeout=TURN_LIMIT_S)
            try:
                return save(*args, **kwargs)
            finally:
                if has_turn:
                    self._turn.release()
                self._in_line.discard(thread_id)

        return save_in_turn


@contextlib.contextmanager
def others_kept_off(path: Path) -> Iterator[None]:
    """Keep other processes, SD.Next's too, from saving to a file.

    It is the lock that SD.Next takes, by its package ``fasteners``: on the first byte of ``<file>.lock``,
    which is removed afterwards. Where the lock cannot be had, for want of rights or because nobody lets go of
    it, goes on without one, as SD.Next does. It does not keep off other threads of this process.
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
        time.sleep(LOCK_LOOK_S)
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
