"""What another site may not have a browser do; and that everybody else goes on as before."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers

from modules import shared
from tests.host.test_events_route import ask
from tests.host.test_stop_route import Client, HostApi
from tests.options import PROFILE
from zluda_sync.core.settings.profiles import ENTRY
from zluda_sync.host.api.access import is_of_another_site

OURS = "/zluda_sync/v1/"
FOREIGN = {"Origin": "https://evil.example"}
#: Headers of requests from SD.Next's own page, however it is reached.
OWN = (
    {"Host": "localhost:7860", "Origin": "http://localhost:7860"},
    {"Host": "LOCALHOST:7860", "Origin": "http://localhost:7860"},
    {"Host": "sd.lan", "Origin": "http://sd.lan"},
    {"Host": "sd.lan:80", "Origin": "http://sd.lan"},
    {"Host": "sd.lan.", "Origin": "http://sd.lan"},
    {"Host": "sd.example", "Origin": "https://sd.example"},
    {"Host": "sd.example:443", "Origin": "https://sd.example"},
    {"Host": "[::1]:7860", "Origin": "http://[::1]:7860"},
    {"Host": "[0:0:0:0:0:0:0:1]:7860", "Origin": "http://[::1]:7860"},
    {"Host": "[fd00::12]", "Origin": "http://[fd00::12]"},
    {"Host": "127.0.0.1:7860", "Origin": "https://sd.example", "X-Forwarded-Host": "sd.example"},
    {"Host": "127.0.0.1:7860", "Origin": "https://sd.example", "X-Forwarded-Host": "a.example, sd.example"},
    {"Host": "127.0.0.1:7860", "Origin": "https://sd.example:8443", "X-Forwarded-Host": "sd.example:8443"},
    {"Host": "127.0.0.1:7860", "Origin": "https://sd.example", "Forwarded": "for=1.2.3.4;host=sd.example"},
    {
        "Host": "127.0.0.1:7860",
        "Origin": "http://[fd00::1]:88",
        "Forwarded": 'for=_x;proto=http;host="[fd00::1]:88"',
    },
    {"Host": "nas", "Origin": "http://nas:8080", "X-Real-IP": "10.0.0.7"},
    {"Host": "127.0.0.1:7860", "Origin": "https://sd.example", "Sec-Fetch-Site": "same-origin"},
    {"Host": "127.0.0.1:7860", "Origin": "null", "Sec-Fetch-Site": "same-origin"},
    {"Host": "localhost:7860", "Sec-Fetch-Site": "same-origin"},
    {"Host": "localhost:7860", "Sec-Fetch-Site": "none"},
    {"Host": "localhost:7860"},
)
#: Headers of requests from pages of other sites.
OTHERS = (
    {"Host": "localhost:7860", **FOREIGN},
    {"Host": "localhost:7860", "Origin": "null"},
    {"Host": "localhost:7860", "Origin": ""},
    {"Host": "localhost:7860", "Origin": "nonsense"},
    {"Host": "localhost:7860", "Origin": "file://"},
    {"Host": "localhost:7860", "Origin": "chrome-extension://localhost:7860"},
    {"Host": "localhost:7860", "Origin": "http://localhost:8000"},
    {"Host": "localhost:7860", "Origin": "http://localhost"},
    {"Host": "localhost:7860", "Origin": "http://localhost:notaport"},
    {"Host": "localhost:7860", "Origin": "http://localhost:7860@evil.example"},
    {"Host": "localhost:7860", "Origin": "http://localhost:7860.evil.example"},
    {"Host": "sd.lan", "Origin": "http://sd.lan:8000"},
    {"Host": "[::1]:7860", "Origin": "http://[::2]:7860"},
    {"Host": "localhost:7860", "Sec-Fetch-Site": "cross-site"},
    {"Host": "localhost:7860", "Sec-Fetch-Site": "same-site"},
    {"Host": "localhost:7860", "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"},
    {"Host": "sd.example", "X-Forwarded-Host": "sd.example", **FOREIGN, "Sec-Fetch-Site": "cross-site"},
    {"Host": "nas", "Origin": "http://other:8080", "X-Real-IP": "10.0.0.7"},
    {"Host": "", **FOREIGN},
)


@pytest.fixture
def client(bench, monkeypatch) -> Client:
    """A client of a host with a job."""
    api = HostApi()
    monkeypatch.setattr(shared, "api", api, raising=False)
    bench.session.serve(api.app)
    bench.begin("observe")
    return Client(api.app)


@pytest.mark.parametrize("headers", OWN, ids=str)
def test_the_hosts_own_page_and_programs_stop(bench, client, headers):
    """Through proxies, with and without https, by every kind of address; and curl, which says nothing."""
    assert 200 == client.post(f"{OURS}stop", headers=headers).status_code
    assert bench.state.interrupted


@pytest.mark.parametrize("headers", OTHERS, ids=str)
def test_another_site_stops_nothing(bench, client, headers):
    """Though its browser sends it, and needs no answer for that."""
    answer = client.post(f"{OURS}stop", headers=headers)
    assert 403 == answer.status_code
    assert "--cors-origins" in answer.json()["detail"]
    assert not bench.state.interrupted


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "stop", None),
        ("POST", "selftest", None),
        ("PUT", "profiles", {"chosen": "off"}),
        ("PUT", "profiles/night", {"values": {"mode": "observe"}}),
        ("DELETE", "profiles/night", None),
    ],
)
def test_no_route_changes_anything_for_another_site(bench, client, monkeypatch, method, path, body):
    """A body changes nothing about that."""
    monkeypatch.setattr(bench.session.self_testing, "run_now", lambda: pytest.fail("a self-test was begun"))
    shared.opts.data[ENTRY] = kept = {"profiles": {"night": {"mode": "every-step"}}}
    for headers in (FOREIGN, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
        assert 403 == client.ask(method, OURS + path, json=body, headers=headers).status_code
    assert (kept, None) == (shared.opts.data[ENTRY], shared.opts.data.get(PROFILE))


@pytest.mark.parametrize("name", ["origin", "sec-fetch-site"])
def test_no_stream_is_held_for_another_site(bench, client, name):
    """Not even one that it cannot read: there are only so many."""
    headers = [(name.encode(), {"origin": b"null"}.get(name, b"cross-site"))]
    status, _headers, _bodies = asyncio.run(ask(client.app, f"{OURS}events", headers=headers))
    assert (403, 0) == (status, bench.session.feed.streams)


def test_every_route_that_is_not_read_only_is_guarded(client):
    """A route that is added later is found here."""
    for route in client.app.routes:
        methods = getattr(route, "methods", None) or set()
        if route.path.startswith(OURS) and not methods <= {"GET", "HEAD", "OPTIONS"}:
            path = route.path.replace("{name}", "mine")
            for method in methods:
                assert 403 == client.ask(method, path, headers=FOREIGN).status_code, (method, path)


@pytest.mark.parametrize("path", ["status", "metrics", "jobs", "profiles", "selftest", "preview"])
def test_what_is_only_read_cannot_be_read_by_another_site(client, path):
    """Without a word of ours to the contrary, browsers keep the answer from the page that asked."""
    answer = client.get(OURS + path, headers=FOREIGN)
    assert answer.status_code in (200, 204)
    assert [] == [name for name in answer.headers if name.startswith("access-control-")]


@pytest.mark.parametrize(
    ("options", "origin", "status"),
    [
        ({"cors_origins": "https://a.example,https://b.example"}, "https://b.example", 200),
        ({"cors_origins": "https://a.example, https://b.example"}, "https://b.example", 200),
        ({"cors_origins": "*"}, "https://b.example", 200),
        ({"cors_regex": r"https://.*\.example"}, "https://b.example", 200),
        ({"cors_regex": r"https://.*\.example"}, "https://b.example.evil", 403),
        ({"cors_origins": "https://a.example"}, "https://b.example", 403),
        ({"cors_origins": "", "cors_regex": ""}, "null", 403),
        ({"cors_origins": None, "cors_regex": "("}, "https://b.example", 403),
        ({}, "https://b.example", 403),
    ],
)
def test_sites_that_the_host_lets_in_are_let_in_here(client, monkeypatch, options, origin, status):
    """What the user has told SD.Next holds for us."""
    monkeypatch.setattr(shared, "cmd_opts", SimpleNamespace(**options), raising=False)
    headers = {"Origin": origin, "Sec-Fetch-Site": "cross-site"}
    assert status == client.post(f"{OURS}stop", headers=headers).status_code


def test_a_link_to_a_stream_may_be_followed_from_another_site(bench, client):
    """To look at it in a tab of its own, as at any other answer."""
    headers = [(b"sec-fetch-site", b"cross-site"), (b"sec-fetch-mode", b"navigate")]
    status, _headers, _bodies = asyncio.run(ask(client.app, f"{OURS}events", headers=headers))
    assert 200 == status


@pytest.mark.parametrize("guards", [True, False], ids=["current versions", "versions before 2026"])
@pytest.mark.parametrize("subpath", ["", "/sd"])
def test_it_holds_in_every_version_and_below_a_subpath(bench, monkeypatch, guards, subpath):
    """Beside the login, not in its place."""
    api = HostApi(subpath=subpath, guards=guards, users={"me": "secret"})
    monkeypatch.setattr(shared, "api", api, raising=False)
    bench.session.serve(api.app)
    bench.begin("observe")
    client, path = Client(api.app), f"{subpath}{OURS}stop"
    assert 403 == client.post(path, headers=FOREIGN, auth=("me", "secret")).status_code
    assert 401 == client.post(path).status_code
    assert not bench.state.interrupted
    assert 200 == client.post(path, auth=("me", "secret")).status_code


HEADER_TEXT = st.text(st.characters(max_codepoint=255, exclude_characters="\r\n\0"), max_size=40) | st.builds(
    "{}{}{}".format,
    st.sampled_from(("http://", "https://", "", "//", "null")),
    st.sampled_from(("localhost", "[::1]", "[fe80::1%25eth0]", "[", "a@b", "\u00b2", "xn--nxasmq6b", "..")),
    st.sampled_from(("", ":", ":0", ":80", ":99999", ":\u00b2", ":-1", "/x", "?y", ",z")),
)


@given(
    st.dictionaries(
        st.sampled_from(("host", "origin", "x-forwarded-host", "forwarded", "sec-fetch-site", "via")),
        HEADER_TEXT,
    )
)
def test_nonsense_is_no_error_and_never_an_own_page(headers):
    """Whatever stands there; without both an origin and a word of the browser it is no page at all."""
    is_other = is_of_another_site(Headers(headers), "POST")
    if "origin" not in headers:
        assert is_other == (headers.get("sec-fetch-site") in ("cross-site", "same-site"))
    elif not is_other and headers.get("sec-fetch-site") != "same-origin":
        assert headers["origin"].startswith(("http://", "https://"))
