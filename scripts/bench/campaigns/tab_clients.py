"""Tabs of a browser, in a process of their own: each listens to the events and polls as the host's page does.

Run as a file with address and number of tabs; ends with its standard input, and prints what was told.
"""

from __future__ import annotations

import http.client
import json
import sys
import threading
import time
from urllib.parse import urlsplit

TASK = "task(tabs)"
POLL_PERIOD_S = 0.5
#: When an event came, by time.time(), job id and finished steps of its pass; None for a status without a job.
Told = tuple[float, str, int]


class Tab:
    """One tab."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self._place = (parts.hostname or "", parts.port)
        self._over = threading.Event()
        self._opened = threading.Event()
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._listen, self._poll)]
        self.told: list[Told] = []

    def open(self) -> None:
        """Begin, and return when the stream of events has begun."""
        for thread in self._threads:
            thread.start()
        self._opened.wait(20.0)

    def close(self) -> None:
        """End."""
        self._over.set()

    def _listen(self) -> None:
        connection = http.client.HTTPConnection(*self._place, timeout=30)
        connection.request("GET", "/zluda_sync/v1/events")
        answer = connection.getresponse()
        while not self._over.is_set():
            line = answer.readline()
            came_at_s = time.time()
            self._opened.set()
            if line.startswith(b"data: {") and b'"job"' in line:
                job = json.loads(line[6:])["job"]
                if job is not None:
                    self.told.append((came_at_s, job["id"], job["completed"]))

    def _poll(self) -> None:
        connection = http.client.HTTPConnection(*self._place, timeout=30)
        body = json.dumps({"id_task": TASK, "id_live_preview": 0})
        while not self._over.wait(POLL_PERIOD_S):
            connection.request("POST", "/internal/progress", body, {"Content-Type": "application/json"})
            connection.getresponse().read()


def main() -> None:
    """Open the tabs, say so, wait for the end of the input, and print what each was told."""
    tabs = [Tab(sys.argv[1]) for _ in range(int(sys.argv[2]))]
    for tab in tabs:
        tab.open()
    print("open", flush=True)
    sys.stdin.read()
    for tab in tabs:
        tab.close()
    print(json.dumps([tab.told for tab in tabs]), flush=True)


if __name__ == "__main__":
    main()
