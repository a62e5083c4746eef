"""The route of ours that tells the status: the same figures as the snapshot, in every state."""

from __future__ import annotations

import ast
import json
from dataclasses import fields
from pathlib import Path

import pytest

from modules import devices, shared
from tests.host.test_job_records import picture
from tests.host.test_stop_route import Client, HostApi
from tests.options import ENABLED, GATE, MODE, PROFILE
from zluda_sync.core.settings.profiles import ENTRY
from zluda_sync.core.settings.settings import PROFILE_FIELDS
from zluda_sync.host import acting as acting_module
from zluda_sync.host.api import status_route
from zluda_sync.host.api.status import JobStatus, StatusAnswer
from zluda_sync.host.api.status_route import PATH
from zluda_sync.host.sdnext import SdNext


def fields_of(answer) -> set[str]:
    """Return the names of an answer's fields."""
    return {one.name for one in fields(answer)}


@pytest.fixture
def client(bench, monkeypatch) -> Client:
    """A client of the session's routes."""
    api = HostApi()
    monkeypatch.setattr(shared, "api", api, raising=False)
    bench.session.serve(api.app)
    return Client(api.app)


def test_no_job_runs(bench, client):
    """Everything else is told; nobody keeps the answer."""
    answer = client.get(PATH)
    status = answer.json()
    assert fields_of(StatusAnswer) == status.keys()
    StatusAnswer(**status)
    assert (True, None, "zluda", True) == (
        status["is_acting"], status["job"], status["backend"], status["is_zluda"],
    )  # fmt: skip
    assert {"name", "reason", "values"} == status["profile"].keys()
    assert set(PROFILE_FIELDS) == status["profile"]["values"].keys()
    assert "no-store" == answer.headers["cache-control"]


def test_a_job_that_runs_is_told_as_the_snapshot_has_it(bench, client):
    """Whatever view: the same figures."""
    bench.begin("observe", processing=picture(n_iter=2))
    for index in range(3):
        bench.step(index)
    bench.finish(2)
    job, snapshot = client.get(PATH).json()["job"], bench.session.snapshot()
    assert fields_of(JobStatus) == job.keys()
    assert (snapshot.completed, snapshot.launched, snapshot.total) == (
        job["completed"], job["launched"], job["total"],
    )  # fmt: skip
    assert (2, 3, 1, 0, 2) == (
        job["completed"], job["launched"], job["run_ahead"], job["image"], job["images"],
    )  # fmt: skip
    assert ("1", snapshot.label, "observe") == (job["id"], job["label"], job["mode"])
    bench.in_thread(bench.state.interrupt)
    assert "stop" == client.get(PATH).json()["job"]["ending"]


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({ENABLED: False}, "unchecked"),
        ({MODE: "off"}, "mode off"),
        ({PROFILE: "off"}, "the profile off"),
        ({GATE: "zluda"}, "not on ZLUDA"),
        ({GATE: "runs-ahead"}, "self-test"),
    ],
)
def test_why_it_does_not_act_is_told(bench, client, monkeypatch, options, word):
    """In one sentence each."""
    if GATE in options:
        monkeypatch.setattr(devices, "backend", "cuda")
    shared.opts.data.update(options)
    bench.session.reconcile()
    status = client.get(PATH).json()
    assert not status["is_acting"]
    assert word in status["explanation"]


def test_on_the_cpu_there_is_nothing_to_follow(bench, client, monkeypatch):
    """And no device to name."""
    monkeypatch.setattr(acting_module, "accelerator_of", lambda host: None)
    bench.session.reconcile()
    status = client.get(PATH).json()
    assert (None, False) == (status["device"], status["is_acting"])
    assert "CPU" in status["explanation"]


def test_what_keeps_the_patches_out_is_the_explanation(bench, client, monkeypatch):
    """A host that has changed is named with the remedy."""
    bench.session.patches.remove_all()
    monkeypatch.delattr("modules.processing_args.diffusers_callback_legacy")
    bench.session.reconcile()
    assert "diffusers_callback_legacy" in client.get(PATH).json()["explanation"]


def test_problems_of_the_configuration_are_told(bench, client):
    """With their places, of settings and of profiles."""
    shared.opts.data.update({MODE: "fastest", ENTRY: {"profiles": {"night": {"depth": 99}}}})
    places = [problem["where"] for problem in client.get(PATH).json()["problems"]]
    assert MODE in places
    assert any("night" in place for place in places)


def test_the_profile_is_the_running_jobs(bench, client):
    """Settings that are changed in the middle of a job are for the next one."""
    bench.begin("observe", processing=picture())
    shared.opts.data[PROFILE] = "precise"
    assert "balanced" == client.get(PATH).json()["profile"]["name"]
    bench.session.end_job()
    assert "precise" == client.get(PATH).json()["profile"]["name"]


def test_asking_loads_no_model(bench, client, monkeypatch):
    """The host's property would load it."""
    monkeypatch.setattr(SdNext, "model_name", property(lambda self: pytest.fail("the model was asked for")))
    assert 200 == client.get(PATH).status_code


def test_the_status_for_streams_is_not_read_anew_at_every_poll(bench, monkeypatch):
    """What does not depend on the job may be a second old."""
    status = bench.session.status
    asked = []
    monkeypatch.setattr(status._acting, "find_accelerator", lambda: asked.append(1))
    for _ in range(10):
        status.build_for_events()
    assert 1 == len(asked)
    status.build()
    assert 2 == len(asked)


def test_models_and_answers_need_nothing_that_only_one_pydantic_has(bench, client):
    """Older versions of the host have 1.10."""
    for file in Path(status_route.__file__).parent.glob("*.py"):
        names = [
            name
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
            if isinstance(node, (ast.Import, ast.ImportFrom))
            for name in (getattr(node, "module", None), *(alias.name for alias in node.names))
        ]
        assert [] == [name for name in names if name and name.startswith("pydantic")], file.name
    schema = client.get("/openapi.json").json()
    told = schema["paths"][PATH]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert "StatusAnswer" in json.dumps(told)
