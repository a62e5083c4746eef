"""The same job twice on one page: in this host, and in a second one without extensions, as SD.Next came.

SD.Next has nothing like it: this is what the stand-in is for.
"""

from __future__ import annotations

import atexit
import re
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections import deque
from collections.abc import Callable
from pathlib import Path

from fastapi import Depends, FastAPI, HTTPException, Request, Response

from modules import paths

#: All that the page asks the second host for.
PATHS = ("sdapi/v1/txt2img", "sdapi/v1/interrupt", "internal/progress")
#: It ends with its standard input, and so with this process, however that ends.
CHILD = (
    "import os, sys, threading\n"
    "threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()\n"
    "from modules.webui import main\n"
    "sys.exit(main(sys.argv[1:]))\n"
)
START_LIMIT_S = 120.0
JOB_LIMIT_S = 600.0


class SecondHost:
    """A host without extensions in a process of its own, with settings and pictures of its own."""

    def __init__(self, arguments: tuple[str, ...]) -> None:
        self._arguments = arguments
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._address = ""

    def start(self) -> str:
        """Return its address; starts it if it does not run, which takes some seconds. OSError if it fails."""
        with self._lock:
            if self._process is not None and self._process.poll() is None:
                return self._address
            folder = Path(paths.data_path, "without")
            extensions = folder / "no-extensions"
            extensions.mkdir(parents=True, exist_ok=True)
            places = ("--data-dir", str(folder), "--extensions-dir", str(extensions), "--port", "0")
            self._process = subprocess.Popen(
                [sys.executable, "-c", CHILD, *places, *self._arguments],
                cwd=paths.script_path,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            atexit.register(self._process.kill)
            self._address = self._read_address(self._process)
            return self._address

    def _read_address(self, process: subprocess.Popen[str]) -> str:
        giving_up = threading.Timer(START_LIMIT_S, process.kill)
        giving_up.start()
        try:
            assert process.stdout is not None
            for line in process.stdout:
                found = re.search(r"http://127\.0\.0\.1:\d+/", line)
                if found:
                    # What it prints from now on is read, so that it never waits for a full pipe.
                    threading.Thread(target=deque, args=(process.stdout, 0), daemon=True).start()
                    return found.group()
        finally:
            giving_up.cancel()
        raise OSError(f"the second host did not start (exit code {process.wait()})")

    def ask(self, path: str, body: bytes) -> tuple[int, bytes]:
        """Return status and body of its answer to a POST. OSError if it does not answer."""
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(self.start() + path, body, headers, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=JOB_LIMIT_S) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as refusal:
            return refusal.code, refusal.read()


def add_routes(app: FastAPI, second: SecondHost) -> None:
    """Add the routes of the page's tab: start the second host, and ask it for one of `PATHS`."""

    def start() -> dict[str, bool]:
        try:
            second.start()
        except OSError as e:
            raise HTTPException(503, str(e)) from e
        return {"ready": True}

    app.add_api_route("/side-by-side/start", start, methods=["POST"])
    for path in PATHS:
        app.add_api_route(f"/side-by-side/without/{path}", _build_forward(second, path), methods=["POST"])


async def _read_body(request: Request) -> bytes:
    return await request.body()


def _build_forward(second: SecondHost, path: str) -> Callable[..., Response]:
    def forward(body: bytes = Depends(_read_body)) -> Response:
        try:
            status, answer = second.ask(path, body)
        except OSError as e:
            raise HTTPException(503, f"the second host does not answer: {e}") from e
        return Response(answer or None, status, media_type="application/json")

    return forward
