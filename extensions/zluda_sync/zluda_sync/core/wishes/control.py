"""What the user has asked of a request that runs: Stop, Skip, Pause, Stop after this image."""

from __future__ import annotations

import threading
from collections.abc import Callable
from enum import Enum
from typing import Any

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


class Control:
    """Keeps the user's wishes for one request, until the request is over.

    A *request* is what one press of a button, or one call of the API, makes the host do. A *cell* is one
    picture call of the host within it: a plain request has one, a grid many, and cells may lie within a cell.

    The host has flags of its own for Stop and Skip, which scripts read and write, and which it clears with
    each phase that begins. They are left as they are. Kept here is the wish beside the flag, and whether the
    host *knows* of it: it has asked for its flag and was answered yes, or was made to leave what it computed.
    A host that knows is left to end in its own way. One that has forgotten is told again where it would begin
    work for the device: :meth:`press_again` sets its flag, as if the user had pressed at that moment.

    Wishes come from any thread. The host's questions come from the thread that runs the request.

    Args:
        clock: for the moment of a press.
        press: sets the host's own flag for Stop or Skip.
        begun_at_s: when the request was begun, None if that is not known.

    Attributes:
        must_leave: whether what is computed now is not wanted any more, and the host does not know. Model
            blocks look at it: one plain attribute, no lock. It may be True a moment too long after a Skip;
            :meth:`take_leave` is exact.
        was_pressed_again: whether the host's flag was set because it had forgotten a wish.
        unfinished_picture: what the host would have delivered in the place of the picture that was stopped,
            None if there is none.
        newest_picture: the newest that was made whole, None before the first.
        is_loading: whether the host loads a model: one that is loaded by halves would fail the next request.
    """

    def __init__(
        self,
        clock: Clock = SYSTEM_CLOCK,
        press: Callable[[Ending], None] = lambda ending: None,
        begun_at_s: float | None = None,
    ) -> None:
        self._clock = clock
        self._press = press
        self._changed = threading.Condition()
        self._cells: list[tuple[int, Callable[[], int]]] = []
        self._cells_begun = 0
        self._newest_ended = -1
        self._stopped_at_s: float | None = None
        self._stop_pressed_at_s: float | None = None
        self._stop_known_at_s: float | None = None
        self._stop_answered_at_s: float | None = None
        self._last_wanted: Position | None = None
        self._skipped: Position | None = None
        self._skip_pressed_at_s: float | None = None
        self._is_paused = False
        self._is_over = False
        self._whole: Position | None = None
        self._newest_whole: Position | None = None
        self._on_change: Callable[[], None] | None = None
        self._known: set[Ending] = set()
        self.must_leave = False
        self.is_loading = False
        self.was_pressed_again = False
        self.begun_at_s = begun_at_s
        self.unfinished_picture: Any = None
        self.newest_picture: Any = None

    # Wishes. Any thread.

    def stop(self) -> None:
        """End the request as soon as can be. Ends a pause; a second Stop changes nothing."""
        with self._changed:
            self._stop_pressed_at_s = self._clock()
            if self._stopped_at_s is None:
                self._stopped_at_s = self._stop_pressed_at_s
            self._is_paused = False
            self._update()
        self._tell()

    def stop_after_image(self) -> None:
        """End the request when the image that is made now is whole."""
        with self._changed:
            if self._last_wanted is None:
                self._last_wanted = self._image_meant()
            self._update()
        self._tell()

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
    def stopped_at_s(self) -> float | None:
        """When Stop was pressed, None if it was not."""
        return self._stopped_at_s

    def is_stop_repeated(self) -> bool:
        """Whether a Stop now is the second half of a double click, whose first half has been obeyed.

        The host's flag is not set for it: the host may be past what was stopped, and putting together what
        there is.
        """
        pressed_at_s, known_at_s = self._stop_pressed_at_s, self._stop_known_at_s
        if self._stopped_at_s is None or pressed_at_s is None or known_at_s is None:
            return False
        return self._clock() - max(pressed_at_s, known_at_s) < DOUBLE_CLICK_S

    def is_answered_stop_repeated(self) -> bool:
        """Whether a Stop now is the second half of a double click that a script has answered already.

        It was obeyed, and the script has cleared the flag to go on or to end in its own way.
        """
        pressed_at_s, answered_at_s = self._stop_pressed_at_s, self._stop_answered_at_s
        if self._stopped_at_s is not None or pressed_at_s is None or answered_at_s is None:
            return False
        return self._clock() - max(pressed_at_s, answered_at_s) < DOUBLE_CLICK_S

    def wants_out(self) -> bool:
        """Whether what is computed now is not wanted any more."""
        return self.is_stopped or self.is_skipped

    # What the host asks and tells. The thread that runs the request.

    def answer_interrupted(self, flag: bool) -> bool:
        """Return what the host is answered that asks for its flag of Stop, and note that it knows.

        Its flag, but for two cases. A picture that became whole all the same is not thrown away: once, right
        after it was made, the answer is no. And a loop over images is told that the last one wanted is done.

        Args:
            flag: as it stands.
        """
        if self._whole is not None:
            is_excused, self._whole = self._whole == self._position(), None
            if is_excused:
                return False
        if flag:
            self._note_known(Ending.STOP)
            return True
        last_wanted, (cell, image) = self._last_wanted, self._position()
        return last_wanted is not None and last_wanted[0] == cell and last_wanted[1] < image

    def answer_skipped(self, flag: bool) -> bool:
        """Return what the host is answered that asks for its flag of Skip, and note that it knows.

        Its flag, but for one case: SD.Next alone leaves out the image after the one that was skipped too.
        """
        if flag and not self.is_past_skipped:
            self._note_known(Ending.SKIP)
            return True
        return False

    def take_over_skip(self) -> None:
        """A script skips the image that is made now: what it says is not the user's press of before.

        SD.Next alone leaves out the image after a skipped one, too. Where that was spared the user, whose
        Skip left the image before this one, it is spared here: the two would cost more than they do alone.
        """
        if not self.is_past_skipped:
            self.withdraw(Ending.SKIP)
            return
        with self._changed:
            self._skipped = self._image_meant()
            self._known.add(Ending.SKIP)
            self._update()

    def take_leave(self) -> bool:
        """Whether to leave what is computed now; if so, the host's flag is set, and the host knows by it."""
        with self._changed:
            self._update()
            if not self.must_leave:
                return False
        self.press_again()
        self._note_known(Ending.STOP if self.is_stopped else Ending.SKIP)
        return True

    def press_again(self) -> None:
        """Set the host's own flag if it has forgotten a wish that is in force."""
        if self.must_leave and self.wants_out():
            self._press(Ending.STOP if self.is_stopped else Ending.SKIP)

    def forget(self, ending: Ending) -> None:
        """The host has cleared its flag, as each phase that begins does: it does not know any more."""
        if ending in self._known:
            with self._changed:
                self._known.discard(ending)
                self._update()

    def withdraw(self, ending: Ending) -> None:
        """The host or a script has cleared its flag on purpose: the wish was answered."""
        if self._skipped is None and self.ending is None and not self._known:
            return  # as mostly: no lock is taken for it
        with self._changed:
            if ending is Ending.SKIP:
                self._skipped = None
            else:
                if Ending.STOP in self._known:
                    self._stop_answered_at_s = self._clock()
                self._stopped_at_s = self._last_wanted = self._stop_known_at_s = None
            self._known.discard(ending)
            self._update()
        self._tell()

    def wait_while_paused(self) -> None:
        """Block until the job need not be held any more."""
        with self._changed:
            self._changed.wait_for(lambda: not self.is_held)

    def begin_job(self, find_image: Callable[[], int], on_change: Callable[[], None]) -> None:
        """A job of the request begins, and with it a cell.

        Args:
            find_image: gives the zero-based index of the image that is made now; any thread.
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
            find_image: gives the zero-based index of its image that is made now; any thread.
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
        self.unfinished_picture = self.newest_picture = None
        self._tell()

    # With the lock held.

    def _begin_cell(self, find_image: Callable[[], int]) -> None:
        self._cells.append((self._cells_begun, find_image))
        self._cells_begun += 1
        self._whole = None
        self._update()

    def _update(self) -> None:
        is_unknown_stop = self.is_stopped and Ending.STOP not in self._known
        self.must_leave = is_unknown_stop or (self.is_skipped and Ending.SKIP not in self._known)

    # Without.

    def _note_known(self, ending: Ending) -> None:
        if ending not in self._known:
            with self._changed:
                self._known.add(ending)
                if ending is Ending.STOP and self._stopped_at_s is not None:
                    self._stop_known_at_s = self._clock()
                self._update()

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
