"""The panel on SD.Next's own page, with and without a login."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from tests.browser.chromium import open_page, wait_for
from tests.browser.panel import KEY, click, complaints, denoising_steps, poor_contrasts, text, type_into
from tests.sdnext.server import ROOT, SdNextServer

pytestmark = pytest.mark.browser

STEPS = 8
PAGE_LIMIT_S = 120
USER = ("user", "password")
OPEN_TAB = """
const tabs = [...document.querySelectorAll('#tabs > .tab-nav button')];
const tab = tabs.find((one) => one.textContent.trim() === 'ZLUDA Sync');
tab?.click();
return Boolean(tab);
"""
LOG_IN = """
const form = new FormData();
form.append('username', arguments[0]);
form.append('password', arguments[1]);
fetch('login', {method: 'POST', body: form}).then((answer) => { window.hasLoggedIn = answer.ok; });
"""


@pytest.fixture(scope="module")
def server(make_server) -> SdNextServer:
    """SD.Next with the extension; a step takes long enough to be seen."""
    made = make_server("panel", step_s=0.5)
    made.install(ROOT / "extensions" / "zluda_sync", "zluda_sync")
    made.start()
    made.set_options(zluda_sync_mode="run-ahead", samples_save=False)
    return made


@pytest.fixture(scope="module")
def page(server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """A browser on the panel's tab."""
    with open_page(f"{server.url}/", tmp_path_factory.mktemp("browser")) as opened:
        open_panel(opened)
        yield opened


def open_panel(page: SimpleNamespace) -> None:
    """Press the panel's tab and wait until it has its data."""
    wait_for(lambda: page.js(OPEN_TAB), "tab", PAGE_LIMIT_S)
    wait_for(lambda: page.find(".zs-profile-list li"), "profiles", PAGE_LIMIT_S)
    wait_for(lambda: text(page, ".zs-label-now"), "status")


@contextmanager
def running_job(server: SdNextServer) -> Iterator[None]:
    """A job by the API, all the while."""
    body = {"prompt": "a red circle", "seed": 1, "steps": STEPS, "width": 256, "height": 256}
    job = threading.Thread(target=server.post, args=("/sdapi/v1/txt2img", body, 240.0))
    job.start()
    try:
        yield
    finally:
        job.join()


def test_a_job_moves_the_line_and_fills_the_plots(server, page):
    """Idle, then the steps that the device has finished, then plots in shapes and words."""
    wait_for(lambda: text(page, ".zs-label-now") == "Idle", lambda: text(page, ".zs-label-now"))
    with running_job(server):
        label, facts = wait_for(lambda: denoising_steps(page), "label", PAGE_LIMIT_S)
        assert 0 < label == facts < STEPS
        assert 0 < float(page.find(".zs-bar")[0].get_attribute("aria-valuenow")) < 100
    wait_for(lambda: "Finished" in text(page, ".zs-history tbody"), "history", PAGE_LIMIT_S)
    wait_for(lambda: STEPS == len(page.find(".zs-figure-times .zs-step")), "step times")
    words = f"{STEPS} steps launched and {STEPS} completed within "
    assert text(page, ".zs-figure-steps .zs-sentence").startswith(words)
    assert page.find(".zs-line.zs-stock") and page.find(".zs-line.zs-true")
    assert "events" == page.js("return zludaSync.liveKind()")


def test_jobs_are_chosen_by_keyboard(server, page):
    """Arrow and Enter on SD.Next's page, which has hot keys of its own."""
    with running_job(server):
        wait_for(lambda: 2 == len(page.find(".zs-row-button")), "both jobs", PAGE_LIMIT_S)
    wait_for(lambda: "Running" not in text(page, ".zs-history tbody"), "end of the job", PAGE_LIMIT_S)
    page.find(".zs-row-button")[0].send_keys(KEY["down"])
    page.driver.switch_to.active_element.send_keys(KEY["enter"])
    wait_for(lambda: page.find(".zs-history tr:nth-child(2).zs-selected"), "older job")


def test_a_profile_is_kept(server, page):
    """Made on the panel, it stands in config.json of the real host; markup in its name stays text."""
    click(page, ".zs-profiles button", "New profile")
    type_into(page, ".zs-form [data-field=name]", "<img src=x>")
    type_into(page, ".zs-form [data-field=depth]", "2")
    page.js("document.querySelector('.zs-form button[type=submit]').click()")
    wait_for(lambda: "<img src=x>" in text(page, ".zs-profile-list"), lambda: text(page, ".zs-form"))
    assert [] == page.find(".zs img")
    wait_for(lambda: "<img src=x>" in server.config.read_text(), "config.json")


def test_a_test_that_cannot_run_says_why(page):
    """On a host that computes on the CPU the button's answer is the server's sentence."""
    click(page, ".zs-selftest button", "Run self-test")
    wait_for(lambda: "no self-test: " in text(page, ".zs-selftest .zs-error"), "refusal")
    assert [True] == ["status of 409" in message for message in complaints(page)]


def test_a_check_that_cannot_run_says_why(page):
    """There is no card to check: the same sentence."""
    click(page, ".zs-check button", "Check this card")
    wait_for(lambda: "no check: " in text(page, ".zs-check .zs-error"), "refusal")
    assert [True] == ["status of 409" in message for message in complaints(page)]


def test_it_can_be_read(page):
    """Every text has a contrast of 4.5 on SD.Next's own theme, and the console is silent."""
    assert "dark" == page.find(".zs")[0].get_attribute("data-tone")
    assert [] == poor_contrasts(page)
    assert [] == complaints(page)


def test_it_works_behind_the_login(make_server, tmp_path):
    """Who has logged in on the page needs no password again; nobody is asked by a window of the browser."""
    server = make_server("guarded_panel")
    server.install(ROOT / "extensions" / "zluda_sync", "zluda_sync")
    server.user = USER
    server.start()
    with open_page(f"{server.url}/", tmp_path) as page:
        wait_for(lambda: page.find("input[type=password]"), "login", PAGE_LIMIT_S)
        page.js(LOG_IN, *USER)
        wait_for(lambda: page.js("return window.hasLoggedIn"), "login")
        page.driver.refresh()
        open_panel(page)
        wait_for(lambda: text(page, ".zs-label-now") == "Idle", lambda: text(page, ".zs-label-now"))
        assert "none" != page.js("return zludaSync.liveKind()")
    server.stop()
