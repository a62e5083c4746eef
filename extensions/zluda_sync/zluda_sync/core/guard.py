"""The guard: the one place where an error of ours is caught, told once, and kept from whoever is watched.

And what is told of a job that went wrong: the page tells it at once, and it can be read later.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from types import TracebackType

from zluda_sync.core.clock import SYSTEM_CLOCK, Clock

#: Told what failed, in a few words, and by which error.
Teller = Callable[[str, Exception], None]
#: How long a notice stands beside the label, in seconds.
NEW_S = 8.0


class Told:
    """What was told already, so that nothing is told twice; any thread."""

    def __init__(self) -> None:
        self._all: set[Hashable] = set()

    def is_new(self, what: Hashable) -> bool:
        """Whether this is asked for the first time; from now on it is told."""
        is_new = what not in self._all
        self._all.add(what)
        return is_new


class Guard:
    """Keeps errors of an observer from what it observes; any thread.

    Args:
        tell: called once for each failure that is new: what failed, and the error.
        told: what was told already, shared with whoever tells of other things; its own if None.
    """

    def __init__(self, tell: Teller, told: Told | None = None) -> None:
        self._tell = tell
        self._told = told or Told()

    @classmethod
    def saying(cls, say: Callable[[str], None]) -> Guard:
        """Return a guard that tells of each failure in one sentence, which begins with what is watched."""
        return cls(lambda what, error: say(f"{what}: {type(error).__name__}: {error}"))

    def watching(self, what: str, on_error: Callable[[Exception], None] | None = None) -> Watch:
        """Return a context out of which no ``Exception`` gets.

        Args:
            what: is done in it, as the guard's teller takes it.
            on_error: called with the error first: switches off what has failed.
        """
        return Watch(self, what, on_error)

    def tell(self, what: str, error: Exception) -> None:
        """Tell of a failure, unless it was told before."""
        if self._told.is_new((what, type(error), str(error))):
            self._tell(what, error)


class Watch:
    """One context of a guard. Its own class, not a generator: it stands on the way of each step."""

    __slots__ = ("_guard", "_on_error", "_what")

    def __init__(self, guard: Guard, what: str, on_error: Callable[[Exception], None] | None) -> None:
        self._guard = guard
        self._what = what
        self._on_error = on_error

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> bool:
        if not isinstance(error, Exception):
            return False
        if self._on_error is not None:
            self._on_error(error)
        self._guard.tell(self._what, error)
        return True


class Notices:
    """Keeps the newest notice of one job."""

    def __init__(self, clock: Clock = SYSTEM_CLOCK) -> None:
        self._clock = clock
        self._newest: tuple[str, float] | None = None

    def tell(self, text: str) -> None:
        """Keep a notice, in place of the one before; any thread."""
        self._newest = (text, self._clock())

    @property
    def text(self) -> str:
        """The newest notice, empty if there is none."""
        return self.read()[0]

    def read(self) -> tuple[str, bool]:
        """Return the newest notice, empty if there is none, and whether that very one is new."""
        newest = self._newest
        if newest is None:
            return "", False
        text, told_at_s = newest
        return text, self._clock() - told_at_s < NEW_S
