"""What the user wants of a request that runs: Stop, Skip, Pause, Stop after this image."""

from __future__ import annotations

import threading
from collections.abc import Callable
from enum import Enum

from zluda_sync.core.clock import SYSTEM_CLOCK, Clock

#: Where a request is: its cell, counted from 0 over the request, and the image of that cell, zero-based;
#: -1 is before the first image.
Position = tuple[int, int]

#: A press so soon after one that was obeyed is the second half of a double click, in seconds.
DOUBLE_CLICK_S = 0.4


class Ending(str, Enum):
    """How the user wants something to end before its time."""

    STOP = "stop"
    STOP_AFTER_IMAGE = "stop-after-image"
    SKIP = "skip"


#: What ends the whole request, and not an image of it alone.
ENDS_REQUEST = (Ending.STOP, Ending.STOP_AFTER_IMAGE)


class RequestWishes:
    """Keeps the user's wishes for one request, until the request is over.

    A *request* is what one press of a button, or one call of the API, makes the host do. A *cell* is one
    picture call of the host within it: a plain request has one, a grid many, and cells may lie within a cell.

    Wishes come from any thread. The thread that runs the request tells where the request is.

    Args:
        clock: for the moment of a press.
    """

    def __init__(self, clock: Clock = SYSTEM_CLOCK) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._cells: list[tuple[int, Callable[[], int]]] = []
        self._cells_begun = 0
        self._newest_ended = -1
        self._stopped_at_s: float | None = None
        self._stop_pressed_at_s: float | None = None
        self._last_wanted: Position | None = None
        self._skipped: Position | None = None
        self._skip_pressed_at_s: float | None = None
        self._is_paused = False
        self._is_over = False
        self._whole: Position | None = None
        self._newest_whole: Position | None = None
        self._on_change: Callable[[], None] | None = None

    # Wishes. Any thread.

    def stop(self) -> bool:
        """End the request as soon as can be. Ends a pause; a second Stop changes nothing.

        Returns:
            False if the request was over already.
        """
        with self._changed:
            self._stop_pressed_at_s = self._clock()
            if self._stopped_at_s is None:
                self._stopped_at_s = self._stop_pressed_at_s
            self._is_paused = False
            self._update()
            was_in_time = not self._is_over
        self._tell()
        return was_in_time

    def stop_after_image(self) -> bool:
        """End the request when the image that is made now is whole, or its first one if it has none yet.

        Returns:
            False if the request was over already.
        """
        with self._changed:
            if self._last_wanted is None:
                self._last_wanted = self._image_meant()
            self._update()
            was_in_time = not self._is_over
        self._tell()
        return was_in_time

    def skip(self) -> bool:
        """Leave the image that is made now, and go on with the next.

        Returns:
            False if it is the second half of a double click, whose image has been left already.
        """
        with self._changed:
            now_s, before_s = self._clock(), self._skip_pressed_at_s
            self._skip_pressed_at_s = now_s
            is_echo = before_s is not None and now_s - before_s < DOUBLE_CLICK_S
            cell, image = meant = self._image_meant()
            if is_echo and self._skipped is not None and self._skipped != meant:
                return False
            if not self._is_between_cells:  # there is no image that could be meant
                self._skipped = (cell, image + 1) if meant == self._newest_whole else meant
            self._update()
        self._tell()
        return True

    def pause(self, is_paused: bool) -> None:
        """Hold before the next step, or go on; after Stop there is nothing to hold."""
        with self._changed:
            self._is_paused = is_paused and self._stopped_at_s is None
        self._tell()

    # What is asked of it. Any thread; nothing changes by it.

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
    def is_past_skipped(self) -> bool:
        """Whether the cell has gone on from the image that was skipped to a later one."""
        skipped, (cell, image) = self._skipped, self._position()
        return skipped is not None and skipped[0] == cell and skipped[1] < image

    @property
    def is_paused(self) -> bool:
        """Whether the next step is to wait."""
        return self._is_paused

    @property
    def is_held(self) -> bool:
        """Whether a pause keeps the job from going on: neither stopped nor skipped, and not over."""
        return self._is_paused and not self._is_over and not self.wants_out()

    @property
    def is_in_inner_cell(self) -> bool:
        """Whether the image that is made now belongs to a cell within another."""
        return len(self._cells) > 1

    @property
    def depth(self) -> int:
        """How many cells lie around each other where the request is; 0 between them."""
        return len(self._cells)

    @property
    def stopped_at_s(self) -> float | None:
        """When Stop was pressed, None if it was not."""
        return self._stopped_at_s

    @property
    def is_over(self) -> bool:
        """Whether the request has ended."""
        return self._is_over

    def wants_out(self) -> bool:
        """Whether what is computed now is not wanted any more."""
        return self.is_stopped or self.is_skipped

    # Where the request is. The thread that runs it.

    def wait_while_paused(self) -> None:
        """Block until the job need not be held any more."""
        with self._changed:
            self._changed.wait_for(lambda: not self.is_held)

    def begin_job(self, find_image: Callable[[], int], on_change: Callable[[], None]) -> None:
        """A job of the request begins, and with it a cell.

        Args:
            find_image: returns the zero-based index of the image that is made now; any thread.
            on_change: called after each wish, on the thread of whoever wished.
        """
        with self._changed:
            self._cells.clear()
            self._on_change = on_change
            self._begin_cell(find_image)

    def end_job(self) -> None:
        """The job of the request has ended; others may follow."""
        with self._changed:
            self._newest_ended = max(self._newest_ended, *(cell for cell, _ in self._cells), -1)
            self._cells.clear()
            self._on_change = self._whole = None
            self._update()

    def begin_cell(self, find_image: Callable[[], int]) -> None:
        """A cell begins within the one that is made now.

        Args:
            find_image: returns the zero-based index of its image that is made now; any thread.
        """
        with self._changed:
            self._begin_cell(find_image)

    def end_cell(self) -> None:
        """The innermost cell has ended."""
        with self._changed:
            if self._cells:
                self._newest_ended = self._cells.pop()[0]
            self._whole = None
            self._update()

    def begin_phase(self) -> None:
        """The host has gone on to other work: a Stop holds for that again."""
        self._whole = None

    def note_whole_picture(self) -> None:
        """All pictures of the image are there: a Stop that came too late for it does not throw them away."""
        self._whole = self._newest_whole = self._position()

    def end_request(self) -> None:
        """The request is over: nobody waits any more."""
        with self._changed:
            self._is_over = True
        self._tell()

    # With the lock held.

    def _begin_cell(self, find_image: Callable[[], int]) -> None:
        self._cells.append((self._cells_begun, find_image))
        self._cells_begun += 1
        self._whole = None
        self._update()

    def _update(self) -> None:
        """A wish, or the place of the request, has changed."""

    # Without.

    @property
    def _is_between_cells(self) -> bool:
        """Whether a cell within the innermost one has ended, and the next has not begun."""
        return bool(self._cells) and self._newest_ended > self._cells[-1][0]

    def _position(self) -> Position:
        try:
            cell, find_image = self._cells[-1]
        except IndexError:  # before the first cell, or after the last so far
            return self._cells_begun, -1
        return cell, find_image()

    def _image_meant(self) -> Position:
        """The image that is made now, or the first of the cell to come."""
        cell, image = self._position()
        return cell, max(image, 0)

    def _tell(self) -> None:
        with self._changed:
            self._changed.notify_all()
            on_change = self._on_change
        if on_change is not None:
            on_change()
