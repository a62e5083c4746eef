"""Clients of the stream as they come over a real server: many, gone at once, or never reading."""

from __future__ import annotations

import asyncio
import http.client
import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI, Request
from fastapi.middleware.gzip import GZipMiddleware

from modules import shared
from tests.host.test_job_records import picture
from tests.host.test_stop_route import HostApi
from zluda_sync.host.api import status_feed, status_route

OURS = "/zluda_sync/v1/"
LIMIT_S = 20.0


def wait_until(is_so: Callable[[], Any], what: str) -> None:
    """Look again and again until something is so; fails after the limit."""
    deadline_s = time.monotonic() + LIMIT_S
    while not is_so():
        assert time.monotonic() < deadline_s, f"{what}: not within {LIMIT_S} s"
        time.sleep(0.01)


def add_the_hosts_middleware(app: FastAPI) -> None:
    """Put between us and the server what SD.Next puts there."""
    app.add_middleware(GZipMiddleware, minimum_size=2048)

    @app.middleware("http")
    async def preprocess(request: Request, call_next: Any) -> Any:
        return await call_next(request)


class PromptServer(uvicorn.Server):
    """Looks two hundred times a second whether it is to end, not ten: each test has a server of its own."""

    async def main_loop(self) -> None:
        while not await self.on_tick(0):  # noqa: ASYNC110  (a server looks, as uvicorn's does)
            await asyncio.sleep(0.005)


@contextmanager
def served(app: FastAPI) -> Iterator[SimpleNamespace]:
    """A server on a free port; it must end by itself when it is told to."""
    server = PromptServer(uvicorn.Config(app, port=0, log_level="critical", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_until(lambda: server.started, "server")
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield SimpleNamespace(port=port, server=server)
    finally:
        server.should_exit = True
        thread.join(LIMIT_S)
        was_held_up = thread.is_alive()
        server.force_exit = True
        thread.join(LIMIT_S)
    assert not was_held_up


@pytest.fixture(params=["bare", "as SD.Next"])
def host(request, bench, monkeypatch) -> Iterator[SimpleNamespace]:
    """A session with a job, served without and with the host's middleware."""
    api = HostApi()
    monkeypatch.setattr(shared, "api", api, raising=False)
    bench.session.serve(api.app)
    if request.param == "as SD.Next":
        add_the_hosts_middleware(api.app)
    bench.begin("observe", processing=picture())
    bench.step(0)
    threads = threading.active_count()
    with served(api.app) as found:
        found.feed, found.threads = bench.session.feed, threads
        yield found


def open_stream(port: int, receive_bytes: int | None = None) -> socket.socket:
    """Ask for the stream, and read nothing of it.

    Args:
        port: of the server, on this machine.
        receive_bytes: buffer for what comes, as the system has it if None.
    """
    client = socket.socket()
    if receive_bytes is not None:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    client.settimeout(LIMIT_S)
    client.connect(("127.0.0.1", port))
    client.sendall(f"GET {OURS}events?rate=10 HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
    return client


def read_until(client: socket.socket, word: bytes) -> None:
    """Read until a word has come."""
    read = b""
    while word not in read.replace(b" ", b""):
        some = client.recv(65536)
        assert some, read
        read += some


def get(port: int, path: str, method: str = "GET") -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT_S)
    connection.request(method, OURS + path)
    answer = connection.getresponse()
    found = answer.status, answer.read()
    connection.close()
    return found


def test_fifty_streams_are_served_from_one_reading_and_no_thread(host):
    """Each is told the status, and other clients are answered meanwhile."""
    clients = [open_stream(host.port) for _ in range(50)]
    for client in clients:
        read_until(client, b'"launched":')
    assert 50 == host.feed.streams
    made, began_s = host.feed.made, time.monotonic()
    status, body = get(host.port, "status")
    assert (200, 1) == (status, json.loads(body)["job"]["launched"])
    ticks = 10 * (time.monotonic() - began_s) + 2
    assert host.feed.made - made <= 3 * ticks  # not 50 times
    for client in clients:
        client.close()
    wait_until(lambda: not host.feed.streams, "end of the streams")


def test_clients_that_go_at_once_leave_nothing(host):
    """Before they are answered, in the middle of it, and with a bang."""
    for index in range(30):
        client = open_stream(host.port)
        if index % 3 == 1:
            read_until(client, b"retry")
        if index % 3 == 2:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # reset
        client.close()
    state = host.server.server_state
    wait_until(lambda: not (host.feed.streams or state.connections or state.tasks), "end of the streams")
    assert 200 == get(host.port, "status")[0]


def test_a_client_that_never_reads_is_hung_up_on(host, monkeypatch, caplog):
    """It keeps neither its place nor a task, and does not hold up the end of the server."""
    monkeypatch.setattr(status_route, "LONGEST_SEND_S", 0.3)
    monkeypatch.setattr(status_feed, "SAME_MOMENT_S", 0.0)
    counter, status = iter(range(10**9)), host.feed._build()
    monkeypatch.setattr(
        host.feed, "_build", lambda: replace(status, explanation=f"{next(counter)}{'x' * 10**6}")
    )
    with caplog.at_level(logging.ERROR), open_stream(host.port, receive_bytes=4096):
        wait_until(lambda: host.feed.streams, "stream")
        wait_until(lambda: not host.feed.streams, "end of the stream")
        wait_until(lambda: not host.server.server_state.tasks, "end of its task")
    assert [] == caplog.records


def test_a_client_that_reads_slowly_is_served(host):
    """What counts is that something is taken, not how fast."""
    with open_stream(host.port, receive_bytes=4096) as client:
        for _ in range(20):
            assert client.recv(64)
        assert 1 == host.feed.streams


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "PATCH", "TRACE"])
@pytest.mark.parametrize("path", ["events", "status", "metrics", "jobs", "preview", "profiles", "stop"])
def test_methods_that_a_route_does_not_have_are_refused(host, method, path):
    """405, and the connection goes on."""
    with suppress(http.client.BadStatusLine):
        assert 405 == get(host.port, path, method)[0]
    assert 0 == host.feed.streams
