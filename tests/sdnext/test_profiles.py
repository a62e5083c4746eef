"""Profiles in the real SD.Next's settings file."""

from __future__ import annotations

import json
import threading

import pytest

from tests.browser.chromium import wait_for
from tests.sdnext.server import ROOT, SdNextServer

PATH = "/zluda_sync/v1/profiles"
ENTRY = {
    "profiles": {"night": {"mode": "observe"}, "broken <b>": {"depth": 99, "note": "mine"}},
    "rules": [{"profile": "night", "images_min": 2}, {"profile": "precise", "steps_max": 6}],
}


@pytest.fixture(scope="module")
def server(make_server) -> SdNextServer:
    """SD.Next with a settings file of another name, which has profiles in it."""
    made = make_server("profiles")
    content = json.loads(made.config.read_text(encoding="utf-8"))
    made.config = made.data_dir / "night.json"
    made.config.write_text(json.dumps({**content, "zluda_sync": ENTRY}), encoding="utf-8")
    made.install(ROOT / "extensions" / "zluda_sync", "zluda_sync")
    made.start()
    made.set_options(torch_sync=False, zluda_sync_mode="run-ahead")
    return made


def in_file(server):
    """Return what is in the settings' file, nothing while the host writes it."""
    try:
        return json.loads(server.config.read_text(encoding="utf-8"))
    except ValueError:
        return {}


def test_another_settings_file_brings_its_own_profiles(server):
    """What is broken in it is named with the file, on the route and in the log, and kept as it is."""
    answer = server.get(PATH)
    assert "night" in [profile["name"] for profile in answer["profiles"]]
    assert "night.json" == answer["config_file"]
    named = [problem["where"] for problem in answer["problems"]]
    assert [f"night.json: zluda_sync.profiles.broken <b>.{field}" for field in ("depth", "note")] == named
    log = " ".join(server.log.read_text(errors="replace").split())  # lines are broken there
    assert "night.json: zluda_sync.profiles.broken <b>.depth" in log, log[-3000:]
    assert ENTRY == in_file(server)["zluda_sync"]


def test_the_settings_page_has_every_row_and_the_users_profiles(server):
    """Rows, words and choices reach the page."""
    page = server.get_text("/")
    names = [field["name"] for field in server.get(PATH)["fields"]]
    for name in ("enabled", "profile", *names, "favicon", "notification"):
        assert f'"setting_zluda_sync_{name}"' in page
    assert '"night"' in page and "throughput: never waits" in page


def test_a_saved_profile_goes_at_once_and_other_settings_do_not_lose_it(server):
    """Saved by our route, saved again by the host with something else."""
    server.put(f"{PATH}/day", {"values": {"mode": "every-step"}})
    server.put(PATH, {"chosen": "day"})
    assert server.run_job(steps=4).run_ahead_max() <= 1
    server.set_options(samples_filename_pattern="[seq]-mine")
    wait_for(lambda: in_file(server).get("samples_filename_pattern") == "[seq]-mine", "saving")
    assert {**ENTRY["profiles"], "day": {"mode": "every-step"}} == in_file(server)["zluda_sync"]["profiles"]
    assert "day" == in_file(server)["zluda_sync_profile"]


def test_one_request_can_choose_another_profile(server):
    """``override_settings``, for that request only; off is the host alone."""
    server.put(PATH, {"chosen": "precise"})
    assert server.run_job(override_settings={"zluda_sync_profile": "night"}).run_ahead_max() > 2
    if server.can_switch_its_sync:
        for left_alone in ({"zluda_sync_profile": "off"}, {"zluda_sync_enabled": False}):
            assert server.run_job(override_settings=left_alone).leads() > 0
    job = server.run_job()
    assert (1, 0) == (job.run_ahead_max(), job.leads())


def test_a_change_while_a_job_runs_is_kept_without_what_the_request_has_set(server):
    """The file has it at once, and never what the request has set; afterwards the change still goes."""
    before = in_file(server)
    rules = [{"profile": "night", "images_min": 2}, {"profile": "precise", "steps_max": 6}]
    seen = []

    def change(poll):
        if not seen and poll.step > 2:
            answer = server.put(PATH, {"chosen": "night", "rules": rules})
            seen.append((answer["chosen"], answer["not_saved"], in_file(server)))

    own = {"samples_filename_pattern": "[seq]-request", "zluda_sync_profile": "precise"}
    server.run_job(override_settings=own, on_poll=change)
    chosen, not_saved, during = seen[0]
    assert ("night", "") == (chosen, not_saved)
    assert {**before, "zluda_sync_profile": "night", "zluda_sync": during["zluda_sync"]} == during
    assert rules == during["zluda_sync"]["rules"][: len(rules)]
    wait_for(lambda: server.get(PATH)["chosen"] == "night", "choice")
    assert during == in_file(server)
    assert server.run_job().run_ahead_max() > 2


def test_saves_of_ours_and_of_the_hosts_lose_nothing(server):
    """One after the other on both sides, at the same time: the file is whole, and has the last of each."""

    def set_own() -> None:
        for number in range(60):
            server.set_options(samples_filename_pattern=f"[seq]-{'x' * (number % 7)}{number}")

    beside = threading.Thread(target=set_own)
    beside.start()
    for number in range(60):
        rules = [{"profile": "night", "images_min": 2 + number}]
        server.put(PATH, {"chosen": ("auto", "precise")[number % 2], "rules": rules})
    beside.join()
    wait_for(lambda: str(in_file(server).get("samples_filename_pattern")).endswith("59"), "saving")
    content = in_file(server)
    assert ("precise", rules[0]) == (content["zluda_sync_profile"], content["zluda_sync"]["rules"][0])
    assert ENTRY["profiles"]["night"] == content["zluda_sync"]["profiles"]["night"]
    server.put(PATH, {"chosen": "auto", "rules": ENTRY["rules"]})


def test_rules_choose_by_what_is_asked_for(server):
    """Two images by the first rule, few steps by the second, anything else as the settings say."""
    server.put(PATH, {"chosen": "auto"})
    assert server.run_job(n_iter=2).run_ahead_max() > 2
    assert 1 == server.run_job(steps=5).run_ahead_max()
    assert 2 == server.run_job().run_ahead_max()
