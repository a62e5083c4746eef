"""The panel in its languages, from a phone to a large screen: nothing is clipped or overlaps."""

from __future__ import annotations

import time
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from tests.browser import canned_answers
from tests.browser.canned_api import CannedApi, serve_canned
from tests.browser.chromium import wait_for
from tests.browser.layout import WIDTHS_PX, find_bad_ids, find_faults, find_unframed, set_width
from tests.browser.panel import text

pytestmark = pytest.mark.browser

LANGUAGES = ("en", "zh", "de")
OPEN = """
document.querySelector('.zs-profiles > .zs-buttons button').click();
document.querySelector('.zs-rules-part .zs-buttons button').click();
const more = document.querySelector('.zs-rules > li:last-child fieldset > select');
more.value = more.options[1].value;
more.dispatchEvent(new Event('change', {bubbles: true}));
document.querySelectorAll('.zs details').forEach((one) => { one.open = true; });
document.querySelector('.zs-report button').click();
"""


def fill(api: CannedApi) -> None:
    """Let the panel have something in every section, and long."""
    running = canned_answers.build_running()
    running["label"] = "Cell 12/120 · Image 2/3: Denoise 7/20, nothing finished for 44 s"
    unsure = {"eta_s": 4000.0, "eta_low_s": 3600.0, "eta_high_s": 4700.0}
    api.status = canned_answers.build_status({**running, **unsure})
    where = "config.json: zluda_sync.rules[1].images_min"
    problem = (
        f"{where} can never match: rule 1 takes every such job; move it further up. Change it in Settings."
    )
    api.status["problems"] = [{"where": where, "text": problem}]
    stopped = canned_answers.build_job("10", "stopped", stop=canned_answers.build_stop())
    newest = {
        **canned_answers.build_job(),
        "began_at_s": time.time(),
    }
    api.jobs = [newest, stopped, canned_answers.build_job("9", "lost", duration_s=None)]
    api.verification = {
        **canned_answers.build_verification(),
        "verification": canned_answers.build_checked(),
    }


@pytest.fixture(scope="module", params=LANGUAGES)
def page(browser: SimpleNamespace, request: pytest.FixtureRequest) -> Iterator[SimpleNamespace]:
    """The panel in one language, with all of it open."""
    with serve_canned() as api:
        fill(api)
        api.head = f"<script>window.opts = {{ui_locale: '{request.param}'}};</script>"
        browser.driver.get(api.address)
        wait_for(lambda: browser.find(".zs-profile-list li") and browser.find(".zs-row-button"), "panel")
        wait_for(lambda: browser.find(".zs-figure-times .zs-step"), "plots")
        browser.js(OPEN)
        wait_for(lambda: browser.find(".zs-report-whole:not([hidden])"), "report")
        browser.api = api
        yield browser
        browser.driver.get("about:blank")


def test_nothing_is_clipped_or_out_of_line_at_any_width(page):
    """Every text within its card, no two labels of a plot over each other, controls of a row in one line."""
    assert {} == find_faults_at_all_widths(page)


def test_nothing_is_clipped_between_jobs(page):
    """Then the panel says what the last job and today have taken."""
    running = page.api.status
    page.api.status = canned_answers.build_status()
    summary = ".zs-now .zs-wide-small > :last-child"
    wait_for(lambda: not page.find(".zs-controls")[0].is_displayed() and text(page, summary), "rest")
    assert {} == find_faults_at_all_widths(page)
    page.api.status = running
    wait_for(page.find(".zs-controls")[0].is_displayed, "job")


def find_faults_at_all_widths(page: SimpleNamespace) -> dict[int, list[object]]:
    """Return what is wrong at each width where something is."""
    found = {}
    for width_px in WIDTHS_PX:
        set_width(page, width_px)
        found[width_px] = find_faults(page)
    return {width_px: faults for width_px, faults in found.items() if faults}


def test_every_control_shows_the_focus_of_a_keyboard(page):
    """Links, buttons, inputs, choices, what opens, and tables that scroll."""
    set_width(page, 1280)
    assert [] == find_unframed(page)


def test_no_id_stands_twice_or_ends_like_one_of_the_hosts(page):
    """SD.Next puts the words of its translation into what has an id that ends with one of its own ids."""
    assert [] == find_bad_ids(page)
