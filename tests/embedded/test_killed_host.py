"""A host that is killed in the middle of a job: after the restart the job is in the list, as lost."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.commands.environment import REPOSITORY

START = "import sys; from modules.webui import main; sys.exit(main(sys.argv[1:]))"
LIMIT_S = 120.0


@contextmanager
def running_host(folder: Path) -> Iterator[str]:
    """Serve the embedded host on a data folder; it is killed at the end, as by a crash."""
    log = folder / "host.log"
    options = ("--port", "0", "--device", "emulated", "--step-ms", "300", "--data-dir", str(folder / "data"))
    with log.open("w") as stream:
        host = subprocess.Popen(
            [sys.executable, "-c", START, *options], cwd=REPOSITORY, stdout=stream, stderr=subprocess.STDOUT
        )
    try:
        yield wait_for(lambda: re.findall(r"http://127\.0\.0\.1:\d+", log.read_text())[:1])[0]
    finally:
        host.kill()
        host.wait()


def wait_for(read: Any) -> Any:
    """Return the first true value."""
    deadline_s = time.monotonic() + LIMIT_S
    while not (value := read()):
        assert time.monotonic() < deadline_s
        time.sleep(0.05)
    return value


def jobs_of(address: str) -> list[dict[str, Any]]:
    """Return what the list of jobs has."""
    with urllib.request.urlopen(f"{address}/zluda_sync/v1/jobs", timeout=LIMIT_S) as answer:
        return list(json.loads(answer.read())["jobs"])


def test_a_job_under_way_when_the_host_was_killed_is_lost(tmp_path: Path):
    """Not gone, and not running for ever."""
    with running_host(tmp_path) as address:
        body = json.dumps({"prompt": "a red circle", "steps": 200})
        code = (
            "import sys, urllib.request as web\n"
            "head = {'Content-Type': 'application/json'}\n"
            "web.urlopen(web.Request(sys.argv[1], sys.argv[2].encode(), head))"
        )
        route = f"{address}/sdapi/v1/txt2img"
        client = subprocess.Popen([sys.executable, "-c", code, route, body], stderr=subprocess.DEVNULL)
        wait_for(lambda: [one["outcome"] for one in jobs_of(address)] == ["running"])
        journal = tmp_path / "data" / "zluda_sync" / "jobs.jsonl"
        wait_for(lambda: journal.exists() and '"running"' in journal.read_text())
    client.wait(LIMIT_S)
    with running_host(tmp_path) as address:
        assert [("lost", None)] == [(one["outcome"], one["duration_s"]) for one in jobs_of(address)]
