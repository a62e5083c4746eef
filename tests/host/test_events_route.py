"""The stream of events: each change once, for any number of clients, and an end in every case."""

from __future__ import annotations

import asyncio
import http.client
import json
import threading

import pytest
import uvicorn
from fastapi import FastAPI

from modules import shared
from tests.host.test_job_records import picture
from tests.host.test_status_route import PATH as STATUS_PATH
from tests.host.test_stop_route import Client, HostApi
from tests.virtual_clock import VirtualClock
from zluda_sync.host.api.status_feed import HEARTBEAT, LONGEST_STREAM_S, MOST_STREAMS, RETRY, StatusFeed
from zluda_sync.host.api.status_route import EVENTS_PATH as PATH
from zluda_sync.host.api.status_route import EventStream


class SlowClock(VirtualClock):
    """A clock that moves on when everybody sleeps: to the moment at which the first one wakes."""

    def __init__(self) -> None:
        super().__init__()
        self._due_s: list[float] = []

    async def sleep(self, seconds: float) -> None:
        due_s = self.now_s + seconds + 1e-6
        self._due_s.append(due_s)
        turns = 0
        while self.now_s < due_s:
            await REAL_SLEEP(0)
            turns += 1
            if turns > 2 and due_s == min(self._due_s):
                self.now_s = due_s
        self._due_s.remove(due_s)


REAL_SLEEP = asyncio.sleep


@pytest.fixture
def clock(monkeypatch) -> SlowClock:
    made = SlowClock()
    monkeypatch.setattr("zluda_sync.host.api.status_feed.asyncio.sleep", made.sleep)
    return made


def listen(feed: StatusFeed, clock: SlowClock, until_s: float, rate_hz: float = 5.0, clients: int = 1):
    """Return what each of some clients is told up to a time."""

    async def one() -> list[str]:
        return [text async for text in feed.stream(rate_hz, lambda: clock() >= until_s)]

    async def all_of_them() -> list[list[str]]:
        return await asyncio.gather(*(one() for _ in range(clients)))

    return asyncio.run(all_of_them())


def changing(clock: VirtualClock):
    return lambda: {"now": clock()}


def test_a_change_is_told_with_its_number(clock):
    """As a browser's EventSource reads it."""
    (texts,) = listen(StatusFeed(changing(clock), pytest.fail, clock), clock, 0.5)
    assert RETRY == texts[0]
    lines = texts[1].splitlines()
    assert ["event: status", "id: 1"] == lines[:2]
    assert {"now": 0.0} == json.loads(lines[2].removeprefix("data: "))
    assert texts[1].endswith("\n\n")


@pytest.mark.parametrize(("rate_hz", "events"), [(5.0, 50), (0.5, 5), (10.0, 100)])
def test_events_come_at_the_rate_and_no_faster(clock, rate_hz, events):
    """However fast the figures change."""
    (texts,) = listen(StatusFeed(changing(clock), pytest.fail, clock), clock, 10.0 - 1e-3, rate_hz)
    assert abs(events - (len(texts) - 1)) <= 1


def test_what_has_not_changed_is_not_told_again(clock):
    """Silence is broken by a heartbeat every 2 s."""
    (texts,) = listen(StatusFeed(lambda: {"job": None}, pytest.fail, clock), clock, 6.5)
    assert [RETRY, *[HEARTBEAT] * 3] == [text for text in texts if "status" not in text]
    assert 5 == len(texts)


def test_ten_clients_cost_what_one_does(clock):
    """They wake at the same moments, and share what is read then."""
    feed = StatusFeed(changing(clock), pytest.fail, clock)
    told = listen(feed, clock, 10.0, clients=10)
    assert feed.made <= 2 * len(told[0])
    assert all(len(texts) > 10 for texts in told)


def test_a_stream_ends_after_ten_minutes(clock):
    """The browser opens another."""
    feed = StatusFeed(dict, pytest.fail, clock)
    listen(feed, clock, LONGEST_STREAM_S * 3)
    assert LONGEST_STREAM_S <= clock() < LONGEST_STREAM_S + 5


def test_a_closed_feed_ends_its_streams(clock):
    """The extension is unloaded; nothing of it goes on."""
    feed = StatusFeed(changing(clock), pytest.fail, clock)
    feed.close()
    assert [[RETRY]] == listen(feed, clock, 99.0)


def test_a_status_that_cannot_be_made_ends_no_stream(clock):
    """It is said, and the stream stands still."""
    said = []
    feed = StatusFeed(lambda: {"eta_s": float("nan")}, said.append, clock)
    (texts,) = listen(feed, clock, 1.0)
    assert [RETRY] == texts
    assert "ValueError" in said[0]


async def ask(app: FastAPI, path: str, query: bytes = b"", leaves_after: int = 3, headers=()):
    """Return status, headers and bodies of a stream whose client goes after so many."""
    told, gone = [], asyncio.Event()
    bodies = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive():
        if bodies:
            return bodies.pop()
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message):
        told.append(message)
        if len(told) > leaves_after:
            gone.set()

    scope = {
        "type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}, "http_version": "1.1",
        "method": "GET", "path": path, "raw_path": path.encode(), "query_string": query,
        "headers": [(b"host", b"host"), *headers], "scheme": "http", "root_path": "",
        "client": ("127.0.0.1", 1), "server": ("host", 80),
    }  # fmt: skip
    await asyncio.wait_for(app(scope, receive, send), 20.0)
    headers = {name.decode(): value.decode() for name, value in told[0]["headers"]}
    return told[0]["status"], headers, [message.get("body", b"").decode() for message in told[1:]]


@pytest.fixture
def api(bench, monkeypatch) -> HostApi:
    made = HostApi()
    monkeypatch.setattr(shared, "api", made, raising=False)
    bench.session.serve(made.app)
    return made


def test_the_stream_tells_what_status_tells(bench, api):
    """With headers that keep proxies from holding it back; the client goes, and so does the stream."""
    bench.begin("observe", processing=picture())
    bench.step(0)
    status, headers, bodies = asyncio.run(ask(api.app, PATH, b"rate=10", leaves_after=4))
    assert (200, "text/event-stream; charset=utf-8") == (status, headers["content-type"])
    assert ("no-store", "no") == (headers["cache-control"], headers["x-accel-buffering"])
    event = next(json.loads(body.splitlines()[2][6:]) for body in bodies if body.startswith("event: status"))
    polled = Client(api.app).get(STATUS_PATH).json()
    assert polled.keys() == event.keys()
    assert polled["job"]["launched"] == event["job"]["launched"] == 1
    assert 0 == bench.session.feed.streams


def test_closing_the_extension_ends_a_stream(bench, api):
    """Though its client stays."""

    async def close_while_listening():
        listening = asyncio.create_task(ask(api.app, PATH, leaves_after=10**6))
        while not bench.session.feed.streams:  # noqa: ASYNC110  there is nothing to be told by
            await asyncio.sleep(0.01)
        bench.session.close()
        return await listening

    assert 200 == asyncio.run(close_while_listening())[0]


@pytest.mark.parametrize("rate", ["0", "0.1", "11", "-5", "nan", "inf", "fast", "1e400", ""])
def test_a_rate_that_cannot_be_served_is_refused(api, rate):
    """422, and no stream."""
    assert 422 == Client(api.app).get(PATH, params={"rate": rate}).status_code


def test_more_streams_than_can_be_served_are_refused(bench, api):
    """503, and what to do instead."""
    bench.session.feed.streams = MOST_STREAMS
    answer = Client(api.app).get(PATH)
    assert 503 == answer.status_code
    assert "status" in answer.text


def test_a_server_that_ends_is_not_held_up():
    """uvicorn waits for every request, in SD.Next without limit; ours ends by itself."""
    app, feed = FastAPI(), StatusFeed(dict, pytest.fail)

    async def get_events():
        return EventStream(feed, 5.0)

    app.add_api_route("/stream", get_events)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", "/stream")
    answer = connection.getresponse()
    assert b"retry: 2000\n" == answer.readline()
    server.should_exit = True
    thread.join(10.0)
    is_held_up = thread.is_alive()
    feed.close()
    thread.join(10.0)
    connection.close()
    assert not is_held_up
    assert 0 == feed.streams


@pytest.mark.parametrize(("query", "is_made"), [(b"previews=true", True), (b"", False)])
def test_a_stream_has_previews_made_if_it_says_so(bench, api, query, is_made):
    """To be told of what happens is not to look at it."""
    looked = []
    build = bench.session.feed._build
    bench.session.feed._build = lambda: looked.append(bench.session._previews.is_looked_at) or build()
    asyncio.run(ask(api.app, PATH, b"rate=10&" + query))
    assert [is_made] == list(dict.fromkeys(looked))
    assert not bench.session._previews.is_looked_at
