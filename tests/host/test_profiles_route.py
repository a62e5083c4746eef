"""The routes of ours for profiles and rules."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import quote, urljoin

import pytest

from modules import call_queue, shared
from modules.options_handler import Options
from tests.full_disk import full_disk
from tests.host.test_stop_route import Client, HostApi
from tests.options import ENABLED, MODE, PROFILE
from zluda_sync.core.settings.profiles import ENTRY
from zluda_sync.core.settings.settings import PROFILE_FIELDS
from zluda_sync.host.profiles.store import ProfileRefusedError

PATH = "/zluda_sync/v1/profiles"


@pytest.fixture
def client(bench, monkeypatch, tmp_path) -> Client:
    """A client of the session's routes; settings are saved to a file of the test's."""
    api = HostApi()
    monkeypatch.setattr(shared, "api", api, raising=False)
    monkeypatch.setitem(shared.opts.__dict__, "filename", str(tmp_path / "config.json"))
    bench.session.register_options()
    bench.session.serve(api.app)
    return Client(api.app)


def put(client, path=PATH, **body):
    return client.ask("PUT", path, json=body)


def test_everything_an_editor_needs_is_told(client):
    """Fields with words and limits, and what they are now."""
    shared.opts.data[MODE] = "observe"
    answer = client.get(PATH).json()
    assert ("balanced", []) == (answer["chosen"], answer["problems"])
    assert list(PROFILE_FIELDS) == [field["name"] for field in answer["fields"]]
    mode, depth = (next(one for one in answer["fields"] if one["name"] == name) for name in ("mode", "depth"))
    assert ("choice", "observe", "run-ahead") == (mode["kind"], mode["default"], mode["choices"][2])
    assert ("number", 1, 16, "steps") == (depth["kind"], depth["minimum"], depth["maximum"], depth["unit"])
    assert {"images_min", "source", "device"} <= {one["name"] for one in answer["conditions"]}
    assert ["precise", "balanced", "throughput", "off"] == [one["name"] for one in answer["profiles"]]


def test_a_profile_is_saved_chosen_and_deleted(client):
    """All that a user does, in order."""
    path = f"{PATH}/{quote('my night ☾')}"
    assert 200 == put(client, path, values={"mode": "observe"}).status_code
    assert {"profiles": {"my night ☾": {"mode": "observe"}}} == shared.opts.data[ENTRY]
    assert "my night ☾" == put(client, chosen="my night ☾").json()["chosen"]
    assert 422 == client.ask("DELETE", path).status_code
    put(client, chosen="balanced")
    assert 200 == client.ask("DELETE", path).status_code
    assert 404 == client.ask("DELETE", path).status_code


def test_what_is_wrong_is_told_at_its_field(client):
    """The editor shows it there."""
    answer = put(client, f"{PATH}/night", values={"depth": 99, "mode": "fast"})
    assert 422 == answer.status_code
    assert ["profiles.night.depth", "profiles.night.mode"] == [
        one["where"] for one in answer.json()["detail"]
    ]
    assert ENTRY not in shared.opts.data


#: Names as nobody should give them: steps of an address, signs of one, what is not seen, and what is half.
HOSTILE = (
    ".", "..", "...", ".a", "..a", "a..", "..;", "~", "a&b=c", "a+b", "a;b", "a:b", "@", "$", "*",
    "__proto__", "a/b", "../..", "a\\b", "a?", "a#b", "50%", "%2e%2e", "%252E", " .. ", "", " ", "a\nb",
    "a\0", "\x7f", "\ud800", "\u202ea", "\u200b", "\u00a0", "\u2025", "\uff0e\uff0e", "e\u0301",
    "\U0001f319", "a" * 41,
)  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_a_name_that_is_taken_can_be_deleted_by_its_address(client, bench, name):
    """As a browser writes it, which takes steps out; any other name is refused, with the remedy."""
    try:
        bench.session.profiles.save_profile(name, {"mode": "observe"})
    except ProfileRefusedError as refusal:
        assert ENTRY not in shared.opts.data
        (problem,) = refusal.problems
        assert ("name" in problem.text, problem.text[-1]) == (True, ".")
        return
    address = urljoin(f"http://page{PATH}/", "./" + quote(name, safe="~()*!.'"))
    assert 200 == client.ask("DELETE", address.removeprefix("http://page")).status_code
    assert {"profiles": {}} == shared.opts.data[ENTRY]


@pytest.mark.parametrize(("name", "twice"), [(".", "%252E"), ("..", "%252E%252E"), ("..", "%252e%252e")])
def test_a_name_that_is_a_step_of_an_address_is_not_given_and_can_be_deleted(client, name, twice):
    """It may stand in config.json, from before: it is read and chosen, and goes by its name escaped twice."""
    answer = put(client, f"{PATH}/{twice.replace('25', '')}", values={})
    (problem,) = answer.json()["detail"]
    assert (422, "name") == (answer.status_code, problem["where"])
    assert problem["text"].endswith("which no address can carry. Give the profile another name.")
    shared.opts.data[ENTRY] = {"profiles": {name: {"mode": "observe"}, "a": {}}}
    assert name == put(client, chosen=name).json()["chosen"]
    assert [] == client.get(PATH).json()["problems"]
    put(client, chosen="balanced")
    assert 200 == client.ask("DELETE", f"{PATH}/{twice}").status_code
    assert {"profiles": {"a": {}}} == shared.opts.data[ENTRY]


@pytest.mark.parametrize("name", ["balanced", "auto"])
def test_what_came_with_the_extension_stays(client, name):
    """A conflict, and what to do."""
    for method in ("PUT", "DELETE"):
        answer = client.ask(method, f"{PATH}/{name}", json={"values": {}})
        assert (409, True) == (answer.status_code, "another name" in answer.json()["detail"])


def test_a_refused_rule_leaves_the_choice_as_it_was(client):
    """Both or neither."""
    answer = put(client, chosen="auto", rules=[{"profile": "nobody"}])
    assert (422, "balanced") == (answer.status_code, client.get(PATH).json()["chosen"])
    assert 422 == put(client).status_code
    answer = put(client, chosen="auto", rules=[{"profile": "off", "source": "api"}]).json()
    assert ("auto", [{"profile": "off", "source": "api"}]) == (answer["chosen"], answer["rules"])
    assert "auto" == shared.opts.data[PROFILE]


def test_what_stands_broken_in_the_file_is_told(client):
    """The panel lists it, with the entry."""
    shared.opts.data[ENTRY] = {"profiles": {"night": {"depth": 99}}}
    (problem,) = client.get(PATH).json()["problems"]
    assert "config.json: zluda_sync.profiles.night.depth" == problem["where"]


def test_the_schema_is_published(client):
    """For editors of config.json."""
    assert "profiles" in client.get(f"{PATH}/schema").json()["properties"]


def in_file() -> dict:
    return json.loads(Path(shared.opts.filename).read_text(encoding="utf-8"))


def test_the_answer_tells_that_the_file_could_not_be_written(client):
    """The change goes all the same, until the host ends; the next one that can be saved takes it along."""
    put(client, chosen="precise")
    with full_disk(10):
        answer = put(client, chosen="off", rules=[{"profile": "off"}]).json()
    assert ("off", [{"profile": "off"}]) == (answer["chosen"], answer["rules"])
    assert "config.json cannot be written to" in answer["not_saved"]
    assert "precise" == in_file()[PROFILE]
    assert "not_saved" in client.get(PATH).json()
    answer = put(client, chosen="auto").json()
    assert ("", {"rules": [{"profile": "off"}]}) == (answer["not_saved"], in_file()[ENTRY])


def test_a_change_while_a_job_runs_is_in_the_file_at_once(client, bench):
    """Without what the job's request has set for itself; a later change by hand goes before it."""
    put(client, chosen="off")
    with call_queue.queue_lock:
        shared.opts.data.update({PROFILE: "throughput", "samples_format": "request's"})
        assert "" == put(client, chosen="precise").json()["not_saved"]
        assert {PROFILE: "precise"} == in_file()
        shared.opts.set(PROFILE, "off")  # which the host would put back, too
        shared.opts.data.pop("samples_format")
    bench.wait_until(lambda: bench.session._saver._late._thread is None)
    with call_queue.queue_lock:
        assert "off" == shared.opts.data[PROFILE]


def test_the_hosts_saves_are_lined_up_only_while_the_extension_acts(client, bench):
    """Switched off, no name of the host is replaced."""
    shared.opts.data[ENABLED] = False
    bench.session.reconcile()
    its_own = Options.__dict__["save_atomic"]
    bench.switch_on()
    assert its_own is not Options.__dict__["save_atomic"]
    put(client, chosen="off")
    assert its_own is Options.__dict__["save_atomic"]
    put(client, rules=[])
    assert its_own is Options.__dict__["save_atomic"]
