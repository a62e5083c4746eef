"""What the host knows of the user's wishes for a request, and how one that has forgotten is told again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from zluda_sync.core.clock import SYSTEM_CLOCK, Clock
from zluda_sync.core.errors import Interrupted
from zluda_sync.core.wishes.request_wishes import DOUBLE_CLICK_S, Ending, RequestWishes


class Control(RequestWishes):
    """The user's wishes for one request, and what the host knows of them.

    The host has flags of its own for Stop and Skip, which scripts read and write, and which it clears with
    each phase that begins. They are left as they are. Kept here is the wish beside the flag, and whether the
    host *knows* of it: it has asked for its flag and was answered yes, or was made to leave what it computed.
    A host that knows is left to end in its own way. One that has forgotten is told again where it would begin
    work for the device: :meth:`press_again` sets its flag, as if the user had pressed at that moment.

    The host's questions come from the thread that runs the request.

    Args:
        clock: for the moment of a press.
        press: sets the host's own flag for Stop or Skip.
        begun_at_s: when the request was begun, None if that is not known.

    Attributes:
        leave_signal: raised where what is computed is left.
        must_leave: whether what is computed now is not wanted any more, and the host does not know. Model
            blocks look at it: one plain attribute, no lock. It may be True a moment too long after a Skip;
            :meth:`take_leave` is exact.
        was_pressed_again: whether the host's flag was set because it had forgotten a wish.
        unfinished_picture: what the host would have delivered in place of the picture that was stopped,
            None if there is none.
        newest_picture: the newest that was made whole, None before the first.
        is_loading: whether the host loads a model: one that is loaded by halves would fail the next request.
        id: by which clients know the request, empty while nobody was told one.
        name: of the page's task, or as its caller has called it; empty if neither is known.
        jobs_begun: jobs of it so far.
    """

    def __init__(
        self,
        clock: Clock = SYSTEM_CLOCK,
        press: Callable[[Ending], None] = lambda ending: None,
        begun_at_s: float | None = None,
    ) -> None:
        super().__init__(clock)
        self._press = press
        self.leave_signal: type[BaseException] = Interrupted
        self._known: set[Ending] = set()
        self._stop_known_at_s: float | None = None
        self._stop_answered_at_s: float | None = None
        self.must_leave = False
        self.is_loading = False
        self.was_pressed_again = False
        self.begun_at_s = begun_at_s
        self.unfinished_picture: Any = None
        self.newest_picture: Any = None
        self._owes_flag = False
        self.id = self.name = ""
        self.jobs_begun = 0

    def stop_by_name(self) -> bool:
        """Stop this request and no other, whatever the host runs by now. Any thread.

        The button sets the host's flag at once, which is one for all requests. Here the flag is owed: the
        thread of the request sets it where it next asks or writes, so it is what a script sees of the button,
        and no other request ever meets it. A request that is over leaves the debt behind with itself.

        Returns:
            False if the request was over already.
        """
        with self._changed:
            self._owes_flag = not (self._is_over or self.is_loading or self.is_stop_repeated())
        return self.stop()

    def pay_flag(self) -> None:
        """Set the host's flag if a Stop by name owes it. The thread that runs the request."""
        if self._owes_flag:
            self._owes_flag = False
            self._press(Ending.STOP)

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
        if ending is Ending.STOP:
            self._owes_flag = False
        if ending in self._known:
            with self._changed:
                self._known.discard(ending)
                self._update()

    def withdraw(self, ending: Ending) -> None:
        """The host or a script has cleared its flag on purpose: the wish was answered."""
        if ending is Ending.STOP:
            self._owes_flag = False
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

    @property
    def was_stopped(self) -> bool:
        """Whether the request is to end now, or a script has obeyed a Stop and cleared the flag since."""
        return self.is_stopped or self._stop_answered_at_s is not None

    def is_stop_repeated(self) -> bool:
        """Whether a Stop now is the second half of a double click, whose first half has been obeyed.

        The host's flag is not set for it: the host may be past what was stopped, and putting together what
        there is. Any thread.
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

    def end_request(self) -> None:
        """The request is over: nobody waits any more, and its pictures are let go."""
        self.unfinished_picture = self.newest_picture = None
        super().end_request()

    def _update(self) -> None:
        is_unknown_stop = self.is_stopped and Ending.STOP not in self._known
        self.must_leave = is_unknown_stop or (self.is_skipped and Ending.SKIP not in self._known)

    def _note_known(self, ending: Ending) -> None:
        if ending not in self._known:
            with self._changed:
                self._known.add(ending)
                if ending is Ending.STOP and self._stopped_at_s is not None:
                    self._stop_known_at_s = self._clock()
                self._update()
