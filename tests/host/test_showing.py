"""Who reads changes nothing; who shows says so: the bar as it was shown, and a Stop that was acknowledged."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from types import SimpleNamespace

import pytest
from fastapi.routing import APIRoute

from modules import shared
from tests.host.test_events_route import ask
from tests.host.test_job_records import picture
from tests.host.test_progress_routes import Answers
from tests.host.test_stop_route import Client, HostApi
from tests.host.test_torn_reads import showing
from zluda_sync.core.phase import Phase
from zluda_sync.core.progress.job import Job
from zluda_sync.core.steps.policy import SyncMode
from zluda_sync.host.api.status_route import EVENTS_PATH as EVENTS
from zluda_sync.host.hooks.progress_routes import describe

OURS = "/zluda_sync/v1/"
HOSTS = ("/internal/progress", "/sdapi/v1/progress", "/sdapi/v1/status")


@pytest.fixture
def clients(bench, monkeypatch):
    """A client of our routes, and one of the host's progress routes, of a host with a job that is stopped."""
    api, answers = HostApi(), Answers()
    monkeypatch.setattr(shared, "api", api, raising=False)
    for route in answers.app.routes:
        if isinstance(route, APIRoute):
            api.app.router.routes.append(route)
    bench.session.serve(api.app)
    bench.begin("observe", processing=picture(n_iter=2))
    bench.step(0)
    bench.in_thread(bench.state.interrupt)
    return SimpleNamespace(api=api, ours=Client(api.app), host=answers)


def shown(bench) -> tuple[int, bool]:
    """Return how often the bar was shown, and whether the Stop was acknowledged."""
    record = bench.session.records.find("current")
    return len(record.bar), record.stop.acknowledged_s is not None


@pytest.mark.parametrize(
    "path",
    [
        "metrics",
        "jobs",
        "jobs/current",
        "jobs/current/trace",
        "jobs/1/trace?format=chrome",
        "profiles",
        "selftest",
    ],
)
def test_reading_records_nothing(bench, clients, path):
    """A scrape of Prometheus, a record, a trace: nobody was shown the bar, and no Stop is acknowledged."""
    for _ in range(3):
        assert 200 == clients.ours.get(OURS + path).status_code
    assert (0, False) == shown(bench)


def test_a_snapshot_records_nothing(bench, clients):
    """However often it is taken, by whomever."""
    for _ in range(3):
        assert bench.session.snapshot().label.startswith("Stopping: ")
        bench.session.status.build()
        bench.session.status.build_for_events()
    assert (0, False) == shown(bench)


@pytest.mark.parametrize("path", HOSTS)
def test_the_hosts_progress_routes_show(bench, clients, path):
    """The page and every client of the API see the bar there."""
    clients.host.ask(path)
    assert (1, True) == shown(bench)


def test_a_client_that_waits_for_another_task_is_shown_nothing(bench, clients):
    """Its answer has nothing of the job."""
    clients.host.ask("/internal/progress", "task(another)")
    assert (0, False) == shown(bench)


def test_the_status_shows(bench, clients):
    """The panel asks for it where events do not get through."""
    assert "stop" == clients.ours.get(f"{OURS}status").json()["job"]["ending"]
    assert (1, True) == shown(bench)


def test_the_stream_of_events_shows_what_it_has_sent(bench, clients):
    """Not what it was about to send to a client that is gone."""
    asyncio.run(ask(clients.api.app, EVENTS, b"rate=10", leaves_after=3))
    assert (1, True) == shown(bench)


def test_who_presses_is_told_and_the_bar_is_not_shown_by_that(bench, clients):
    """The answer of ``stop`` says that the job is stopping."""
    assert clients.ours.post(f"{OURS}stop").json()["label"].startswith("Stopping: ")
    assert (0, True) == shown(bench)


def test_a_bar_that_was_shown_before_the_press_acknowledges_nothing(bench, clients):
    """What counts is what was told, not when."""
    bench.session.records.record_shown("1", 0.1, 0.1, None)
    assert (1, False) == shown(bench)


def test_looking_at_a_compilation_marks_no_part():
    """What a part is found to have been when it ends does not depend on who has looked at it before."""
    now_s = [0.0]
    job = Job(SyncMode.OBSERVE, clock=lambda: now_s[0], compile_sign=lambda within_s: True)
    part = job.begin_part(Phase.DECODE)
    now_s[0] = 30.0
    assert job.snapshot().is_compiling
    assert not part.has_compiled
    job.leave_part()
    assert part.has_compiled


@pytest.mark.parametrize(
    ("spread_s", "words", "ends"), [(2.0, "4-8 s left", [4.0, 8.0]), (0.5, "6 s left", [None, None])]
)
def test_every_view_shows_the_same_range(bench, clients, monkeypatch, spread_s, words, ends):
    """Whether the ETA is one figure or two is decided once, for the page's line and for the panel."""
    snapshot = replace(bench.session.snapshot(), eta_s=6.0, eta_spread_s=spread_s)
    monkeypatch.setattr(bench.session.status, "_find_job", lambda: showing(snapshot))
    job = clients.ours.get(f"{OURS}status").json()["job"]
    assert ends == [job["eta_low_s"], job["eta_high_s"]]
    assert words == describe(snapshot).split(", ")[2]
