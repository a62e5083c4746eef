"""Hostile input of every kind: requests to our routes, values in config.json, and the files that we keep."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import importlib
import json
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote_from_bytes, unquote_to_bytes

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.commands.environment import REPOSITORY
from bench.host.job import current_session
from bench.host.started import Speed, started_host
from bench.terminal.bar import TerminalBar
from bench.terminal.table import Row, build_table

SPEED = Speed(step_ms=20, encode_ms=20, decode_ms=20)
EXAMPLES, QUICK_EXAMPLES = 1000, 60
LONGEST_MESSAGE = 250
ROUTES = (
    ("GET", "/zluda_sync/v1/preview"),
    ("POST", "/zluda_sync/v1/stop"),
    ("GET", "/zluda_sync/v1/selftest"),
    ("POST", "/zluda_sync/v1/selftest"),
    ("GET", "/zluda_sync/v1/report"),
    ("GET", "/zluda_sync/v1/status"),
    ("GET", "/zluda_sync/v1/events"),
    ("GET", "/zluda_sync/v1/jobs"),
    ("GET", "/zluda_sync/v1/jobs/1"),
    ("GET", "/zluda_sync/v1/jobs/1/trace"),
    ("GET", "/zluda_sync/v1/metrics"),
    ("GET", "/zluda_sync/v1/profiles"),
    ("PUT", "/zluda_sync/v1/profiles"),
    ("DELETE", "/zluda_sync/v1/profiles/1"),
)
#: What our routes read from a query.
PARAMETERS = (b"kind=", b"rate=", b"limit=", b"format=")
#: What our routes, and those who serve them, read from the headers.
HEADERS = (
    b"if-none-match", b"content-type", b"accept", b"range", b"host", b"origin", b"sec-fetch-site",
    b"x-forwarded-for", b"x-forwarded-host", b"forwarded",
)  # fmt: skip
COLUMNS = (
    ("target", "target", ""),
    ("examples", "examples", "d"),
    ("statuses", "statuses", ""),
    ("failures", "failures", "d"),
)
WORDS = st.sampled_from(
    ("<script>alert(1)</script>", "../../etc/passwd", "%2e%2e%2f", "\0", "now", "after-image", "png", "auto")
)
TEXT = st.text(max_size=30) | WORDS
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=8,
)


@dataclass
class Target:
    """Something that is given hostile input.

    Attributes:
        name: for the table.
        inputs: what it is given.
        check: AssertionError if that was not taken well; what it returns is counted.
    """

    name: str
    inputs: st.SearchStrategy[Any]
    check: Callable[[Any], str]
    statuses: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    def run(self, examples: int) -> Row:
        """Try so many examples, up to the first kind that fails; return the row."""

        @settings(
            max_examples=examples,
            deadline=None,
            database=None,
            report_multiple_bugs=False,  # several come as a group, which Python 3.10 does not have
            suppress_health_check=list(HealthCheck),
        )
        @given(self.inputs)
        def try_one(given_input: Any) -> None:
            try:
                self.statuses[self.check(given_input)] += 1
            except Exception as error:
                self.statuses["failed"] += 1
                raise AssertionError(f"{type(error).__name__}: {error}; {given_input!r:.300}") from error

        try:
            try_one()
        except AssertionError as error:
            self.failures.append(str(error).splitlines()[0])
        return {
            "target": self.name,
            "examples": sum(self.statuses.values()),
            "statuses": ", ".join(f"{status} x{count}" for status, count in sorted(self.statuses.items())),
            "failures": len(self.failures),
        }


@dataclass(frozen=True)
class Request:
    """A request as it comes over the wire: no client has tidied it."""

    method: str
    target: str
    query: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


@dataclass
class Answer:
    """What the application sent; status 500 if it raised."""

    status: int = 500
    kind: bytes = b""
    body: bytes = b""


def ask(app: Any, request: Request) -> Answer:
    """Return the application's answer to a request as a server hands it over."""
    answer = Answer()
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "http", "root_path": "",
        "method": request.method, "raw_path": request.target.encode("utf-8", "replace"),
        "path": unquote_to_bytes(request.target).decode("utf-8", "replace"), "query_string": request.query,
        "headers": [(b"host", b"host"), *request.headers], "client": ("127.0.0.1", 1), "server": ("host", 80),
    }  # fmt: skip

    messages: list[dict[str, Any]] = [{"type": "http.request", "body": request.body, "more_body": False}]

    async def receive() -> dict[str, Any]:
        return messages.pop() if messages else {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            answer.kind = dict(message["headers"]).get(b"content-type", b"")
        answer.body += message.get("body", b"")

    with contextlib.suppress(Exception):  # the server answers 500 then, and so does the answer here
        asyncio.run(app(scope, receive, send))
    return answer


def build_route_target(app: Any, method: str, path: str, private: Sequence[str]) -> Target:
    """Return one of our routes as a target; no answer may hold what is private."""
    header_text = st.text(st.characters(max_codepoint=255, exclude_characters="\r\n"), max_size=30)
    headers = st.tuples(
        st.sampled_from(HEADERS),
        st.sampled_from(
            (b"application/json", b'"1", *', b"<script>", b"null", b"http://[::1", b"http://host:99999")
        )
        | header_text.map(_latin),
    )
    requests = st.builds(
        Request,
        st.just(method) | st.sampled_from(("PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "TRACE", "BREW")),
        st.just(path)
        | st.sampled_from(("/../", "/%2e%2e/", "/%00", "/<script>", "//")).map(path.__add__)
        | TEXT.map(lambda text: f"{path}/{_quoted(text.encode('utf-8', 'replace')).decode()}")
        | TEXT.map(lambda text: f"{path}/{_quoted(text.encode('utf-8', 'replace')).decode()}/trace"),
        # Servers hand over ASCII alone: h11 and httptools refuse anything else in a request's first line.
        st.binary(max_size=30).map(_quoted)
        | st.builds(
            lambda name, text: name + _quoted(text.encode("utf-8", "replace")),
            st.sampled_from(PARAMETERS),
            TEXT | st.sampled_from(("nan", "inf", "-1", "1e999", "0.2", "10", "json", "chrome")),
        ),
        st.lists(headers, max_size=3).map(tuple),
        st.binary(max_size=60)
        | JSON.map(lambda tree: json.dumps(tree).encode())
        | st.fixed_dictionaries({"when": JSON}).map(lambda tree: json.dumps(tree).encode()),
    )

    def check(request: Request) -> str:
        answer = ask(app, request)
        assert 200 <= answer.status < 500, f"answered {answer.status}"
        text = answer.body.decode("utf-8", "replace")
        assert not any(secret in text for secret in private), "the answer names a path of this machine"
        # A browser runs nothing that is declared as JSON: FastAPI quotes what was wrong in it.
        is_data = answer.kind.startswith((b"application/json", b"image/", b"text/event-stream"))
        assert is_data or "<script" not in text.lower(), "the answer hands markup back"
        return str(answer.status)

    return Target(f"{method} {path}", requests, check)


def build_config_target() -> Target:
    """Return config.json's values for our options as a target, with the whole session behind them."""
    names: Any = importlib.import_module("zluda_sync.core.settings.settings")
    fields = names.FIELDS
    rows = (fields.enabled, fields.mode, fields.depth, fields.preview, fields.gate)
    options = tuple(one.option for one in rows)

    def check(values: dict[str, Any]) -> str:
        from modules import shared

        parsed, problems = names.parse_settings(values)
        parsed.policy(None)
        assert isinstance(parsed.enabled, bool), "no usable settings"
        for problem in problems:
            assert problem.where in values, "a field is named that was not set"
            assert problem.where in problem.text, "the field is not named"
            assert len(problem.text) < LONGEST_MESSAGE, "the message is too long"
            assert "\n" not in problem.text, "the message has several lines"
        kept = {name: shared.opts.data.pop(name) for name in options if name in shared.opts.data}
        shared.opts.data.update(values)
        try:
            current_session().reconcile()
            after = {name: shared.opts.data[name] for name in options if name in shared.opts.data}
            assert repr(after) == repr(values) or after == values, "a value of the user's was overwritten"
        finally:
            for name in options:
                shared.opts.data.pop(name, None)
            shared.opts.data.update(kept)
        return f"{len(problems)} problems"

    return Target("config.json", st.dictionaries(st.sampled_from(options), JSON, max_size=5), check)


def build_file_targets() -> list[Target]:
    """Return the files that we keep as targets: any tree, and good ones with something wrong in them."""
    reports: Any = importlib.import_module("zluda_sync.device.steps.trust_book")
    report: Any = importlib.import_module("zluda_sync.core.records.self_test_report")
    durations: Any = importlib.import_module("zluda_sync.core.learning.durations")
    good = report.SelfTestReport(device="card").to_json()
    rungs = st.lists(
        st.dictionaries(st.sampled_from(("name", "is_truthful", "reason", "cost_s")), JSON), max_size=3
    )
    fields = st.dictionaries(st.sampled_from(sorted(good)), JSON, max_size=3)
    spoiled = st.builds(lambda some, of: [{**good, "rungs": of, **some}], fields, rungs)
    work: Any = importlib.import_module("zluda_sync.core.learning.work").Work
    asked: Any = importlib.import_module("zluda_sync.core.learning.outcome").Asked
    rows = {
        "work": [*(one.name for one in dataclasses.fields(work)), "unit_s"],
        "requests": [*(one.name for one in dataclasses.fields(asked)), "came_passes", "came_extras"],
    }
    tables = {
        table: JSON | st.lists(st.dictionaries(st.sampled_from(names), JSON), max_size=3)
        for table, names in rows.items()
    }
    form = st.fixed_dictionaries({"version": st.just(2), **tables})

    def read_reports(tree: Any) -> str:
        try:
            found = reports.SelfTestReports.from_json(tree)
        except ValueError:
            return "refused"
        for kept in found._reports:
            assert isinstance(kept.explanation, str), "no explanation"
            assert kept.mode is not None, "no mode"
            assert kept.is_blocking in (True, False, None), "no answer"
            found.find(kept.device, {})
        json.dumps(found.to_json())
        return "read"

    def read_durations(tree: Any) -> str:
        try:
            json.dumps(durations.Durations.from_json(tree).to_json())
        except ValueError:
            return "refused"
        return "read"

    return [
        Target("kept self-tests", JSON | spoiled, read_reports),
        Target("kept durations", JSON | form, read_durations),
    ]


def run_fuzz_campaign(quick: bool) -> int:
    """Give every target hostile input, print the table; 0 if all was taken well, else 1."""
    bar = TerminalBar()
    with started_host(SPEED) as app, no_real_self_test():
        from modules import paths

        private = [str(Path(folder)) for folder in (REPOSITORY, Path.home(), paths.data_path)]
        targets = [build_route_target(app, *route, private) for route in ROUTES]
        targets += [build_config_target(), *build_file_targets()]
        rows: list[Row] = []
        try:
            for index, target in enumerate(targets):
                bar.show(index / len(targets), target.name)
                rows.append(target.run(QUICK_EXAMPLES if quick else EXAMPLES))
            bar.show(1.0, f"{len(targets)} targets tried")
        finally:
            bar.close()
    print(build_table(rows, COLUMNS))
    failures = [f"{target.name}: {failure}" for target in targets for failure in target.failures]
    print("\n" + ("\n".join(failures) if failures else "everything was taken well"))
    return 1 if failures else 0


@contextlib.contextmanager
def no_real_self_test() -> Iterator[None]:
    """A context in which a self-test that is asked for finds nothing at once: a real one takes seconds."""
    testing = current_session().self_testing
    report: Any = importlib.import_module("zluda_sync.core.records.self_test_report")
    testing._run = lambda **_options: report.SelfTestReport()
    log = logging.getLogger("sd")
    log.addFilter(_is_no_complaint)  # thousands of wrong values are a line each
    try:
        yield
    finally:
        log.removeFilter(_is_no_complaint)
        del testing._run


def _is_no_complaint(record: logging.LogRecord) -> bool:
    return "Change it in Settings" not in record.getMessage()


def _latin(text: str) -> bytes:
    return text.encode("latin-1")


def _quoted(text: bytes) -> bytes:
    return quote_from_bytes(text, safe="=&+;").encode()
