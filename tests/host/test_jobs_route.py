"""The routes of ours for jobs and traces: the record's numbers, and nothing of what is not there."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest

from modules import shared
from tests.host.test_job_records import picture, run
from tests.host.test_status_route import fields_of
from tests.host.test_stop_route import Client, HostApi
from tests.trace_events import check_trace
from zluda_sync.core.answers import to_json_text
from zluda_sync.core.records.job_answers import JobAnswer, JobsAnswer, JobSummary, PartAnswer, tell_job
from zluda_sync.host.api.jobs_route import PATH
from zluda_sync.host.sdnext import SdNext
from zluda_sync.host.session import Session


@pytest.fixture
def client(bench, monkeypatch) -> Client:
    """A client of the session's routes."""
    api = HostApi()
    monkeypatch.setattr(shared, "api", api, raising=False)
    bench.session.serve(api.app)
    return Client(api.app)


def test_jobs_are_listed_newest_first(bench, client):
    """The one that runs is the first of all."""
    run(bench)
    run(bench)
    bench.begin("observe", processing=picture())
    answer = client.get(PATH).json()
    JobsAnswer(**answer)
    assert [("3", "running"), ("2", "finished"), ("1", "finished")] == [
        (job["id"], job["outcome"]) for job in answer["jobs"]
    ]
    assert fields_of(JobSummary) == answer["jobs"][0].keys()
    assert ["3", "2"] == [job["id"] for job in client.get(PATH, params={"limit": 2}).json()["jobs"]]


def test_one_job_is_told_with_every_step(bench, client):
    """As its record has it."""
    record = run(bench)
    answer = client.get(f"{PATH}/1").json()
    JobAnswer(**answer)
    assert json.loads(to_json_text(tell_job(record))) == answer
    assert fields_of(JobAnswer) == answer.keys()
    assert fields_of(PartAnswer) == answer["parts"][0].keys()
    assert [3] == [len(part["completed_at_s"]) for part in answer["parts"] if part["phase"] == "denoise"]


def test_the_running_job_is_called_current(bench, client):
    """And without one there is none."""
    refusal = client.get(f"{PATH}/current")
    assert (404, True) == (refusal.status_code, "no job runs" in refusal.text)
    bench.begin("observe", processing=picture())
    bench.step(0)
    answer = client.get(f"{PATH}/current").json()
    assert ("1", "running", None) == (answer["id"], answer["outcome"], answer["parts"][-1]["ended_s"])


def test_a_trace_is_a_file(bench, client):
    """Of one's own name, in both formats."""
    run(bench)
    plain, chrome = (client.get(f"{PATH}/1/trace", params={"format": one}) for one in ("json", "chrome"))
    assert 'attachment; filename="zluda_sync-job-1.json"' == plain.headers["content-disposition"]
    assert 'attachment; filename="zluda_sync-job-1.trace.json"' == chrome.headers["content-disposition"]
    assert client.get(f"{PATH}/1").json() == plain.json() == client.get(f"{PATH}/1/trace").json()
    check_trace(chrome.json())
    assert 3 == sum("step" in event["args"] and event["tid"] == 2 for event in chrome.json()["traceEvents"])


@pytest.mark.parametrize(
    "job_id", ["0", "99", "-1", "current ", "../status", "..%2f..", "<script>", "1\n", "\u0661"]
)
@pytest.mark.parametrize("suffix", ["", "/trace"])
def test_what_is_not_there_is_not_found(bench, client, job_id, suffix):
    """The answer names the remedy, and does not repeat what was asked for."""
    run(bench)
    answer = client.get(f"{PATH}/{quote(job_id, safe='')}{suffix}")
    assert 404 == answer.status_code
    assert "script" not in answer.text


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "limit=x", "limit=-1", "limit=1e3"])
def test_a_limit_that_cannot_be_served_is_refused(client, query):
    """Nobody gets more than is remembered."""
    assert 422 == client.get(f"{PATH}?{query}").status_code


@pytest.mark.parametrize("format_", ["perfetto", "../x", "", "CHROME"])
def test_a_format_that_is_not_known_is_refused(bench, client, format_):
    """Before anything is looked up."""
    run(bench)
    assert 422 == client.get(f"{PATH}/1/trace", params={"format": format_}).status_code


def test_no_answer_is_kept_by_a_browser(bench, client):
    """Each is of the moment."""
    run(bench)
    paths = (PATH, f"{PATH}/1", f"{PATH}/1/trace")
    assert {"no-store"} == {client.get(path).headers["cache-control"] for path in paths}


def test_every_route_is_described(client):
    """With the model of its answer."""
    paths = client.get("/openapi.json").json()["paths"]
    for path in (PATH, f"{PATH}/current", f"{PATH}/{{job_id}}"):
        assert "Job" in json.dumps(paths[path]["get"]["responses"]["200"])
    assert ["json", "chrome"] == client.get("/openapi.json").json()["components"]["schemas"]["TraceFormat"][
        "enum"
    ]


def test_jobs_are_found_by_model_and_time(bench, client, monkeypatch):
    """Case and folders do not matter; ``*`` stands for anything."""
    made = []
    for name in ("sdxl/Dream [1].safetensors", "other", "sdxl/Dream [2].safetensors"):
        monkeypatch.setattr(type(bench.session._host), "model_name", property(lambda self, name=name: name))
        made.append(run(bench))

    def found(**query) -> list[str]:
        return [job["id"] for job in client.get(PATH, params=query).json()["jobs"]]

    assert ["3", "1"] == found(model="dream*")
    assert ["1"] == found(model="x\\DREAM [1].safetensors")
    assert ["2"] == found(model="other") == found(model="other", limit=1)
    assert [] == found(model="oth") == found(since=made[2].began_at_s + 1)
    assert ["3", "2"] == found(since=made[1].began_at_s)
    assert ["3"] == found(since=made[1].began_at_s, model="*dream*", limit=5)


@pytest.mark.parametrize("query", ["since=x", "since=", "model=" + 201 * "x"])
def test_a_filter_of_no_form_is_refused(client, query):
    """By its name."""
    answer = client.get(f"{PATH}?{query}")
    assert (422, True) == (answer.status_code, query.partition("=")[0] in answer.text)


def test_jobs_of_before_a_restart_are_told_like_the_others(bench, monkeypatch):
    """In the list, alone, and as a trace; the numbers go on."""
    before = run(bench)
    bench.session.close()
    bench.session = Session(SdNext())
    api = HostApi()
    monkeypatch.setattr(shared, "api", api, raising=False)
    bench.session.serve(api.app)
    client = Client(api.app)
    run(bench)
    assert ["2", "1"] == [job["id"] for job in client.get(PATH).json()["jobs"]]
    told = client.get(f"{PATH}/1").json()
    JobAnswer(**told)
    assert (3, "finished", before.title) == (told["steps"], told["outcome"], told["title"])
    check_trace(client.get(f"{PATH}/1/trace", params={"format": "chrome"}).json())


def test_a_job_that_was_lost_is_told_as_one(bench, monkeypatch):
    """The host was killed; nobody knows when."""
    bench.begin("observe", processing=picture())
    killed = bench.session
    killed._kept.close()  # no more is written: the job has no end
    killed.close()
    bench.session = Session(SdNext())
    api = HostApi()
    monkeypatch.setattr(shared, "api", api, raising=False)
    bench.session.serve(api.app)
    client = Client(api.app)
    (job,) = client.get(PATH).json()["jobs"]
    assert ("1", "lost", None) == (job["id"], job["outcome"], job["duration_s"])
    check_trace(client.get(f"{PATH}/1/trace", params={"format": "chrome"}).json())
