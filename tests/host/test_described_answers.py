"""What ``/openapi.json`` says of our answers is what they are."""

from __future__ import annotations

import pytest
from jsonschema import Draft202012Validator

from modules import shared
from tests.host.test_job_records import picture, run
from tests.host.test_self_test_route import REPORT
from tests.host.test_stop_route import Client, HostApi
from zluda_sync.core.settings.profiles import ENTRY
from zluda_sync.device.steps.trust_book import TrustBook

OURS = "/zluda_sync/v1/"


@pytest.fixture
def client(bench, monkeypatch) -> Client:
    """A client of a session with a job that is over, one that is being stopped, and a problem to tell."""
    api = HostApi()
    monkeypatch.setattr(shared, "api", api, raising=False)
    monkeypatch.setattr(TrustBook, "find", lambda self, accelerator: REPORT)
    bench.session.serve(api.app)
    run(bench)
    bench.begin("observe", processing=picture(n_iter=2))
    bench.step(0)
    bench.finish()
    bench.in_thread(bench.state.interrupt)
    shared.opts.data[ENTRY] = {
        "profiles": {"night": {"depth": 99}},
        "rules": [{"profile": "off", "steps_min": 2}],
    }
    return Client(api.app)


@pytest.mark.parametrize(
    ("method", "described", "asked"),
    [
        ("GET", "status", "status"),
        ("GET", "jobs", "jobs"),
        ("GET", "jobs/current", "jobs/current"),
        ("GET", "jobs/{job_id}", "jobs/1"),
        ("GET", "profiles", "profiles"),
        ("GET", "selftest", "selftest"),
        ("POST", "stop", "stop"),
    ],
)
def test_an_answer_is_as_described(client, method, described, asked):
    """Every field that is promised is there and of its kind, and there is none that is not described."""
    told = client.get("/openapi.json").json()
    response = told["paths"][OURS + described][method.lower()]["responses"]["200"]
    schemas = told["components"]["schemas"]
    assert response["description"] != "Successful Response"
    ours = ("Answer", "Status", "Stop", "Images", "Summary")
    for schema in schemas.values():
        if "properties" in schema and schema["title"].endswith(ours):
            assert schema["properties"].keys() == set(schema["required"])
            schema["additionalProperties"] = False
    wanted = {**response["content"]["application/json"]["schema"], "components": {"schemas": schemas}}
    answer = client.ask(method, OURS + asked)
    assert (200, "no-store") == (answer.status_code, answer.headers["cache-control"])
    assert [] == [error.message for error in Draft202012Validator(wanted).iter_errors(answer.json())]
