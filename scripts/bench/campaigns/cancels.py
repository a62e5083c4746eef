"""Requests stopped by their ids at random moments, running or waiting: does a Stop ever reach another one?

Every request makes two pictures, so that one that was stopped is told from one that was not. Some come from
the page, which is in line before it waits, some as calls of the API. The clients that stop speak HTTP as
programs do; each knows nothing but the ids that the status tells, which may be out of date when it uses them.
"""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any
from urllib.parse import urlsplit

from bench.campaigns.tabs import served
from bench.host.job import WantedJob, build_request, set_mode
from bench.host.started import Speed, started_host
from bench.terminal.bar import TerminalBar

SEED = 20261127
CANCELS, QUICK_CANCELS = 1000, 100
#: Requests that are under way at the same time; one of them runs. Each has a thread of its own.
PAGES, CALLERS = 3, 3
#: Of the pages so many are let alone by all clients: what happens to their requests is no client's doing.
LET_ALONE = 1
ALONE = "alone-"
#: Who has been served asks again so much later, in seconds: the host's lock keeps no order, and would be
#: taken by the same one again and again.
BREATH_S = 0.02
#: Clients that stop what the status tells.
CLIENTS = 4
PICTURES = 2
WANTED = WantedJob(steps=3, batches=PICTURES, size_px=64)
SPEED = Speed(step_ms=5, encode_ms=2, decode_ms=6)
MODES = ("run-ahead", "every-step", "observe")
#: Between two Stops of one client, in seconds, at most.
LONGEST_PAUSE_S = 0.1
#: Of all looks at the status in which nothing runs that is to be stopped, so many stop what waits instead.
WAITING_SHARE = 0.04
LIMIT_S = 60.0


@dataclass(frozen=True)
class Cancel:
    """One Stop by id that was answered.

    Attributes:
        name: of the request, as the client knows it.
        status: of the answer.
        was: running or queued, empty if it was refused.
        sent_at_s, answered_at_s: by time.perf_counter().
    """

    name: str
    status: int
    was: str
    sent_at_s: float
    answered_at_s: float


@dataclass
class Ended:
    """How a request ended.

    Attributes:
        name: of the page's task, or of the call.
        pictures: that it delivered.
        at_s: by time.perf_counter().
    """

    name: str
    pictures: int
    at_s: float


@dataclass
class Tally:
    """What came of all of them.

    Attributes:
        right: Stops whose request ended with fewer pictures than it was asked for.
        late: Stops that were answered as if in time, and whose request was whole all the same: the last
            picture was made already.
        again: Stops of requests that were to be stopped already.
        touched: requests that nobody has stopped and that delivered too few.
        refused: Stops of what was over, by status.
        whole: requests that nobody has stopped, and that delivered all.
        latencies_s: from a Stop of what ran to the end of that request.
        answers_s: from a Stop to its answer.
    """

    right: Counter[str] = field(default_factory=Counter)
    late: int = 0
    again: int = 0
    touched: int = 0
    refused: Counter[int] = field(default_factory=Counter)
    whole: int = 0
    latencies_s: list[float] = field(default_factory=list)
    answers_s: list[float] = field(default_factory=list)


def run_cancel_campaign(quick: bool) -> int:
    """Stop requests by id, and print what came of it; 0 if none reached another request."""
    wanted = QUICK_CANCELS if quick else CANCELS
    bar = TerminalBar()
    cancels: list[Cancel] = []
    ended: list[Ended] = []
    with started_host(SPEED, warm_up=[WANTED]) as app, served(app) as address:
        try:
            for number, mode in enumerate(MODES):
                set_mode(mode)
                share = wanted * (number + 1) // len(MODES) - len([one for one in cancels if one.was])
                made = Campaign(address, share, random.Random(SEED + number), f"{number}-")
                made.run(bar, number / len(MODES), f"{mode}, {share} Stops")
                cancels += made.cancels
                ended += made.ended
            bar.show(1.0, f"{wanted} stopped")
        finally:
            bar.close()
    tally = count(cancels, ended)
    print(describe(tally))
    return 1 if tally.touched else 0


class Campaign:
    """Requests and clients for one mode.

    Args:
        address: of the server.
        wanted: Stops that are to be answered as in time.
        chance: chooses.
        prefix: of the names of the requests.
    """

    def __init__(self, address: str, wanted: int, chance: random.Random, prefix: str) -> None:
        self._address = address
        self._wanted = wanted
        self._chance = chance
        self._prefix = prefix
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._number = 0
        self.cancels: list[Cancel] = []
        self.ended: list[Ended] = []

    def run(self, bar: TerminalBar, begun: float, what: str) -> None:
        """Run until so many requests were stopped, and all that were begun have ended.

        Args:
            bar: shows how far all is.
            begun: share that is done.
            what: is done now.
        """

        def thread(work: Callable[..., None], *args: Any) -> threading.Thread:
            return threading.Thread(target=work, args=args, daemon=True)

        asking = [thread(self._press, index < LET_ALONE) for index in range(PAGES)]
        asking += [thread(self._call, False) for _ in range(CALLERS)]
        stopping = [thread(self._stop, self._chance.random()) for _ in range(CLIENTS)]
        for one in (*asking, *stopping):
            one.start()
        while not self._over.wait(0.2):
            bar.show(begun + self._in_time / self._wanted / len(MODES), what)
        for one in (*stopping, *asking):
            one.join(LIMIT_S)

    @property
    def _in_time(self) -> int:
        return sum(bool(one.was) for one in tuple(self.cancels))

    def _new_name(self, is_alone: bool) -> str:
        with self._lock:
            self._number += 1
            return f"{ALONE if is_alone else ''}{self._prefix}{self._number}"

    def _press(self, is_alone: bool) -> None:
        """Press Generate again and again, as a page does."""
        from modules import call_queue, processing

        def generate() -> tuple[int, str]:
            return len(processing.process_images(build_request(WANTED)).images), ""

        run = call_queue.wrap_gradio_gpu_call(generate, [0], "Text")
        while not self._over.is_set():
            name = f"task({self._new_name(is_alone)})"
            pictures, _text = run(name)
            self.ended.append(Ended(name, pictures, time.perf_counter()))
            self._over.wait(BREATH_S)

    def _call(self, is_alone: bool) -> None:
        """Call the API again and again."""
        request = build_request(WANTED)
        body = {"prompt": request.prompt, "steps": request.steps, "n_iter": request.n_iter}
        body |= {"width": request.width, "height": request.height, "seed": request.seed}
        connection = self._connect()
        while not self._over.is_set():
            name = self._new_name(is_alone)
            status, answer = ask(connection, "/sdapi/v1/txt2img", body, {"X-Request-ID": name})
            assert status == 200, answer
            self.ended.append(Ended(name, len(answer["images"]), time.perf_counter()))
            self._over.wait(BREATH_S)

    def _stop(self, seed: float) -> None:
        """Stop what the status tells, again and again: what runs if it may be stopped, or what waits."""
        chance, connection = random.Random(seed), self._connect()
        while not self._over.is_set():
            _, status = ask(connection, "/zluda_sync/v1/status")
            waiting, running = status["queue"], status["job"]
            if running is not None and running["ending"] is None and ALONE not in running["name"]:
                names = {running["id"]: running["name"]}
            elif chance.random() < WAITING_SHARE:
                names = {one["id"]: one["name"] for one in waiting if not one["is_stopped"]}
            else:
                names = {}
            names = {key: name for key, name in names.items() if ALONE not in name}
            if names:
                wanted = chance.choice(list(names))
                self._over.wait(chance.uniform(0, LONGEST_PAUSE_S / 10))  # what was so then may be over now
                self._cancel(connection, wanted, names[wanted])
            self._over.wait(chance.uniform(0, LONGEST_PAUSE_S))

    def _cancel(self, connection: http.client.HTTPConnection, wanted: str, name: str) -> None:
        sent_at_s = time.perf_counter()
        code, answer = ask(connection, "/zluda_sync/v1/stop", {"id": wanted})
        was = answer["was"] if code == 200 else ""
        with self._lock:
            self.cancels.append(Cancel(name, code, was, sent_at_s, time.perf_counter()))
            if self._in_time >= self._wanted:
                self._over.set()

    def _connect(self) -> http.client.HTTPConnection:
        parts = urlsplit(self._address)
        return http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=LIMIT_S)


def ask(
    connection: http.client.HTTPConnection,
    path: str,
    body: Any = None,
    headers: dict[str, str] | None = None,
) -> tuple[int, Any]:
    """Return status and answer of a route; with a body it is a POST."""
    text = None if body is None else json.dumps(body)
    kind = {"Content-Type": "application/json"}
    connection.request("GET" if body is None else "POST", path, text, {**kind, **(headers or {})})
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


def count(cancels: Sequence[Cancel], ended: Sequence[Ended]) -> Tally:
    """Hold what was stopped against what was not whole."""
    tally, stopped = Tally(), {one.name: one for one in reversed(cancels) if one.was}
    for one in cancels:
        tally.answers_s.append(one.answered_at_s - one.sent_at_s)
        if not one.was:
            tally.refused[one.status] += 1
    tally.again = sum(bool(one.was) for one in cancels) - len(stopped)
    for end in ended:
        cancel, is_whole = stopped.get(end.name), end.pictures >= PICTURES
        if cancel is None:
            tally.whole += is_whole
            tally.touched += not is_whole
        elif is_whole:
            tally.late += 1
        else:
            tally.right[cancel.was] += 1
            if cancel.was == "running":
                tally.latencies_s.append(end.at_s - cancel.sent_at_s)
    return tally


def describe(tally: Tally) -> str:
    """Return what came of it, in lines."""
    lines = [
        f"{tally.right['running']} stopped while they ran, {tally.right['queued']} while they waited",
        f"{tally.again} of these were stopped once more by another client",
        f"{tally.late} stopped when their last picture was made already",
        f"{sum(tally.refused.values())} refused: over when the Stop came {dict(tally.refused)}",
        f"{tally.whole} requests that nobody stopped made all of their pictures",
        f"{tally.touched} requests that nobody stopped did not: Stops that reached another one",
    ]
    if tally.latencies_s:
        slowest_s, usual_s = max(tally.latencies_s), median(tally.latencies_s)
        lines.append(f"from a Stop to the end of what ran: median {usual_s:.3f} s, longest {slowest_s:.3f} s")
    if tally.answers_s:
        answer_s = median(tally.answers_s)
        lines.append(f"to the answer: median {answer_s:.3f} s, longest {max(tally.answers_s):.3f} s")
    return "\n".join(lines)
