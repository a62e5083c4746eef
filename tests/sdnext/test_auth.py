"""A host with users: our routes are for them alone, as the host's own are."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.sdnext.server import ROOT, SdNextServer

USER = ("user", "password")
#: What each route answers to a user while nothing runs on a host without a GPU.
ROUTES = {
    ("GET", "/zluda_sync/v1/preview"): 204,
    ("POST", "/zluda_sync/v1/stop"): 409,
    ("GET", "/zluda_sync/v1/selftest"): 200,
    ("POST", "/zluda_sync/v1/selftest"): 409,
    ("GET", "/zluda_sync/v1/report"): 200,
    ("GET", "/zluda_sync/v1/verification"): 200,
    ("POST", "/zluda_sync/v1/verification"): 409,
    ("GET", "/zluda_sync/v1/status"): 200,
    ("GET", "/zluda_sync/v1/events"): 200,
    ("GET", "/zluda_sync/v1/jobs"): 200,
    ("GET", "/zluda_sync/v1/jobs/current"): 404,
    ("GET", "/zluda_sync/v1/jobs/1"): 404,
    ("GET", "/zluda_sync/v1/jobs/1/trace"): 404,
    ("GET", "/zluda_sync/v1/metrics"): 200,
    ("GET", "/zluda_sync/v1/profiles"): 200,
    ("GET", "/zluda_sync/v1/profiles/schema"): 200,
    ("DELETE", "/zluda_sync/v1/profiles/night"): 404,
}


@pytest.fixture(scope="module")
def guarded(make_server) -> Iterator[SdNextServer]:
    """SD.Next with a user and a password."""
    server = make_server("guarded")
    server.install(ROOT / "extensions" / "zluda_sync", "zluda_sync")
    server.user = USER
    server.start()
    yield server
    server.stop()


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize(
    "stranger",
    [None, ("user", "wrong"), ("nobody", "password"), ("", "")],
    ids=["none", "word", "user", "empty"],
)
def test_strangers_are_refused(guarded, method, path, stranger):
    """Without credentials, and with wrong ones."""
    assert guarded.ask(method, path, stranger) in (401, 403)


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_users_are_served(guarded, method, path):
    """Whoever has the host's user name and password gets the route's own answer."""
    assert ROUTES[method, path] == guarded.ask(method, path, USER)
