"""The status as a stream of texts for any number of clients: read and written once for all of them."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from zluda_sync.core.answers import to_json_text
from zluda_sync.core.clock import SYSTEM_CLOCK, Clock
from zluda_sync.core.guard import Guard
from zluda_sync.host.api.status import StatusAnswer

#: Streams that are served at the same time.
MOST_STREAMS = 64
#: A stream ends after so many seconds, and the browser opens another: a forgotten one does not live for ever.
LONGEST_STREAM_S = 600.0
#: A silent stream says so often that it lives, in seconds.
HEARTBEAT_S = 2.0
#: A status younger than this is not read anew, in seconds: all clients wake at the same moments.
SAME_MOMENT_S = 0.02
#: How soon a stream notices that it is to end, in seconds.
_LONGEST_NAP_S = 0.25
#: A browser that has lost the stream tries again after so many milliseconds.
RETRY = "retry: 2000\n\n"
HEARTBEAT = "event: heartbeat\ndata: {}\n\n"


@dataclass(frozen=True)
class News:
    """A status that differs from the one before it.

    Attributes:
        number: counts the changes.
        event: the whole text of the event that tells it.
        status: what it tells, None before the first.
    """

    number: int
    event: str
    status: StatusAnswer | None


class StatusFeed:
    """Reads the status for all streams. On the thread of the event loop alone, except :meth:`close`.

    Args:
        build: makes the status; must not wait.
        warn: told in one sentence of a status that could not be made; streams then stand still.
        clock: seconds.
        record_told: told of each status that a client was sent.

    Attributes:
        made: statuses that were read.
        streams: that are open.
    """

    def __init__(
        self,
        build: Callable[[], StatusAnswer],
        warn: Callable[[str], None],
        clock: Clock = SYSTEM_CLOCK,
        record_told: Callable[[StatusAnswer], None] = lambda status: None,
    ) -> None:
        self._build = build
        self._guard = Guard.saying(warn)
        self._clock = clock
        self._record_told = record_told
        self._text = ""
        self._news = News(0, "", None)
        self._read_at_s = -math.inf
        self._is_closed = False
        self.made = 0
        self.streams = 0

    def poll(self) -> News:
        """Return what there is to tell now; the same object as before if nothing has changed."""
        now_s = self._clock()
        if now_s - self._read_at_s >= SAME_MOMENT_S:
            self._read_at_s = now_s
            self.made += 1
            with self._guard.watching("the status cannot be told"):  # a stream outlives what it tells of
                self._read()
        return self._news

    def _read(self) -> None:
        status = self._build()
        text = to_json_text(status)
        if text != self._text:
            number = self._news.number + 1
            self._text = text
            self._news = News(number, f"event: status\nid: {number}\ndata: {text}\n\n", status)

    def close(self) -> None:
        """End every stream soon; any thread."""
        self._is_closed = True

    async def stream(self, rate_hz: float, is_leaving: Callable[[], bool]) -> AsyncIterator[str]:
        """Yield the texts of one stream: each change, at most so often, and a heartbeat in silence.

        All streams of one rate wake at the same moments, so that one reading serves them all.

        Args:
            rate_hz: events a second at most.
            is_leaving: whether the server is about to end.
        """
        yield RETRY
        period_s, told, began_s = 1 / rate_hz, 0, self._clock()
        silent_since_s = began_s
        while True:
            now_s = self._clock()
            if self._is_closed or is_leaving() or now_s - began_s >= LONGEST_STREAM_S:
                return
            news = self.poll()
            if news.number != told:
                told, silent_since_s = news.number, now_s
                yield news.event
                if news.status is not None:
                    self._record_told(news.status)  # it has been sent
            elif now_s - silent_since_s >= HEARTBEAT_S:
                silent_since_s = now_s
                yield HEARTBEAT
            await self._sleep_until_tick(period_s, is_leaving)

    async def _sleep_until_tick(self, period_s: float, is_leaving: Callable[[], bool]) -> None:
        """Sleep to the next multiple of the period, in naps: who ends the server waits for one at most."""
        due_s = (math.floor(self._clock() / period_s) + 1) * period_s
        while not (self._is_closed or is_leaving()):
            left_s = due_s - self._clock()
            if left_s <= 0:
                return
            await asyncio.sleep(min(left_s, _LONGEST_NAP_S))
