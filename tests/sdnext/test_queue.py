"""Requests in line in the real SD.Next: stopped by their ids, and remembered after a restart."""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.request
from typing import Any

import pytest

from bench.real_host.server import JOB_LIMIT_S
from tests.sdnext.server import ROOT, SdNextServer

PATH = "/zluda_sync/v1"
STEPS = 8


@pytest.fixture(scope="module")
def server(make_server) -> SdNextServer:
    """SD.Next with the extension; everything takes long enough for requests to wait."""
    made = make_server("queue", step_s=0.2, decode_s=0.4)
    made.install(ROOT / "extensions" / "zluda_sync", "zluda_sync")
    made.start()
    made.set_options(zluda_sync_mode="run-ahead", samples_save=False)
    return made


class Call:
    """A request of the API under a name, on a thread of its own."""

    def __init__(self, server: SdNextServer, name: str, **request: Any) -> None:
        body = {"prompt": "a red circle", "seed": 1, "steps": STEPS, "n_iter": 2, "width": 256, "height": 256}
        self._request = server._request("/sdapi/v1/txt2img", json.dumps({**body, **request}).encode())
        self._request.add_header("Content-Type", "application/json")
        self._request.add_header("X-Request-ID", name)
        self._answer: dict[str, Any] = {}
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        with urllib.request.urlopen(self._request, timeout=JOB_LIMIT_S) as answer:
            self._answer = {"status": answer.status, **json.loads(answer.read())}

    def pictures(self) -> int:
        """Wait for the answer, and return how many pictures it has."""
        self._thread.join(JOB_LIMIT_S)
        assert 200 == self._answer["status"]
        return len(self._answer["images"])


def wait_for_status(server: SdNextServer, is_so) -> dict[str, Any]:
    """Ask until the status is as wanted, and return it."""
    deadline_s = time.monotonic() + 60
    while True:
        status: dict[str, Any] = server.get(f"{PATH}/status")
        if is_so(status):
            return status
        assert time.monotonic() < deadline_s, status
        time.sleep(0.02)


def waiting(status: dict[str, Any]) -> list[str]:
    return [one["name"] for one in status["queue"]]


def refusal(server: SdNextServer, name: str) -> int:
    """Return with which status a Stop is refused."""
    with pytest.raises(urllib.error.HTTPError) as refused:
        server.post(f"{PATH}/stop", {"id": name})
    with refused.value as answer:
        return int(answer.code)


def test_one_that_waits_is_stopped_and_then_the_one_that_runs(server):
    """Each by its id: the others deliver all, those two as SD.Next does after a Stop."""
    running = Call(server, "first")
    wait_for_status(server, lambda status: status["job"] and status["job"]["launched"] >= 1)
    others = {}
    for name in ("second", "third"):
        others[name] = Call(server, name)
        wait_for_status(server, lambda status, name=name: name in waiting(status))
    status = wait_for_status(server, lambda status: len(waiting(status)) == 2)
    (second, third), job = status["queue"], status["job"]
    assert ("first", "second", "third") == (job["name"], second["name"], third["name"])
    assert "queued" == server.post(f"{PATH}/stop", {"id": second["id"]})["was"]
    answer = server.get("/sdapi/v1/progress?skip_current_image=true")
    assert not answer["state"]["interrupted"]
    stopped = server.post(f"{PATH}/stop", {"id": job["id"]})
    assert ("running", True) == (stopped["was"], stopped["label"].startswith("Stopping: "))
    assert [True, 0, 2] == [running.pictures() <= 1, others["second"].pictures(), others["third"].pictures()]
    assert [409, 409, 404] == [refusal(server, name) for name in (second["id"], "first", "no such")]
    told = {one["id"]: one for one in server.get(f"{PATH}/jobs?limit=5")["jobs"]}
    outcomes = [told[one]["outcome"] for one in (job["id"], second["id"], third["id"])]
    assert ["stopped", "stopped", "finished"] == outcomes
    assert 0 == told[second["id"]]["steps"]


def test_the_pages_task_is_stopped_while_it_waits(server):
    """Through the route that the page's button calls; the one that runs goes on."""
    running = Call(server, "runs")
    wait_for_status(server, lambda status: status["job"] is not None)
    task = "task(waits-on-the-page)"
    server.post("/async_device/press_page", {"task": task})
    (told,) = wait_for_status(server, lambda status: task in waiting(status))["queue"]
    seen = server.post("/internal/progress", {"id_task": task, "id_live_preview": -1})
    assert ("Queued", 0.0, None, True) == tuple(seen[name] for name in ("job", "progress", "eta", "queued"))
    assert "queued" == server.post(f"{PATH}/stop", {"id": "waits-on-the-page"})["was"]
    assert 2 == running.pictures()

    def newest() -> dict[str, Any]:
        job: dict[str, Any] = server.get(f"{PATH}/jobs?limit=1")["jobs"][0]
        return job

    wait_for_status(server, lambda _: newest()["id"] == told["id"] and newest()["outcome"] != "running")
    assert (told["id"], "stopped", 0) == tuple(newest()[name] for name in ("id", "outcome", "steps"))


def test_previews_are_told_by_events_and_fetched_by_their_ids(server):
    """A client polls nothing: it is told of each, with its step, and gets just that one."""
    got: dict[str, int] = {}
    over = threading.Event()

    def listen() -> None:
        request = server._request(f"{PATH}/events?rate=10&previews=true")
        with urllib.request.urlopen(request, timeout=60) as events:
            while not over.is_set():
                line = events.readline()
                told = json.loads(line[6:]).get("preview") if line.startswith(b"data: {") else None
                if told and told["id"] not in got:
                    with urllib.request.urlopen(server._request(told["path"]), timeout=20) as answer:
                        assert answer.read().startswith(b"\xff\xd8")
                        assert str(told["step"]) == answer.headers["X-Preview-Step"]
                    got[told["id"]] = told["step"]

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    assert 2 == Call(server, "watched").pictures()
    over.set()
    assert len(got) >= STEPS


def test_jobs_are_remembered_after_a_restart(server):
    """Those that ended, and the one that a kill cut short; numbers go on."""
    Call(server, "whole", n_iter=1).pictures()
    before = server.get(f"{PATH}/jobs?limit=50")["jobs"]
    running = {"prompt": "a circle that is never finished", "steps": 200, "width": 256, "height": 256}
    threading.Thread(target=_ask_and_lose, args=(server, running), daemon=True).start()
    lost = wait_for_status(server, lambda status: status["job"] and status["job"]["launched"] >= 2)["job"][
        "id"
    ]
    server.kill()
    server.start()
    after = server.get(f"{PATH}/jobs?limit=50")["jobs"]
    assert [(lost, "lost", None)] == [(one["id"], one["outcome"], one["duration_s"]) for one in after[:1]]
    same = ("id", "outcome", "steps", "title", "source", "device", "rung")
    assert [[one[name] for name in same] for one in before] == [
        [one[name] for name in same] for one in after[1:]
    ]
    assert len(server.get(f"{PATH}/jobs/{before[0]['id']}")["parts"]) > 3
    Call(server, "after").pictures()
    newest = server.get(f"{PATH}/jobs?limit=1")["jobs"][0]["id"]
    assert int(newest) > max(int(one["id"]) for one in after)
    kept = (server.data_dir / "zluda_sync" / "jobs.jsonl").read_text("utf-8")
    assert "circle" not in kept and str(server.data_dir) not in kept


def _ask_and_lose(server: SdNextServer, body: dict[str, Any]) -> None:
    with pytest.raises((OSError, urllib.error.URLError)):
        server.post("/sdapi/v1/txt2img", body, JOB_LIMIT_S)
