"""One request to the real SD.Next, pressed at one place: its outcome."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import json
import threading
import time
import urllib.error
import urllib.request
from typing import Any

from bench.differential.cases import NEXT, TXT2IMG, WAITING, Case
from bench.differential.outcome import Answer, Outcome, read_record
from bench.differential.presses import Place, Press, build_arm
from bench.real_host.server import SdNextServer

ANSWER_LIMIT_S = 45.0
RESCUE_LIMIT_S = 30.0
#: A request has reached the host's lock by then.
QUEUED_AFTER_S = 0.15
IDLE_AFTER_S, IDLE_TRIES = 0.1, 2
PROGRESS = "/sdapi/v1/progress?skip_current_image=true"


class Trials:
    """Sends the campaign's requests to one host, whatever its settings are at that time."""

    def __init__(self, server: SdNextServer) -> None:
        self._server = server

    def run(self, case: Case, press: Press, place: Place | None) -> tuple[Outcome, dict[str, Any]]:
        """Run one request and the plain one after it.

        Returns:
            Its outcome, and the whole record of the press device.
        """
        self._server.post("/press_device/arm", build_arm(place, press, self._server.url))
        answers: dict[str, Answer] = {}

        def send(name: str, route: str, body: dict[str, Any]) -> threading.Thread:
            thread = threading.Thread(target=lambda: answers.update({name: self._ask(route, body)}))
            thread.start()
            return thread

        threads = [send("own", case.route, case.build_request())]
        if press.has_waiting:
            time.sleep(QUEUED_AFTER_S)
            threads.append(send("waiting", TXT2IMG, WAITING))
            time.sleep(QUEUED_AFTER_S)
            self._server.post("/press_device/go")
        for thread in threads:
            thread.join(ANSWER_LIMIT_S)
        in_time = dict(answers)
        if len(in_time) < len(threads):
            self._rescue(threads)
        record = self._server.get("/press_device/record")
        flags_left, shown_left = self._poll_flags_left(), self._wait_shown_left()
        silent = Answer(None)
        outcome = Outcome(
            answer=in_time.get("own", silent),
            waiting_answer=in_time.get("waiting", silent) if press.has_waiting else None,
            next_answer=self._ask(TXT2IMG, NEXT),
            flags_left=flags_left,
            shown_left=shown_left,
            **read_record(record),
        )
        return outcome, record

    def _ask(self, route: str, body: dict[str, Any]) -> Answer:
        request = urllib.request.Request(self._server.url + route, json.dumps(body).encode())
        request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=ANSWER_LIMIT_S + RESCUE_LIMIT_S) as answer:
                return Answer(answer.status, tuple(map(fingerprint, json.loads(answer.read())["images"])))
        except urllib.error.HTTPError as refusal:
            return Answer(refusal.code)
        except OSError:
            return Answer(None)

    def _rescue(self, threads: list[threading.Thread]) -> None:
        """Free requests that hang; their answers count as none."""
        end_s = time.time() + RESCUE_LIMIT_S
        while any(thread.is_alive() for thread in threads) and time.time() < end_s:
            with contextlib.suppress(OSError):
                self._server.post("/press_device/rescue")
            time.sleep(0.5)

    def _poll_flags_left(self) -> frozenset[str]:
        flags: dict[str, dict[str, bool]] = self._server.get("/press_device/flags")
        state = self._server.get(PROGRESS)["state"]
        told = {name: bool(state.get(name)) for name in ("interrupted", "skipped")}
        return frozenset(name for read in (*flags.values(), told) for name, is_set in read.items() if is_set)

    def _wait_shown_left(self) -> tuple[str, ...]:
        """Return what is still shown when the host has had a moment to become idle."""
        shown = self._poll_shown()
        for _ in range(IDLE_TRIES):
            if not shown:
                break
            time.sleep(IDLE_AFTER_S)
            shown = self._poll_shown()
        return shown

    def _poll_shown(self) -> tuple[str, ...]:
        page: dict[str, Any] = self._server.post("/internal/progress", {"id_live_preview": 0})
        route: dict[str, Any] = self._server.get(PROGRESS)
        shown = []
        if page["job"] or page["progress"]:
            shown.append(f"page {page['job']} {page['progress'] or 0:.2f}".replace("  ", " "))
        if route["state"]["job"] or route["progress"]:
            shown.append(f"API {route['state']['job']} {route['progress']:.2f}".replace("  ", " "))
        return tuple(shown)


def fingerprint(encoded: str) -> str:
    """Return what the press device says of the same picture."""
    from PIL import Image

    picture = Image.open(io.BytesIO(base64.b64decode(encoded)))
    content = f"{picture.mode}{picture.size}".encode() + picture.tobytes()
    return hashlib.sha256(content).hexdigest()[:12]
