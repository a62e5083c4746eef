"""Hostile input: what is called a failure."""

from __future__ import annotations

from hypothesis import strategies as st

from bench.campaigns.fuzz import Request, Target, ask, build_route_target


def answering(status: int, kind: bytes, body: bytes):
    """Return an application that answers everything in one way."""

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", kind)]})
        await send({"type": "http.response.body", "body": body})

    return app


def failures_of(app) -> list[str]:
    target = build_route_target(app, "GET", "/route", ["/home/somebody"])
    target.run(5)
    return target.failures


def test_bad_answers_are_failures():
    """An error of the server, a path of the machine, and markup that a browser runs."""
    assert [] == failures_of(answering(200, b"application/json", b"<script>"))
    for app, named in (
        (answering(500, b"text/plain", b""), "answered 500"),
        (answering(404, b"text/plain", b"/home/somebody/config.json"), "path of this machine"),
        (answering(404, b"text/html", b"no <script> here"), "markup"),
    ):
        (line,) = failures_of(app)
        assert named in line


def test_an_application_that_fails_has_answered_500():
    """As the server in front of it says."""

    async def app(scope, receive, send):
        raise OSError

    assert 500 == ask(app, Request("GET", "/", b"", (), b"")).status


def test_a_failure_is_one_line_and_counted():
    """With the input that shows it."""
    target = Target("numbers", st.integers(), lambda number: str(1 // (number < 3)))
    row = target.run(200)
    assert 1 == row["failures"]
    assert "ZeroDivisionError" in target.failures[0] and target.failures[0].endswith("; 3")
