"""``track``: true progress of one diffusers pipeline, with Stop and previews, without any host."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from os import PathLike
from types import TracebackType
from typing import Any

from PIL import Image

from zluda_sync.core.clock import SYSTEM_CLOCK
from zluda_sync.core.errors import Stopped
from zluda_sync.core.progress.snapshot import ProgressSnapshot
from zluda_sync.core.steps.policy import SyncMode
from zluda_sync.pipeline.followed_call import FollowedCall
from zluda_sync.pipeline.pipeline_hooks import hooked
from zluda_sync.pipeline.progress_reports import PERIOD_S, ProgressReports, TerminalBar
from zluda_sync.pipeline.track_session import device_of, session_in

#: How long the end of a block waits to tell its listeners that the device is done, and its looks, in seconds.
NOTICE_S, LOOK_S = 0.2, 0.005


def track(
    pipe: Any,
    *,
    mode: SyncMode | str | None = None,
    on_progress: Callable[[ProgressSnapshot], Any] | None = None,
    bar: bool = False,
    folder: str | PathLike[str] | None = None,
) -> TrackedPipeline:
    """Follow what the device has finished of a pipeline's calls, for the length of a ``with`` block.

    ::

        with track(pipe) as job:
            image = pipe("a red circle").images[0]

    The pipeline's own bar then shows finished steps. ``job.progress``, ``job.stop()`` and ``job.preview()``
    may be used from any thread, and ``for progress in job`` yields each change. After the block the pipeline
    is as it was. Nothing of this ever breaks a call: an error of ours is logged once, and the call goes on.

    Args:
        pipe: a pipeline of diffusers, standard or modular, or anything that is called like one.
        mode: when to wait for the device. By default what the device's self-test has shown to be truthful,
            and ``every-step`` until there was one; the test runs once, while no call does, and is kept.
            With ``off`` nothing is touched, and nothing known.
        on_progress: called with each new :class:`Progress`, ten times a second at most, on a thread of ours.
        bar: whether to draw a bar over each whole call on the terminal, encoding and decoding included.
        folder: where what is learned of devices and durations is kept; the user's cache folder by default.
    Raises:
        TypeError: the pipeline cannot be followed, or is tracked already. Raised by ``with``.
        ValueError: there is no such mode.
    """
    return TrackedPipeline(pipe, SyncMode(mode) if mode is not None else None, on_progress, bar, folder)


class TrackedPipeline:
    """A pipeline while it is tracked. Made by :func:`track`."""

    def __init__(
        self,
        pipe: Any,
        mode: SyncMode | None,
        on_progress: Callable[[ProgressSnapshot], Any] | None,
        bar: bool,
        folder: str | PathLike[str] | None,
    ) -> None:
        self._pipe = pipe
        self._mode = mode
        self._session = session_in(folder)
        self._terminal_bar = TerminalBar() if bar else None
        shown = self._terminal_bar.show if self._terminal_bar is not None else None
        listeners = [one for one in (on_progress, shown) if one is not None]
        self._reports = ProgressReports(lambda: self.progress, listeners, self._session.guard)
        self._call = FollowedCall(self._session, mode, self._reports.hurry)
        self._undo = ExitStack()
        self._is_begun = False
        self._is_over = threading.Event()
        self._calls_iterated = 0

    def __enter__(self) -> TrackedPipeline:
        if self._is_begun:
            raise RuntimeError("track(pipe) is good for one block: call it again for another")
        if self._mode is not SyncMode.OFF:
            self._undo.enter_context(hooked(self._pipe, self._call))
        self._is_begun = True
        if self._mode is None:
            with self._session.guard.watching("asking the device"):
                self._session.ask_device(device_of(self._pipe))
        self._reports.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> bool:
        self._undo.close()
        self._call.close()
        until_s = SYSTEM_CLOCK() + NOTICE_S
        while self._reports.has_listeners and self._call.is_running and SYSTEM_CLOCK() < until_s:
            time.sleep(LOOK_S)  # that a device is done is noticed a moment later
        self._is_over.set()
        self._reports.stop()
        if self._terminal_bar is not None:
            self._terminal_bar.close()
        return isinstance(error, Stopped) and self.is_stopped

    def __iter__(self) -> Iterator[ProgressSnapshot]:
        """Yield each change of the progress until a call is over: the one that runs, or else the next one.

        One that was over before anybody could iterate is told of, too. The last that is yielded is how the
        call has ended.
        """
        newest: ProgressSnapshot | None = None
        ended = self._calls_iterated
        while True:
            has_ended = self._call.calls_ended > ended and not self._call.is_running
            is_over = has_ended or self._is_over.is_set()
            progress = self.progress
            if progress is not None and progress != newest:
                newest = progress
                yield progress
            if is_over:
                self._calls_iterated = self._call.calls_ended
                return
            self._is_over.wait(PERIOD_S)

    @property
    def progress(self) -> ProgressSnapshot | None:
        """The progress of the call that runs, or of the last one; None before the first. Never waits."""
        return self._call.progress

    @property
    def is_stopped(self) -> bool:
        """Whether :meth:`stop` was called."""
        return self._call.is_stopped

    @property
    def explanation(self) -> str:
        """What is known of the pipeline's device, in one sentence."""
        return self._session.explain(device_of(self._pipe))

    def stop(self) -> None:
        """End the call that runs, or the next one, within a block of its model, and the ``with`` block."""
        self._call.stop()

    def preview(self) -> Image.Image | None:
        """Return the picture of the newest finished step, None while there is none. Never waits.

        Previews are made from the first time on that this is asked for, and for some seconds after each.
        """
        return self._call.preview()
