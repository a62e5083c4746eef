"""Previews by the method that the user has chosen in the host, made on a thread of their own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from zluda_sync.host.preview.previews import Newest, PreviewSource

#: What one preview of the host is waited for at the end of a job, in seconds.
END_LIMIT_S = 1.0


class HostMethodPreviews(PreviewSource):
    """Has the host make its preview when somebody looks; whoever looks is not kept waiting.

    The host reads the latents as any client does, so they are those of a finished step. Its own work on the
    device comes behind what is queued, which is what this thread waits for.

    Args:
        make: makes the host's preview of the moment and returns it with its step, None if there is none.
        warn: told once if that fails.
    """

    reads_latents = True

    def __init__(self, make: Callable[[], tuple[int, Any] | None], warn: Callable[[str], None]) -> None:
        self._make = make
        self._warn = warn
        self._newest: tuple[int, Any] | None = None
        self._is_wanted = threading.Event()
        self._is_over = False
        self._begun = threading.Lock()  # taken once, and never waited for: clients look on many threads
        self._thread: threading.Thread | None = None

    def look(self) -> None:
        if not self._is_over and self._begun.acquire(blocking=False):
            thread = threading.Thread(target=self._run, name="zluda_sync-previews", daemon=True)
            thread.start()
            self._thread = thread
        self._is_wanted.set()

    def newest(self) -> Newest | None:
        newest = self._newest
        if newest is None:
            return None
        step, image = newest
        return Newest(id(image), step, lambda: [image])

    def close(self) -> None:
        self._is_over = True
        self._is_wanted.set()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(END_LIMIT_S)

    def _run(self) -> None:
        while True:
            self._is_wanted.wait()
            self._is_wanted.clear()
            if self._is_over:
                return
            try:
                self._newest = self._make() or self._newest
            except Exception as error:  # noqa: BLE001  a preview never breaks a generation
                self.is_off = True
                self._warn(f"the host's preview failed: {type(error).__name__}: {error}")
                return
