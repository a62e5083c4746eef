"""A page with nothing but the panel, over canned answers: for states that a real host seldom has."""

from __future__ import annotations

import json
import select
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.browser import canned_answers
from zluda_sync.host.api.status_feed import HEARTBEAT, HEARTBEAT_S

EXTENSION = Path(__file__).resolve().parents[2] / "extensions" / "zluda_sync"
API = "/zluda_sync/v1/"
KINDS = {".js": "text/javascript", ".css": "text/css"}


class CannedApi:
    """What the server answers; a test changes it while the page is open.

    Attributes:
        prefix: path that all is served below, as SD.Next's ``--subpath``.
        report: text of the report on the card.
        status, jobs, self_test, profiles: answers of the routes; of jobs the full ones, newest first.
        verification: the same.
        streams: that are open now; one whose client is gone is not.
        has_events: whether the stream of events works; else 503, as behind a proxy that forbids it.
        refusals: by (method, path below the API), the status and body to answer with instead.
        asked: (method, path below the API, body) of each request.
        style, body_class: of the page's body.
        head: further HTML of the page's head.
        body: further HTML of the page, before the panel.
        preview: a picture's bytes, None while there is none.
        late_script_s: how much later than the others the script of the extras comes.
        loading: of the scripts; SD.Next's are deferred, those of older versions are not.
        copies: of the extension that bring their scripts, as where it was installed in both ways.
    """

    def __init__(self, prefix: str = "") -> None:
        self.prefix = prefix
        self.status: dict[str, Any] = canned_answers.build_status()
        self.jobs: list[dict[str, Any]] = [canned_answers.build_job()]
        self.self_test: dict[str, Any] = canned_answers.build_self_test()
        self.verification: dict[str, Any] = canned_answers.build_verification()
        self.profiles: dict[str, Any] = canned_answers.build_profiles()
        self.report = '{\n  "zluda_sync_report": 1,\n  "device": "AMD Radeon RX 7900 XTX [ZLUDA]"\n}'
        self.has_events = True
        self.streams = 0
        self.streams_lock = threading.Lock()
        self.refusals: dict[tuple[str, str], tuple[int, Any]] = {}
        self.asked: list[tuple[str, str, Any]] = []
        self.style = "background: #fff"
        self.body_class = ""
        self.head = self.body = ""
        self.preview: bytes | None = None
        self.loading = "defer"
        self.copies = 1
        self.late_script_s = 0.0
        self.is_closed = False
        self.address = ""

    def count(self, method: str, path: str) -> int:
        """Return how often a route was asked."""
        return sum((method, path) == (asked[0], asked[1]) for asked in self.asked)

    def page(self) -> str:
        """Return the page's HTML, with scripts and style by the addresses that SD.Next gives them."""
        scripts = sorted((EXTENSION / "javascript").glob("*.js"))
        lines = [
            f'<script src="{self.prefix}/file={script}?{copy}" {self.loading}></script>'
            for copy in range(1, 1 + self.copies)
            for script in scripts
        ]
        lines.append(f'<link rel="stylesheet" href="{self.prefix}/file={EXTENSION}/style.css?1">')
        return (
            f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Page</title>{self.head}'
            f'<meta name="viewport" content="width=device-width">{"".join(lines)}'
            '<link rel="icon" href="data:,"></head>'
            f'<body class="{self.body_class}" style="{self.style}; font-family: system-ui, sans-serif">'
            f'{self.body}<div id="zluda-sync-panel"></div></body></html>'
        )

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: Any) -> tuple[int, Any]:
        """Return status and body of an answer."""
        self.asked.append((method, path, body))
        if (method, path) in self.refusals:
            return self.refusals[method, path]
        plain = {
            "status": self.status,
            "selftest": self.self_test,
            "report": self.report,
            "news": {"version": "0.2.0", "changes": ["A wide bar above the pictures."]},
        }
        if path in plain:
            return 200, plain[path]
        if path == "preview":
            return (204, "") if self.preview is None else (200, self.preview)
        if path == "stop":
            return 200, {"when": body["when"], "label": "Stopping: 2 queued steps", "was": None}
        if path == "verification":
            return 202 if method == "POST" else 200, self.verification
        if path == "jobs":
            limit = int(query.get("limit", ["20"])[0])
            return 200, {"jobs": [{**job, "previews": len(job["previews"])} for job in self.jobs[:limit]]}
        if path.startswith("jobs/"):
            found = [job for job in self.jobs if job["id"] == path.split("/")[1]]
            return (200, found[0]) if found else (404, {"detail": "there is no such job"})
        if path == "profiles" and method == "PUT":
            self.profiles = {**self.profiles, **body}
        elif path.startswith("profiles/"):
            name = unquote(unquote(path.partition("/")[2]))  # as the server takes it
            kept = [one for one in self.profiles["profiles"] if one["name"] != name]
            if method == "PUT":
                kept.append(canned_answers.own_profile(name, body["values"]))
            self.profiles = {**self.profiles, "profiles": kept}
        return 200, self.profiles


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    api: CannedApi

    def log_message(self, *_arguments: Any) -> None:
        pass

    def _send(self, status: int, kind: str, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        if not parts.path.startswith(self.api.prefix):
            return self._send(404, "text/plain", b"not below the prefix")
        path = parts.path[len(self.api.prefix) :]
        if path == "/":
            return self._send(200, "text/html", self.api.page().encode())
        if path.startswith("/file="):
            file = Path(unquote(path[len("/file=") :]))
            assert file.is_relative_to(EXTENSION), file
            if file.stem == "zluda_sync_extras":
                time.sleep(self.api.late_script_s)
            return self._send(200, KINDS[file.suffix], file.read_bytes())
        if path == API + "events" and self.api.has_events:
            return self._stream()
        if path == API + "events":
            return self._send(503, "application/json", b"{}")
        if not path.startswith(API):
            return self._send(404, "text/plain", b"unknown")
        status, answer = self.api.answer(self.command, path[len(API) :], parse_qs(parts.query), body)
        if isinstance(answer, bytes):
            return self._send(status, "image/png", answer)
        content = answer if isinstance(answer, str) else json.dumps(answer)
        return self._send(status, "application/json", content.encode())

    do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815 - the library's names

    def _stream(self) -> None:
        self.api.asked.append(("GET", "events", None))
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self._count_streams(1)
        sent, sent_s = None, time.monotonic()
        try:
            while not self.api.is_closed and self.api.has_events and not self._is_client_gone():
                written = json.dumps(self.api.status)
                if written != sent:
                    sent = written
                    self.wfile.write(f"event: status\ndata: {written}\n\n".encode())
                    self.wfile.flush()
                    sent_s = time.monotonic()
                elif time.monotonic() - sent_s >= HEARTBEAT_S:
                    self.wfile.write(HEARTBEAT.encode())
                    self.wfile.flush()
                    sent_s = time.monotonic()
                time.sleep(0.05)
        finally:
            self._count_streams(-1)
        self.close_connection = True

    def _count_streams(self, more: int) -> None:
        with self.api.streams_lock:
            self.api.streams += more

    def _is_client_gone(self) -> bool:
        readable, _, _ = select.select([self.connection], [], [], 0)
        return bool(readable) and not self.connection.recv(1, socket.MSG_PEEK)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_arguments: Any) -> None:
        pass  # a browser that goes away in the middle of an answer


@contextmanager
def serve_canned(prefix: str = "") -> Iterator[CannedApi]:
    """Serve the page and the API on a free port of 127.0.0.1."""
    api = CannedApi(prefix)
    handler = type("Handler", (_Handler,), {"api": api})
    server = _Server(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    api.address = f"http://127.0.0.1:{server.server_port}{prefix}/"
    try:
        yield api
    finally:
        api.is_closed = True
        server.shutdown()
        server.server_close()
        thread.join(10)
