"""The panel on the embedded host's page, over jobs of the emulated device."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from tests.browser.chromium import wait_for
from tests.browser.embedded import button_text, generate, open_host, open_tab
from tests.browser.panel import (
    KEY,
    choose,
    click,
    complaints,
    denoising_steps,
    poor_contrasts,
    text,
    texts,
    type_into,
)

pytestmark = pytest.mark.browser

STEPS = 10
CHECK_LIMIT_S = 240


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """The page of a host with the extension, whose device takes a while for each step."""
    folder = tmp_path_factory.mktemp("panel")
    (folder / "data").mkdir()
    config = {"zluda_sync_mode": "run-ahead", "zluda_sync_profile": "balanced"}
    (folder / "data" / "config.json").write_text(json.dumps(config))
    with open_host(folder, "--device", "emulated", "--step-ms", "400", "--decode-ms", "1200") as opened:
        yield opened


def open_panel(page: SimpleNamespace) -> None:
    """Go to the panel and wait until it has its data."""
    open_tab(page, "ZLUDA Sync")
    wait_for(lambda: page.find(".zs-profile-list li"), "profiles")
    wait_for(lambda: text(page, ".zs-label-now"), "status")


def test_an_idle_host_says_why(page):
    """Before any job: idle, the reason why it acts, and an empty history in words."""
    wait_for(lambda: button_text(page) == "Generate", "page")
    open_panel(page)
    wait_for(lambda: text(page, ".zs-label-now") in ("Idle", "Testing the GPU"), "idle")
    assert "" != text(page, ".zs-now > .zs-note")
    assert "No job yet. Make a picture, and it appears here." == text(page, ".zs-job > .zs-note")
    wait_for(lambda: text(page, ".zs-fact-profile dd") == "balanced: chosen in Settings", "profile")


def test_a_running_job_moves_the_line(page):
    """Phase, bar, steps and time left follow the job that runs, and its plots fill."""
    open_tab(page, "Text")
    generate(page, STEPS)
    open_panel(page)
    label, facts = wait_for(lambda: denoising_steps(page), lambda: text(page, ".zs-label-now"))
    assert 0 < label == facts < STEPS
    before = float(page.find(".zs-bar")[0].get_attribute("aria-valuenow"))
    assert text(page, ".zs-fact-ahead dd") in ("0 steps", "1 step")
    wait_for(lambda: "Running" in text(page, ".zs-history tbody"), "running job in the history")
    wait_for(lambda: float(page.find(".zs-bar")[0].get_attribute("aria-valuenow") or 0) > before, "bar")
    wait_for(lambda: text(page, ".zs-label-now") == "Idle", "end of the job")


def test_a_finished_job_has_plots_in_words(page):
    """Steps, bars and times are drawn, said in a sentence, and there as a table; the verdict is known."""
    wait_for(lambda: "Finished" in text(page, ".zs-job-body > .zs-note"), "finished job")
    wait_for(lambda: STEPS == len(page.find(".zs-figure-times .zs-step")), "step times")
    words = f"{STEPS} steps launched and {STEPS} completed within "
    assert text(page, ".zs-figure-steps .zs-sentence").startswith(words)
    assert page.find(".zs-line.zs-shown") and page.find(".zs-line.zs-stock") and page.find(".zs-line.zs-true")
    assert "SD.Next's own would have been off by up to " in text(page, ".zs-figure-bars .zs-sentence")
    click(page, ".zs-figure-steps summary")
    wait_for(lambda: STEPS == len(page.find(".zs-figure-steps tbody tr")), "table")
    wait_for(lambda: "SD.Next's own bar would have been off by " in text(page, ".zs-verdict"), "verdict")


def test_jobs_are_chosen_by_keyboard(page):
    """The older of two jobs is shown by arrow and Enter."""
    open_tab(page, "Text")
    generate(page, 4)
    open_panel(page)
    wait_for(lambda: "Finished" in text(page, ".zs-history tbody tr:first-child"), "second job")
    wait_for(lambda: 2 == len(page.find(".zs-row-button")), "both jobs")
    page.find(".zs-row-button")[0].send_keys(KEY["down"])
    page.driver.switch_to.active_element.send_keys(KEY["enter"])
    wait_for(lambda: STEPS == len(page.find(".zs-figure-times .zs-step")), "the first job's steps")
    click(page, ".zs-history button", "Follow the newest job")
    wait_for(lambda: 4 == len(page.find(".zs-figure-times .zs-step")), "the second job's steps")


def test_exports_are_answered(page):
    """The address of each download gives the job as JSON."""
    found = {}
    for link in page.find(".zs-exports a"):
        address = link.get_attribute("href")
        page.js("fetch(arguments[0]).then((a) => a.json()).then((b) => { window.got = b; })", address)
        found[address.rpartition("=")[2]] = wait_for(lambda: page.js("return window.got"), address)
        page.js("delete window.got")
    assert {"json", "chrome"} == found.keys()
    assert "traceEvents" in found["chrome"]


def test_the_self_test_is_run_from_the_panel(page):
    """A row for each rung when it is done."""
    click(page, ".zs-selftest button", "Run self-test")
    wait_for(lambda: 6 == len(page.find(".zs-selftest tbody tr")), "rungs")
    assert {"truthful"} >= set(texts(page, ".zs-selftest tbody td:nth-child(2)")) - {"not tried"}
    wait_for(lambda: text(page, ".zs-verdict strong") == "Yes.", lambda: text(page, ".zs-verdict"))


def test_the_card_is_checked_from_the_panel(page):
    """From the self-test to the sentence, with a row for each mode; nothing was early or torn."""
    click(page, ".zs-check button", "Check this card")
    wait_for(
        lambda: 8 == len(page.find(".zs-check tbody tr")), lambda: text(page, ".zs-check"), CHECK_LIMIT_S
    )
    assert "" == text(page, ".zs-check .zs-error")
    says = r"Your bar is true to |Not certain: the machine was busy|What is true could not be learned"
    assert re.search(says, text(page, ".zs-check"))
    for column in (6, 8, 9):  # the first of a row is its heading
        assert {"0", "\N{EN DASH}"} == set(texts(page, f".zs-check tbody tr > :nth-child({column})"))
    wait_for(page.find(".zs-check button")[0].is_enabled, "button")


def test_profiles_are_refused_and_kept(page):
    """A value beyond its limits is refused at its field; a right one is kept in config.json."""
    click(page, ".zs-profiles button", "New profile")
    type_into(page, ".zs-form [data-field=name]", "<b>night<b>")
    type_into(page, ".zs-form [data-field=depth]", "99")
    click(page, ".zs-form button", "Save profile")
    (depth,) = page.find(".zs-form [data-field=depth]")
    assert "true" == depth.get_attribute("aria-invalid")
    type_into(page, ".zs-form [data-field=depth]", "2")
    click(page, ".zs-form button", "Save profile")
    wait_for(lambda: "<b>night<b>" in texts(page, ".zs-profile-list strong"), "profile")
    assert [] == page.find(".zs b")
    saved = json.loads((page.data / "config.json").read_text())
    assert {"<b>night<b>": {"depth": 2}} == saved["zluda_sync"]["profiles"]


def test_a_rule_that_can_never_match_is_refused(page):
    """The server's words stand at the rule, and what was chosen stays."""
    click(page, ".zs-rules-part button", "Add rule")
    last = ".zs-rules > li:last-child"
    for name, value in (("images_min", "5"), ("images_max", "2")):
        choose(page, f"{last} fieldset > select", name)
        type_into(page, f"{last} [data-field={name}]", value)
    complaints(page)
    click(page, ".zs-rules-part button", "Save rules")
    wait_for(lambda: "can never match" in text(page, last), lambda: text(page, ".zs-rules-part"))
    assert "5" == page.find(f"{last} [data-field=images_min]")[0].get_property("value")
    assert [True] == ["status of 422" in message for message in complaints(page)]
    click(page, ".zs-rules-part button", "Discard changes")


@pytest.mark.parametrize(("theme", "tone"), [("light", "light"), ("dark", "dark")])
def test_it_can_be_read_in_light_and_dark(page, theme, tone):
    """With each of Gradio's own themes, every text has a contrast of 4.5; the console stays silent."""
    address = page.driver.current_url.partition("?")[0]
    page.driver.get(f"{address}?__theme={theme}")
    open_panel(page)
    wait_for(lambda: page.find(".zs-figure-times .zs-step"), "plots")
    wait_for(lambda: page.find(".zs")[0].get_attribute("data-tone") == tone, "tone")
    assert [] == poor_contrasts(page)
    assert [] == complaints(page)


def test_the_settings_page_leads_to_the_explanations(page):
    """The links at its headings open the tab at the profiles."""
    open_tab(page, "Settings")
    link = wait_for(lambda: page.find("a[href='#zluda-sync-profiles']"), "link")[0]
    page.js("arguments[0].click()", link)
    wait_for(lambda: page.js("return document.activeElement?.closest('.zs-profiles') !== null"), "profiles")
    assert page.find(".zs-profiles")[0].is_displayed()
