"""Switched off and on in the middle of a request in the real SD.Next: its pictures come, nothing is torn."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.chromium import wait_for
from tests.sdnext.server import ROOT, SdNextServer

PATH = "/zluda_sync/v1"
STEPS = 6


@pytest.fixture(scope="module")
def server(make_server) -> SdNextServer:
    """SD.Next with the extension, and steps that leave time to press something."""
    made = make_server("switching", step_s=0.3)
    made.install(ROOT / "extensions" / "zluda_sync", "zluda_sync")
    made.start()
    made.set_options(zluda_sync_mode="run-ahead", samples_save=False)
    return made


def status(server: SdNextServer) -> dict[str, Any]:
    answer: dict[str, Any] = server.get(f"{PATH}/status")
    return answer


def newest(server: SdNextServer, count: int) -> list[tuple[str, str]]:
    """Return ids and outcomes of the newest jobs."""
    return [(job["id"], job["outcome"]) for job in server.get(f"{PATH}/jobs?limit={count}")["jobs"]]


def run_changing(server: SdNextServer, *changes: dict[str, Any]) -> list[bool]:
    """Make two pictures; make the changes in the first one, and return whether it acted behind each."""
    left, acted = list(changes), []

    def change(poll: Any) -> None:
        if left and poll.step >= 2:
            server.set_options(**left.pop(0))
            acted.append(status(server)["is_acting"])

    job = server.run_job(steps=STEPS, n_iter=2, on_poll=change)
    assert 2 == len(job.images)
    return acted


def test_unchecked_in_a_request_it_is_off_at_once_and_the_record_says_lost(server):
    """Nobody saw how it ended. Checked again there, it acts from the next request on."""
    before = newest(server, 1)
    assert [False, False] == run_changing(
        server, {"zluda_sync_enabled": False}, {"zluda_sync_enabled": True}
    )  # fmt: skip
    wait_for(lambda: status(server)["is_acting"], "acting")
    (first, *rest) = newest(server, 2)
    assert ("lost", before) == (first[1], rest[: len(before)])
    run_changing(server)
    assert [("finished", first)] == [(newest(server, 2)[0][1], newest(server, 2)[1])]


def test_a_mode_that_is_off_holds_from_the_next_request_on(server):
    """The one that runs is followed to its end."""
    assert [True] == run_changing(server, {"zluda_sync_mode": "off"})
    assert "finished" == newest(server, 1)[0][1]
    wait_for(lambda: not status(server)["is_acting"], "off")
    server.set_options(zluda_sync_mode="run-ahead")
    assert status(server)["is_acting"]
