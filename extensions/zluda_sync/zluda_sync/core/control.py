"""What the user has asked of a request that runs: Stop, Skip, Pause, Stop after this image."""

from __future__ import annotations

import threading
from collections.abc import Callable
from enum import Enum

from zluda_sync.core.clock import SYSTEM_CLOCK, Clock

#: Where a request is: its job, and the image of that job, both zero-based; -1 is before the first image.
Position = tuple[int, int]


class Ending(str, Enum):
    """How the user wants something to end before its time."""

    STOP = "stop"
    STOP_AFTER_IMAGE = "stop-after-image"
    SKIP = "skip"


class Control:
    """Keeps the user's wishes for one request, until the request is over.

    A *request* is what one press of a button, or one call of the API, makes the host do: mostly one job, with
    a grid script many one after the other. The host's own flags forget a wish at each phase that begins.
    These do not, and they end with the request, so that no wish reaches the next one.

    Wishes come from any thread. The host's questions come from the thread that runs the request.

    Attributes:
        must_leave: whether what is computed now is not wanted any more. Model blocks look at it: one plain
            attribute, no lock. It may be True a moment too long after a Skip; :meth:`wants_out` is exact.
    """

    def __init__(self, clock: Clock = SYSTEM_CLOCK) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._find_image: Callable[[], int] | None = None
        self._jobs_begun = 0
        self._stopped_at_s: float | None = None
        self._last_wanted: Position | None = None
        self._skipped: Position | None = None
        self._is_paused = False
        self._is_over = False
        self._whole: Position | None = None
        self._on_change: Callable[[], None] | None = None
        self.must_leave = False
        self.is_loading = False

    # Wishes. Any thread.

    def stop(self) -> None:
        """End the request as soon as can be. Ends a pause; a second Stop changes nothing."""
        with self._changed:
            if self._stopped_at_s is None:
                self._stopped_at_s = self._clock()
            self._is_paused = False
            self.must_leave = True
        self._tell()

    def stop_after_image(self) -> None:
        """End the request when the image that is made now is whole."""
        with self._changed:
            if self._last_wanted is None:
                self._last_wanted = self._image_meant()
        self._tell()

    def skip(self) -> None:
        """Leave the image that is made now, and go on with the next."""
        with self._changed:
            self._skipped = self._image_meant()
            self.must_leave = True
        self._tell()

    def pause(self, is_paused: bool) -> None:
        """Hold before the next step, or go on; after Stop there is nothing to hold."""
        with self._changed:
            self._is_paused = is_paused and self._stopped_at_s is None
        self._tell()

    # What is asked of it.

    @property
    def ending(self) -> Ending | None:
        """The strongest wish that is in force, None if the request is to go on."""
        if self._stopped_at_s is not None:
            return Ending.STOP
        if self.is_skipped:
            return Ending.SKIP
        return Ending.STOP_AFTER_IMAGE if self._last_wanted is not None else None

    @property
    def is_stopped(self) -> bool:
        """Whether the request is to end now: stopped, or past the image after which it was to stop."""
        if self._stopped_at_s is not None:
            return True
        return self._last_wanted is not None and self._position() > self._last_wanted

    @property
    def is_skipped(self) -> bool:
        """Whether the image that is made now is not wanted; the next one is."""
        return self._skipped is not None and self._skipped == self._position()

    @property
    def is_paused(self) -> bool:
        """Whether the next step is to wait."""
        return self._is_paused

    @property
    def is_held(self) -> bool:
        """Whether a pause keeps the job from going on: neither stopped nor skipped, and not over."""
        return self._is_paused and not self._is_over and not self.wants_out()

    @property
    def stopped_at_s(self) -> float | None:
        """When Stop was pressed, None if it was not."""
        return self._stopped_at_s

    def wants_out(self) -> bool:
        """Whether to leave what is computed now; puts ``must_leave`` right."""
        with self._changed:
            self.must_leave = self.is_stopped or self.is_skipped
            return self.must_leave

    def is_host_to_stop(self) -> bool:
        """Answer the host's own question whether it was interrupted.

        No in two cases, for the moment: a model that is loaded by halves would fail the next job, and a
        picture that became whole all the same is not thrown away.
        """
        if self.is_loading:
            return False
        if self._whole is not None and self._whole == self._position():
            self._whole = None
            return False
        return self.is_stopped

    def wait_while_paused(self) -> None:
        """Block until the job need not be held any more."""
        with self._changed:
            self._changed.wait_for(lambda: not self.is_held)

    # What the job tells. The thread that runs it.

    def begin_job(self, find_image: Callable[[], int], on_change: Callable[[], None]) -> None:
        """A job of the request begins.

        Args:
            find_image: gives the zero-based index of the image that is made now; any thread.
            on_change: called after each wish, on the thread of whoever wished.
        """
        with self._changed:
            self._find_image, self._on_change = find_image, on_change
            self._jobs_begun += 1

    def end_job(self) -> None:
        """The job of the request has ended; others may follow."""
        with self._changed:
            self._find_image = self._on_change = self._whole = None
            self.must_leave = self._stopped_at_s is not None

    def begin_phase(self) -> None:
        """The host has gone on to other work: a Stop holds for that again."""
        self._whole = None

    def picture_is_whole(self) -> None:
        """All pictures of the image are there: a Stop that came too late for it does not throw them away."""
        self._whole = self._position()

    def unskip(self) -> None:
        """The host has taken note of the Skip."""
        with self._changed:
            self._skipped = None
            self.must_leave = self._stopped_at_s is not None

    def end_request(self) -> None:
        """The request is over: nobody waits any more."""
        with self._changed:
            self._is_over = True
        self._tell()

    def _position(self) -> Position:
        find_image = self._find_image
        return (self._jobs_begun, -1) if find_image is None else (self._jobs_begun - 1, find_image())

    def _image_meant(self) -> Position:
        """The image that is made now, or the first of the job to come."""
        job, image = self._position()
        return job, max(image, 0)

    def _tell(self) -> None:
        with self._changed:
            self._changed.notify_all()
            on_change = self._on_change
        if on_change is not None:
            on_change()
