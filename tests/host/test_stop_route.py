"""The route of ours that stops: by its words, and not for strangers."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import HTTPBasic, HTTPBasicCredentials

from modules import shared

BASIC = Depends(HTTPBasic())


class Client:
    """A client of an app, in process."""

    def __init__(self, app: FastAPI) -> None:
        self.app = app

    def post(self, path: str, **kwargs: Any) -> httpx.Response:
        return self.ask("POST", path, **kwargs)

    def get(self, path: str, **kwargs: Any) -> httpx.Response:
        return self.ask("GET", path, **kwargs)

    def ask(self, method: str, path: str, **kwargs: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://host") as client:
                return await client.request(method, path, **kwargs)

        return asyncio.run(ask())


class HostApi:
    """SD.Next's API in two versions: one that guards every route by itself, and one that does not.

    Args:
        subpath: the host's.
        guards: whether routes are guarded by itself.
        users: passwords by user.
    """

    def __init__(self, subpath: str = "", guards: bool = True, users: dict[str, str] | None = None) -> None:
        self.app = FastAPI()
        self.subpath = subpath
        self.credentials = users or {}
        if not guards:
            self.add_api_route = self._add_unguarded

    def add_api_route(self, path, fn, auth: bool = True, **kwargs):
        if auth and self.credentials:
            kwargs["dependencies"] = [Depends(self.auth)]
        self._add_unguarded(path, fn, **kwargs)

    def _add_unguarded(self, path, endpoint, **kwargs):
        self.app.add_api_route(self.subpath + path, endpoint, **kwargs)

    def auth(self, credentials: HTTPBasicCredentials = BASIC) -> bool:
        if self.credentials.get(credentials.username) != credentials.password:
            raise HTTPException(401)
        return True


@pytest.fixture
def serve(bench, monkeypatch):
    """Return a function that serves the session on a host's API, and gives a client of it."""

    def serve_on(**kwargs) -> Client:
        api = HostApi(**kwargs)
        monkeypatch.setattr(shared, "api", api, raising=False)
        bench.session.serve(api.app)
        return Client(api.app)

    return serve_on


def test_it_stops_the_job_that_runs(bench, serve):
    """The answer says what the host is busy with."""
    client = serve()
    bench.begin("observe")
    answer = client.post("/zluda_sync/v1/stop", json={})
    assert (200, "now") == (answer.status_code, answer.json()["when"])
    assert answer.json()["label"].startswith("Stopping: ")
    assert bench.state.interrupted


def test_it_stops_without_a_body(bench, serve):
    """As the host's own route does."""
    client = serve()
    bench.begin("observe")
    assert 200 == client.post("/zluda_sync/v1/stop").status_code
    assert bench.state.interrupted


def test_it_stops_after_the_image(bench, serve):
    """The image that is made now is wanted."""
    client = serve()
    processing = SimpleNamespace(n_iter=2, iteration=0)
    bench.begin("observe", processing=processing)
    assert 200 == client.post("/zluda_sync/v1/stop", json={"when": "after-image"}).status_code
    assert not bench.state.interrupted
    processing.iteration = 1
    assert bench.state.interrupted


def test_nothing_to_stop_is_said(serve):
    """An idle host, and the remedy."""
    answer = serve().post("/zluda_sync/v1/stop", json={})
    assert 409 == answer.status_code
    assert "/sdapi/v1/interrupt" in answer.json()["detail"]


@pytest.mark.parametrize(
    "body",
    ['{"when": "later"}', '{"when": 1}', "[]", "nonsense", '{"when": "<script>"}', '{"wen": "now"}'],
    ids=str,
)
def test_a_hostile_request_is_refused(bench, serve, body):
    """It names the field, and stops nothing."""
    client = serve()
    bench.begin("observe")
    answer = client.post("/zluda_sync/v1/stop", content=body, headers={"Content-Type": "application/json"})
    assert 422 == answer.status_code
    assert not bench.state.interrupted


@pytest.mark.parametrize("kind", ["application/json", ""])
@pytest.mark.parametrize("body", [b"\x80", b'{"when": NaN}', rb'{"when": "\ud800"}'], ids=str)
def test_what_cannot_be_quoted_is_refused_too(serve, body, kind):
    """FastAPI alone fails with an error of the server."""
    answer = serve().post("/zluda_sync/v1/stop", content=body, headers={"Content-Type": kind})
    assert answer.status_code in (400, 422)


@pytest.mark.parametrize("guards", [True, False], ids=["current versions", "versions before 2026"])
def test_strangers_are_refused_where_the_host_has_users(bench, serve, guards):
    """With the host's own users and passwords, in the way of its own API."""
    client = serve(guards=guards, users={"me": "secret"})
    bench.begin("observe")
    assert 401 == client.post("/zluda_sync/v1/stop", json={}).status_code
    assert not bench.state.interrupted
    assert 200 == client.post("/zluda_sync/v1/stop", json={}, auth=("me", "secret")).status_code


@pytest.mark.parametrize(
    ("token", "site", "status"),
    [
        ("known", "same-origin", 200),
        ("known", None, 200),
        ("other", "same-origin", 401),
        ("known", "cross-site", 401),
    ],
    ids=["own page", "no word of the site", "wrong login", "another site"],
)
def test_the_pages_login_is_enough_before_2026(bench, serve, token, site, status):
    """The page cannot know the password; its cookie does, but not for what another site asks."""
    client = serve(guards=False, users={"me": "secret"})
    client.app.tokens = {"known": "me"}
    bench.begin("observe")
    headers = {"Cookie": f"access-token={token}"} | ({"Sec-Fetch-Site": site} if site else {})
    assert status == client.post("/zluda_sync/v1/stop", json={}, headers=headers).status_code
    assert bench.state.interrupted == (status == 200)


def test_it_lies_below_the_hosts_subpath(bench, serve):
    """Where the host is served at an address of its own."""
    client = serve(subpath="/sd")
    bench.begin("observe")
    assert 200 == client.post("/sd/zluda_sync/v1/stop", json={}).status_code
