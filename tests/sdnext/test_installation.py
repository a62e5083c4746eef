"""The ways in which a user installs the extension into the real SD.Next."""

from __future__ import annotations

import json
import re
import shutil
from typing import Any

import pytest

from bench.updates.chain import find_versions, unpack
from tests.sdnext.server import ROOT, SdNextServer

PROFILE = {"mode": "observe", "depth": 4}


def keep_settings(server: SdNextServer) -> None:
    """Choose settings that are not the defaults, and keep a profile."""
    server.set_options(zluda_sync_mode="every-step", zluda_sync_depth=3, torch_sync=False)
    server.put("/zluda_sync/v1/profiles/night", {"values": PROFILE})


def kept_settings(server: SdNextServer) -> dict[str, Any]:
    """Return what of :func:`keep_settings` is in use."""
    profiles = server.get("/zluda_sync/v1/profiles")["profiles"]
    options = server.get("/sdapi/v1/options")
    return {
        "mode": options.get("zluda_sync_mode"),
        "depth": options.get("zluda_sync_depth"),
        "night": next((one["values"] for one in profiles if one["name"] == "night"), None),
    }


KEPT = {"mode": "every-step", "depth": 3, "night": PROFILE}


def lines_about_us(server: SdNextServer) -> list[str]:
    """Return what the log warns of and names us, its lines joined where the host breaks them.

    Without the line that names the settings of all extensions: the host reads them before it loads those.
    """
    log = " ".join(server.log.read_text(errors="replace").split())
    found = [part[:300] for word in ("WARNING", "ERROR", "Traceback") for part in log.split(word)[1:]]
    named = [part for part in found if "zluda_sync" in part or "ZLUDA Sync" in part]
    return [part for part in named if not part.strip().startswith("Setting validation: unknown=")]


def style_beside(page: str) -> str:
    """Return the address of the style as the panel's scripts find it."""
    return re.findall(r"file=[^\"]*zluda_sync/(?=javascript/probe.js)", page)[0] + "style.css"


def test_installed_by_url_it_works_and_serves_its_page_files(make_server):
    """The whole repository lies in the extensions folder: the extension acts, the page gets its files."""
    server = make_server("by_url")
    server.install(ROOT, "sdnext-zluda-sync")
    script = server.data_dir / "extensions/sdnext-zluda-sync/extensions/zluda_sync/javascript/probe.js"
    script.parent.mkdir(exist_ok=True)
    script.write_text("window.zludaSyncProbe = true;", encoding="utf-8")
    server.start()
    server.set_options(zluda_sync_mode="run-ahead", torch_sync=False)
    job = server.run_job(steps=6)
    assert 0 == job.leads()
    assert job.run_ahead_max() <= 2
    page = server.get_text("/")
    assert "zluda_sync/javascript/probe.js" in page
    assert server.get_text(f"/{style_beside(page)}").startswith("/* Generate")
    log = server.log.read_text(errors="replace")
    assert "Traceback" not in log[log.index("Load extensions") : log.index("Startup time")]
    server.stop()


def test_both_copies_present_one_acts_and_says_so(make_server):
    """Copied and installed by URL at once: the first one loaded acts, the other is named in the log."""
    server = make_server("twice")
    server.install(ROOT, "sdnext-zluda-sync")
    server.install(ROOT / "extensions" / "zluda_sync", "zluda_sync")
    server.start()
    server.set_options(zluda_sync_mode="every-step", torch_sync=False)
    job = server.run_job(steps=6)
    assert 0 == job.leads()
    assert 6 == job.synchronized
    assert "installed twice" in server.log.read_text(errors="replace")
    server.stop()


def test_disabled_on_the_extensions_tab_nothing_of_it_is_loaded(make_server):
    """A name in disabled_extensions, as the tab writes it: no option, no patch."""
    server = make_server("disabled")
    server.install(ROOT / "extensions" / "zluda_sync", "zluda_sync")
    config = json.loads(server.config.read_text())
    server.config.write_text(json.dumps({**config, "disabled_extensions": ["zluda_sync"]}))
    server.start()
    assert [] == server.get("/async_device/patched")
    assert "ZLUDA Sync" not in server.log.read_text(errors="replace")
    server.stop()


def test_removed_by_deleting_the_folder_the_host_starts_clean_and_settings_wait(make_server):
    """Only the folder goes, config.json stays: no word about us, and installed anew all settings hold."""
    server = make_server("removed")
    server.install(ROOT / "extensions" / "zluda_sync", "zluda_sync")
    server.start()
    keep_settings(server)
    server.run_job(steps=3)
    server.stop()

    shutil.rmtree(server.data_dir / "extensions" / "zluda_sync")
    server.start()
    assert [] == lines_about_us(server)
    assert [] == server.get("/async_device/patched")
    server.set_options(samples_format="png")  # the host saves its settings without us, on a thread of its own
    assert 1 == len(server.run_job(steps=3).images)
    server.stop()

    server.install(ROOT / "extensions" / "zluda_sync", "zluda_sync")
    server.start()
    assert kept_settings(server) == KEPT
    assert "png" == server.get("/sdapi/v1/options")["samples_format"]
    job = server.run_job(steps=3)
    assert 3 == job.synchronized
    assert 2 == len(server.get("/zluda_sync/v1/jobs")["jobs"])
    server.stop()


def test_updated_in_place_it_goes_on_with_what_there_was(make_server):
    """Installed by its address twenty releases ago, updated as the Extensions tab does, and started anew."""
    versions = find_versions(20)
    if len(versions) < 2:
        pytest.skip("needs the history of this repository")
    server = make_server("updated")
    old = unpack(versions[0], server.data_dir / "old")
    shutil.copytree(old, server.data_dir / "extensions" / "sdnext-zluda-sync")
    server.start()
    keep_settings(server)
    server.run_job(steps=3)
    server.stop()

    shutil.rmtree(server.data_dir / "extensions" / "sdnext-zluda-sync")
    server.install(ROOT, "sdnext-zluda-sync")
    server.start()
    assert [] == lines_about_us(server)
    assert kept_settings(server) == KEPT
    job = server.run_job(steps=3)
    assert 0 == job.leads()
    assert 3 == job.synchronized
    own = server.data_dir / "zluda_sync"
    assert [] == list(own.glob("*.broken*"))
    server.stop()
