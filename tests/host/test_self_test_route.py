"""The route of ours that tells what the self-test found, and runs one."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from modules import shared
from tests.host.test_stop_route import Client, HostApi
from zluda_sync.core.records.self_test_report import RungVerdict, SelfTestReport
from zluda_sync.device.steps.self_testing import SelfTesting
from zluda_sync.host.api.self_test_route import SelfTestRoutes, tell_report

PATH = "/zluda_sync/v1/selftest"
REPORT = SelfTestReport(
    "card",
    {"driver": "1"},
    work_s=1.0,
    queued_s=0.1,
    rungs=(RungVerdict("planted-event", True, cost_s=1e-4),),
)


@pytest.fixture
def client(bench, monkeypatch) -> Client:
    """A client of the session's routes, on a device that could be tested."""
    monkeypatch.setattr(SelfTesting, "_why_impossible", lambda self, accelerator: "")
    monkeypatch.setattr(SelfTesting, "_run", lambda self, forgets_caught: pytest.fail("a test ran"))
    api = HostApi()
    monkeypatch.setattr(shared, "api", api, raising=False)
    bench.session.serve(api.app)
    return Client(api.app)


def test_while_a_job_runs_no_test_does(bench, client):
    """The device is the job's: 409, and what to do."""
    bench.begin("observe")
    answer = client.post(PATH)
    assert 409 == answer.status_code
    assert "a job runs; try again" in answer.json()["detail"]


def test_an_untested_device_is_said(client):
    """Nothing is known, and the mode is the careful one."""
    answer = client.get(PATH).json()
    assert ("every-step", None, None) == (answer["mode"], answer["progress"], answer["report"])
    assert answer["explanation"].startswith("no self-test so far")


def test_a_new_test_is_told_as_it_is(monkeypatch):
    """All that was found, with what follows from it, in the same form from both routes."""
    ran = []

    def run() -> SelfTestReport:
        ran.append(REPORT)
        return REPORT

    api = HostApi()
    book = SimpleNamespace(find=lambda _accelerator: REPORT)
    known = {"book": book, "explain": lambda _accelerator: "why"}
    routes = SelfTestRoutes(SimpleNamespace(run_now=run, progress=(0.5, "rungs"), **known), lambda: None)
    api.add_api_route(PATH, routes.get_selftest, methods=["GET"])
    api.add_api_route(PATH, routes.post_selftest, methods=["POST"])
    client = Client(api.app)
    told = client.get(PATH).json()
    assert [] == ran
    assert told == client.post(PATH).json()
    assert [REPORT] == ran
    assert {"mode", "explanation", "progress", "report"} == set(told)
    assert "planted-event" == told["report"]["event_rung"]
    assert (False, {"driver": "1"}) == (told["report"]["is_blocking"], told["report"]["versions"])
    assert ("planted-event", True) == tuple(
        told["report"]["rungs"][0][name] for name in ("name", "is_truthful")
    )


def test_a_report_without_versions_is_told_too():
    """Nothing is None where a dictionary is promised."""
    assert {} == tell_report(replace(REPORT, versions=None)).versions
