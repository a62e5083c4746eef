"""SD.Next's own saves of its settings: one after the other, and none while ours is at work."""

from __future__ import annotations

import contextlib
import functools
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from zluda_sync.core.clock import SYSTEM_CLOCK
from zluda_sync.host.hooks.patch_table import Patch, PatchTable, Switch
from zluda_sync.host.sdnext import SdNext

#: How long one save waits for another, and how often that is looked at, in seconds.
TURN_LIMIT_S = 10.0
LOOK_S = 0.001
_SAVE = "save_atomic"
#: Python names a thread after what it runs, and each save of the host has a thread of its own.
_THREAD_NAME = f"({_SAVE})"


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
        """Wait until saves have ended that began before they could be lined up; gives up after a while."""
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
