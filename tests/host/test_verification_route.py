"""The route of ours that checks the card, and tells what was found."""

from __future__ import annotations

import pytest

from modules import shared
from tests.core.test_verification import FOUND
from tests.host.test_stop_route import Client, HostApi
from zluda_sync.device.steps.self_testing import SelfTesting
from zluda_sync.pipeline.card_check.checking import CardChecking, CheckStatus

PATH = "/zluda_sync/v1/verification"


@pytest.fixture
def client(bench, monkeypatch) -> Client:
    """A client of the session's routes, on a device that could be checked; no check ever runs."""
    monkeypatch.setattr(SelfTesting, "_why_impossible", lambda self, accelerator: "")
    monkeypatch.setattr(CardChecking, "_run", lambda self: None)
    api = HostApi()
    monkeypatch.setattr(shared, "api", api, raising=False)
    bench.session.serve(api.app)
    return Client(api.app)


def test_while_a_job_runs_no_card_is_checked(bench, client):
    """The device is the job's: 409, and what to do."""
    bench.begin("observe")
    answer = client.post(PATH)
    assert 409 == answer.status_code
    assert "no check: a job runs; try again when it is done" == answer.json()["detail"]


def test_another_site_cannot_start_a_check(client):
    """It would keep the card busy for a minute."""
    answer = client.post(PATH, headers={"Origin": "https://elsewhere.example"})
    assert 403 == answer.status_code


def test_a_check_is_begun_and_not_waited_for(client, monkeypatch):
    """202, with the status; the reading begins nothing."""
    begun: list[CardChecking] = []

    def start(self: CardChecking) -> None:
        begun.append(self)

    monkeypatch.setattr(CardChecking, "start", start)
    told = {"progress": None, "doing": "", "failure": "", "verification": None}
    assert (200, told) == (client.get(PATH).status_code, client.get(PATH).json())
    assert [] == begun
    answer = client.post(PATH)
    assert (202, told, 1) == (answer.status_code, answer.json(), len(begun))


def test_what_was_found_is_told_as_it_is_kept(client, monkeypatch):
    """With the sentence, and what a check does now."""
    status = CheckStatus(0.51234, "observe", "", FOUND)
    monkeypatch.setattr(CardChecking, "status", property(lambda self: status))
    told = client.get(PATH).json()
    assert (0.5123, "observe", "") == (told["progress"], told["doing"], told["failure"])
    kept = FOUND.to_json()
    assert {name: value for name, value in kept.items() if name != "version"} == told["verification"]
