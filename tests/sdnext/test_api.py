"""The routes of ours in the real SD.Next: behind its middleware, its rate limit and its subpath."""

from __future__ import annotations

import json
import os
import platform
import threading
import time
import urllib.error
import urllib.request

import pytest

from tests.sdnext.server import ROOT, SdNextServer
from tests.trace_events import check_trace
from zluda_sync.core.records.card_report import parse_report

PATH = "/zluda_sync/v1"
#: More than SD.Next of 2026 lets one client ask in a minute.
MANY = 320


@pytest.fixture(scope="module")
def server(make_server) -> SdNextServer:
    """SD.Next with its rate limit as it comes."""
    made = make_server("api")
    content = json.loads(made.config.read_text(encoding="utf-8"))
    made.config.write_text(json.dumps({**content, "server_rate_limit": 300}), encoding="utf-8")
    made.install(ROOT / "extensions" / "zluda_sync", "zluda_sync")
    made.start()
    made.set_options(torch_sync=False, zluda_sync_mode="run-ahead")
    return made


def listen(server, until, events):
    """Take in a stream of events until told to end."""
    with urllib.request.urlopen(server._request(f"{PATH}/events?rate=10"), timeout=60) as answer:
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        while not until.is_set():
            line = answer.readline()
            if line.startswith(b"data: {") and b'"job"' in line:
                events.append((time.time(), json.loads(line[6:])))
            elif not line:
                return


def test_a_job_is_told_while_it_runs_and_kept_when_it_is_over(server):
    """By events as it goes, by jobs with every step, and as a trace."""
    over, events = threading.Event(), []
    listening = threading.Thread(target=listen, args=(server, over, events), daemon=True)
    listening.start()
    done = server.run_job(steps=8)
    over.set()
    told = [(at_s, event["job"]) for at_s, event in events if event["job"] is not None]
    counts = [job["completed"] for _, job in told if job["phase"] == "denoise"]
    assert len(set(counts)) >= 5, counts  # not held back by the host's compression
    assert counts == sorted(counts)
    for at_s, job in told:
        assert job["completed"] <= sum(end_s <= at_s for end_s in done.loops[0])
    record = server.get(f"{PATH}/jobs?limit=1")["jobs"][0]
    assert ("finished", "api", 8, "run-ahead") == (
        record["outcome"], record["source"], record["steps"], record["mode"],
    )  # fmt: skip
    job = server.get(f"{PATH}/jobs/{record['id']}")
    (part,) = [part for part in job["parts"] if part["phase"] == "denoise"]
    for end_s, completed_s in zip(done.loops[0], part["completed_at_s"], strict=True):
        assert 0 <= job["began_at_s"] + completed_s - end_s < 0.3
    check_trace(server.get(f"{PATH}/jobs/{record['id']}/trace?format=chrome"))
    assert 'zluda_sync_jobs_total{outcome="finished"} 1' in server.get_text(f"{PATH}/metrics")


def test_a_report_on_the_card_has_the_hosts_version_and_none_of_its_names(server):
    """After a job: versions, settings and the model's family; no folder, no model, no machine, no user."""
    text = server.get_text(f"{PATH}/report")
    tree = parse_report(text).tree
    status = server.get(f"{PATH}/status")
    assert (status["version"], status["is_acting"]) == (tree["extension"], tree["acts"])
    assert ("acts", False, "run-ahead") == (tree["why"], tree["torch_sync"], tree["settings"]["mode"])
    assert "zluda" == tree["backend"]
    assert "sd" == tree["model_family"]
    assert "active, mode … on …: …" in [line["said"] for line in tree["log"]]
    assert set(tree["sdnext"]) == {"commit", "date", "branch"}
    private = {str(server.data_dir), os.environ["SDNEXT_DIR"], platform.node(), status["profile"]["reason"]}
    private |= {record["model"] for record in server.get(f"{PATH}/jobs")["jobs"]}
    assert set() == {name for name in private - {""} if name in text}


@pytest.mark.parametrize("path", ["status", "jobs", "metrics"])
def test_the_hosts_rate_limit_does_not_count_our_polls(server, path):
    """A panel asks more often in a minute than a client may ask for anything else."""
    for _ in range(MANY):
        server.get_text(f"{PATH}/{path}")


def test_each_job_has_a_limit_of_its_own(server):
    """The host counts by the very path; one that is asked for again and again is refused, no other one is."""
    if not server.can_switch_its_sync:
        pytest.skip("older versions count nothing")
    ask_often = [lambda: server.get_text(f"{PATH}/jobs/1")] * MANY
    with pytest.raises(urllib.error.HTTPError, match="429"):
        [ask() for ask in ask_often]
    server.get_text(f"{PATH}/jobs/1/trace")


def test_an_open_stream_does_not_keep_the_host_from_ending(server):
    """Last of all: the server is asked to end, and does."""
    over = threading.Event()
    listening = threading.Thread(target=listen, args=(server, over, []), daemon=True)
    listening.start()
    time.sleep(1.0)
    server._process.terminate()
    server._process.wait(20)
    over.set()
