"""The ways in which a user installs the extension into the real SD.Next."""

from __future__ import annotations

import json

from tests.sdnext.server import ROOT


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
    assert "zluda_sync/javascript/probe.js" in server.get_text("/")
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
