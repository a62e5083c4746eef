"""The route of ours that tells what can be sent of the card: what it finds, and nothing else."""

from __future__ import annotations

import getpass
import platform
import sys
from types import SimpleNamespace

import pytest
import torch

import zluda_sync
from modules import devices, shared
from tests.core.test_verification import FOUND
from tests.host.test_stop_route import Client, HostApi
from tests.options import ENABLED, GATE, MODE, PROFILE
from zluda_sync.core.records.card_report import WITHHELD, parse_report
from zluda_sync.core.records.self_test_report import RungVerdict, SelfTestReport
from zluda_sync.device.steps.accelerator import Accelerator
from zluda_sync.device.steps.trust_book import TrustBook
from zluda_sync.host.api.report_route import PATH, ReportRoute
from zluda_sync.host.card import find_private_words, why_not
from zluda_sync.host.session import Session

REPORT = SelfTestReport(
    "card",
    {"driver": "1"},
    taken_at_s=1785000000.0,
    work_s=1.0,
    queued_s=0.1,
    rungs=(RungVerdict("planted-event", False, "fails: C:\\Users\\alice is invalid"),),
)


@pytest.fixture
def client(bench, monkeypatch) -> Client:
    """A client of the session's routes."""
    api = HostApi()
    monkeypatch.setattr(shared, "api", api, raising=False)
    bench.session.serve(api.app)
    return Client(api.app)


def told(client: Client) -> dict:
    """Return the entries of the report that the route answers with."""
    answer = client.get(PATH)
    assert (200, "no-store") == (answer.status_code, answer.headers["cache-control"])
    return dict(parse_report(answer.text).tree)


def test_what_is_known_of_host_and_session_is_told(bench, client, monkeypatch):
    """With versions, settings and what the self-test found; a driver's text is only known by its meaning."""
    version = {"commit": "9cb7d1f4", "updated": "2026-07-23", "branch": "dev", "url": "https://alice"}
    monkeypatch.setitem(sys.modules, "installer", SimpleNamespace(version=version))
    monkeypatch.setattr(TrustBook, "find", lambda self, accelerator: REPORT)
    shared.opts.data.update({ENABLED: True, MODE: "observe", "torch_sync": True})
    bench.session.reconcile()
    tree = told(client)
    assert {"commit": "9cb7d1f4", "date": "2026-07-23", "branch": "dev"} == tree["sdnext"]
    assert ("zluda", True, True, "acts") == (
        tree["backend"], tree["torch_sync"], tree["acts"], tree["why"],
    )  # fmt: skip
    assert torch.__version__.partition("+")[0] == tree["versions"]["torch"].partition("+")[0]
    assert (zluda_sync.__version__, platform.system()) == (tree["extension"], tree["system"]["family"])
    assert ("balanced", "observe", "auto") == tuple(
        tree["settings"][name] for name in ("profile", "mode", "rung")
    )
    assert (False, 1784998800) == (tree["self_test"]["is_blocking"], tree["self_test"]["taken_at_s"])
    assert "fails: invalid" == tree["self_test"]["rungs"][0]["reason"]
    assert "active, mode … on …: …" in [line["said"] for line in tree["log"]]
    assert (None, []) == (tree["verification"], tree[WITHHELD])


def test_what_the_host_does_not_know_of_itself_is_unknown(client, monkeypatch):
    """It says so by a word, or has not looked so far."""
    unknown = dict.fromkeys(("commit", "updated", "branch"), "unknown")
    for version in (unknown, None):
        monkeypatch.setitem(sys.modules, "installer", SimpleNamespace(version=version))
        tree = told(client)
        assert (dict.fromkeys(("commit", "date", "branch")), []) == (tree["sdnext"], tree[WITHHELD])


def test_the_report_is_read_by_a_person(client):
    """An entry a line, in English."""
    lines = client.get(PATH).text.splitlines()
    assert len(lines) > 20
    assert [] == [line for line in lines if len(line) > 300]


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({ENABLED: False}, "switched off"),
        ({PROFILE: "off"}, "mode off"),
        ({GATE: "zluda"}, "not on ZLUDA"),
        ({GATE: "runs-ahead"}, "not tested"),
    ],
)
def test_why_it_does_not_act_is_told_in_closed_words(bench, client, monkeypatch, options, why):
    """The same that the status tells in sentences."""
    if GATE in options:
        monkeypatch.setattr(devices, "backend", "cuda")
    shared.opts.data.update(options)
    bench.session.reconcile()
    tree = told(client)
    assert (False, why) == (tree["acts"], tree["why"])


def test_what_the_self_test_says_of_the_device_is_a_reason():
    """One that did not end, one that found a blocking device, and one that found nothing."""
    settings = SimpleNamespace(enabled=True, mode="auto", gate="runs-ahead")
    for report, why in (
        (SelfTestReport(unfinished="alice"), "test not finished"),
        (SelfTestReport(work_s=1.0, queued_s=0.9), "blocks by itself"),
        (SelfTestReport(work_s=1.0, queued_s=0.1), "not shown to run ahead"),
    ):
        assert why == why_not(settings, True, report)
    assert "nothing to follow" == why_not(settings, False, None)


def test_a_profile_of_the_users_is_not_named(bench, client):
    """Its name is the user's own word."""
    shared.opts.data.update({PROFILE: "alice", "zluda_sync": {"profiles": {"alice": {"mode": "observe"}}}})
    settings = told(client)["settings"]
    assert ("own", "observe") == (settings["profile"], settings["mode"])


def test_what_fails_is_missing_and_nothing_else(bench, client, monkeypatch):
    """A driver that does not even tell its name keeps nobody from reporting that."""

    def fail(self, accelerator):
        raise OSError("/home/alice")

    monkeypatch.setattr(TrustBook, "versions_of", fail)
    tree = told(client)
    assert (None, None) == (tree["versions"], tree["device"])
    assert "zluda" == tree["backend"]


def test_the_newest_verification_is_told(bench):
    """As it is found; one that cannot be had is missing."""

    def fail():
        raise OSError

    for find, sentence in (
        (lambda: {"sentence": FOUND.sentence, "device": "alice"}, FOUND.sentence),
        (fail, None),
        (lambda: "alice", None),
    ):
        route = ReportRoute(bench.session.status.card, [], find)
        verification = parse_report(route.build()).tree["verification"]
        assert sentence == (verification and verification["sentence"])


def test_the_names_of_user_and_machine_are_known(monkeypatch):
    """With what stands before the first dot; what a system has not is left out."""
    monkeypatch.setattr(getpass, "getuser", lambda: "alice")
    monkeypatch.setattr(platform, "node", lambda: "box.example.org")
    assert {"alice", "box", "box.example.org"} <= find_private_words()
    monkeypatch.setattr(getpass, "getuser", lambda: {}["USER"])
    assert "alice" not in find_private_words()


def test_a_device_with_the_users_name_in_it_is_not_named_in_full(client, monkeypatch):
    """Also where that name looks like a model's number."""
    monkeypatch.setattr(Accelerator, "name", property(lambda self: "AMD Radeon RX 7900XTX"))
    assert "AMD Radeon RX 7900XTX" == told(client)["device"]
    monkeypatch.setattr(getpass, "getuser", lambda: "7900xtx")
    assert "AMD Radeon RX ?" == told(client)["device"]


def test_strangers_get_no_report(bench, monkeypatch):
    """The route is guarded as the host's own are."""
    api = HostApi(users={"user": "password"})
    monkeypatch.setattr(shared, "api", api, raising=False)
    bench.session.serve(api.app)
    client = Client(api.app)
    assert 401 == client.get(PATH).status_code
    assert 200 == client.get(PATH, auth=("user", "password")).status_code


def test_each_line_that_is_told_is_counted(bench):
    """Notices, failures, refusals and self-tests alike."""
    told = bench.session._log
    told.warn("learned durations in /home/alice cannot be used")
    told.guard.tell("following a job", OSError("/home/alice"))
    told.refusals.tell("not active", OSError("this SD.Next has no alice"))
    told.tell_self_test(REPORT)
    assert {
        "learned durations in … cannot be used", "… failed, progress is SD.Next's own: …",
        "not active: this SD.Next has no …", "self-test in … s: …",
    } <= {line for line, _times in told.said}  # fmt: skip


def test_a_session_that_is_not_served_has_one_too(bench):
    """Nothing of it needs a job, a model or a test."""
    assert isinstance(bench.session, Session)
    tree = parse_report(ReportRoute(bench.session.status.card, bench.session._log.said).build()).tree
    assert tree["model_family"] is None
