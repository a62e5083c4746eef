"""The wide bar above the pictures, and what can be done with a job on the panel, over canned answers."""

from __future__ import annotations

import base64
import itertools
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from tests.browser import canned_answers
from tests.browser.canned_api import CannedApi, serve_canned
from tests.browser.chromium import wait_for
from tests.browser.panel import click, plain, text, texts

pytestmark = pytest.mark.browser

#: Where pictures stand on SD.Next's Standard page, and on its Modern one.
STANDARD = """
<div id="txt2img_generate_line2" style="display: flex; width: 313px">
  <button id="txt2img_interrupt" class="lg" style="min-width: 40px">Stop</button>
  <button id="txt2img_skip" onclick="window.pressed = 'skip'">Skip</button>
  <button id="txt2img_pause" onclick="window.pressed = 'pause'">Pause</button>
</div>
<div id="txt2img_results" style="width: 600px"><div id="txt2img_gallery_container">
  <div><div id="txt2img_gallery" style="height: 40px">pictures</div></div>
</div></div>
"""
STOP = '<button id="control_interrupt">Stop</button>'
PORTAL = '<div class="portal"></div>'
MODERN = f"""
<div id="sdnext_app"><div id="control_generate_group" style="display: flex">
  <div class="portal">{STOP}</div>
</div>
<div class="flexbox col grow"><div class="portal"><div id="control_gallery">pictures</div></div></div></div>
"""
#: Stretches of the bar above the pictures: name, width as a share of all, and how much of it is filled.
STRETCHES = """
const parts = [...document.querySelectorAll('.zs-above .zs-stretch')];
const whole = parts.reduce((sum, part) => sum + part.offsetWidth, 0);
return parts.map((part) => [
  part.querySelector('.zs-stretch-name').textContent, part.offsetWidth / whole,
  Number(part.querySelector('.zs-bar-fill').style.transform.match(/[\\d.]+/)[0]), part.title,
]);
"""
PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@pytest.fixture
def api(browser: SimpleNamespace) -> Iterator[CannedApi]:
    """A server of its own for each test."""
    with serve_canned() as served:
        yield served
        browser.driver.get("about:blank")


@pytest.fixture
def open_bar(browser: SimpleNamespace, api: CannedApi) -> Any:
    """Return a function that opens a page with a place for pictures, and waits for the panel."""

    def opened(body: str = STANDARD) -> SimpleNamespace:
        api.body = body
        browser.driver.get(api.address)
        wait_for(lambda: text(browser, ".zs-label-now"), "panel")
        return browser

    return opened


def wait_for_bar(page: SimpleNamespace, state: str) -> None:
    """Wait until the bar stands above the pictures and shows a job, or none."""
    wait_for(lambda: page.find(f".zs-above[data-state={state}]"), f"a bar with {state}")


def test_the_phases_of_a_job_stand_side_by_side(api, open_bar):
    """As wide as they are long, filled as far as the job has come, with names where there is room."""
    page = open_bar()
    api.status = canned_answers.build_status(canned_answers.build_running(7))
    wait_for_bar(page, "job")
    found = page.js(STRETCHES)
    assert ["", "Image 1: Denoise", "", "", "Image 2: Denoise", "", "", "Image 3: Denoise", ""] == [
        name for name, *_ in found
    ]
    assert "Image 1: VAE decode" == found[2][3]
    for (_name, width, _fill, _title), stretch in zip(found, api.status["job"]["stretches"], strict=True):
        assert abs(width - stretch["share"]) < 0.02
    fills = [fill for _name, _width, fill, _title in found]
    assert [1, 1, 1, 1] == fills[:4]
    assert (0.41 - 0.3333 - 0.00667) / 0.26 == pytest.approx(fills[4], abs=0.02)
    assert [0, 0, 0, 0] == fills[5:]
    assert "Image 2/3: Denoise 7/20" == text(page, ".zs-above .zs-wide-label")
    assert "41 % · 6 s left" == plain(text(page, ".zs-above .zs-wide-left"))
    api.status = canned_answers.build_status({**canned_answers.build_running(7), "is_eta_guessed": True})
    guess = "41 % \u00b7 about 6 s left"
    wait_for(lambda: guess == plain(text(page, ".zs-above .zs-wide-left")), "a guess")
    assert "4 s so far" == text(page, ".zs-above .zs-wide-small > :first-child")
    assert "" == text(page, ".zs-above .zs-wide-small > :last-child")
    api.status = canned_answers.build_status({**canned_answers.build_running(8), "eta_s": 70.0})
    wait_for(lambda: "done at " in text(page, ".zs-above .zs-wide-small > :last-child"), "a clock's time")


def test_a_job_of_unknown_phases_has_a_plain_bar(api, open_bar):
    """One stretch, as far as the job has come; no promise of an end that is unsure."""
    page = open_bar()
    unsure = {"stretches": [], "eta_s": 90.0, "eta_low_s": 60.0, "eta_high_s": 120.0}
    api.status = canned_answers.build_status({**canned_answers.build_running(7), **unsure})
    wait_for_bar(page, "job")
    assert [["", 1, 0.41, ""]] == page.js(STRETCHES)
    assert "" == text(page, ".zs-above .zs-wide-small > :last-child")


def test_between_jobs_it_sums_up(api, open_bar):
    """The last job, and how many there were today, in one line; in none before there was a job."""
    now_s = time.time()
    api.jobs = [
        canned_answers.build_job("13", began_at_s=now_s - 60.0, duration_s=41.0),
        canned_answers.build_job("12", began_at_s=now_s - 90.0, duration_s=19.0, outcome="stopped"),
        canned_answers.build_job("11", began_at_s=now_s - 3 * 86400.0, duration_s=500.0),
        canned_answers.build_job("10", began_at_s=now_s - 70.0, duration_s=None, outcome="lost"),
    ]
    page = open_bar()
    wait_for_bar(page, "idle")
    wait_for(
        lambda: "Last job: Finished after 41 s" in text(page, ".zs-above"), lambda: text(page, ".zs-above")
    )
    if time.localtime(now_s - 90.0).tm_yday == time.localtime().tm_yday:
        assert "today: 2 jobs in 60 s" == text(page, ".zs-above .zs-wide-left")
    (bar,) = page.find(".zs-above")
    assert 0 < bar.size["height"] <= 30
    api.jobs = []
    page = open_bar()
    wait_for(lambda: api.count("GET", "jobs") > 2, "jobs")
    wait_for(lambda: [] == [one for one in page.find(".zs-above") if one.is_displayed()], "no bar")


@pytest.mark.parametrize("before", ["fresh", "untested", "unheard"])
@pytest.mark.parametrize("body", [STANDARD, MODERN], ids=["standard", "modern"])
def test_the_first_job_of_all_is_shown_to_a_page_that_is_open(api, browser, body, before):
    """Begun by another program, after the page was opened: with no job so far, before the extension acts, or
    while SD.Next did not answer. The place takes no room until then."""
    api.jobs, api.body = [], body
    if before == "untested":
        api.status = {**canned_answers.build_status(), "is_acting": False}
    if before == "unheard":
        api.refusals["GET", "status"] = (503, {"detail": "not yet"})
        api.has_events = False
    pictures = "return document.querySelector('[id$=_gallery]').getBoundingClientRect().top"
    api.head = "<style>#zluda-sync-panel { display: none } [id$=_results], .grow { display: flex; gap: 9px;"
    api.head += " flex-direction: column }</style>"
    browser.driver.get(api.address)
    wait_for(lambda: browser.find(".zs-above"), "place")
    kinds = ("events", "polling")
    wait_for(lambda: browser.js("return zludaSync.liveKind()") in kinds, "connection")
    assert not browser.find(".zs-above")[0].is_displayed()
    place = browser.js(pictures)
    browser.js("document.querySelector('.zs-above').style.display = 'none'")
    assert place == browser.js(pictures)
    browser.js("document.querySelector('.zs-above').style.display = ''")
    api.refusals.clear()
    api.status = canned_answers.build_status(canned_answers.build_running(7))
    wait_for_bar(browser, "job")
    assert browser.find(".zs-above")[0].is_displayed()
    browser.driver.get_log("browser")


def test_a_place_that_nobody_sees_is_not_waited_at(api, browser):
    """Another tab of SD.Next is open, or it is scrolled away: nothing is asked for."""
    api.jobs, api.body = [], f'<div id="tab">{STANDARD}</div><div id="below" style="height: 5000px"></div>'
    api.head = "<style>#zluda-sync-panel { display: none }</style>"
    browser.driver.get(api.address)
    away = ("document.getElementById('tab').hidden = true", "window.scrollTo(0, 3000)")
    back = ("document.getElementById('tab').hidden = false", "window.scrollTo(0, 0)")
    for go, come in zip(away, back, strict=True):
        wait_for(lambda: browser.js("return zludaSync.liveKind?.()") == "events", "connection")
        browser.js(go)
        wait_for(lambda: browser.js("return zludaSync.liveKind()") == "none", "rest")
        browser.js(come)
    wait_for(lambda: browser.js("return zludaSync.liveKind()") == "events", "connection")


def test_a_job_that_was_lost_is_told_as_such(api, open_bar):
    """Not the one before it as the last, no steps of which nothing was written down, and no empty plots."""
    empty = {"parts": [], "bar": [], "stock_bar": [], "steps": 0, "median_step_s": None, "previews": []}
    api.jobs = [
        canned_answers.build_job("13", "lost", **empty, duration_s=None, wait_s=None, preview_s=None),
        canned_answers.build_job("12", duration_s=22.0),
    ]
    page = open_bar()
    wait_for_bar(page, "idle")
    wait_for(
        lambda: "Last job: lost, its end was not seen; begun " in text(page, ".zs-above"),
        lambda: text(page, ".zs-above"),
    )
    wait_for(lambda: "No step was recorded." in text(page, ".zs-job"), lambda: text(page, ".zs-job"))
    assert "Last job: lost" in text(page, ".zs-now")
    assert "No time of a step was recorded." == text(page, ".zs-figure-times .zs-sentence")
    assert "yet" not in text(page, ".zs-job-body")
    assert "Lost: its end was not seen · small-model" in text(page, ".zs-job-body > .zs-note")
    assert [] == [one for one in page.find(".zs-job :is(.zs-canvas, .zs-legend)") if one.is_displayed()]
    row = texts(page, ".zs-history tbody tr:first-child > td")
    assert ["Lost: its end was not seen", *["\N{EN DASH}"] * 3] == row[1:5]
    click(page, "[data-job='12']")
    wait_for(lambda: page.find(".zs-figure-times .zs-step"), "plots of the job before")
    assert all(one.is_displayed() for one in page.find(".zs-job .zs-canvas"))


def test_a_job_with_a_skipped_image_is_summed_up_as_finished(api, open_bar):
    """As the list of jobs and the job's own section tell it."""
    changes = {"began_at_s": time.time() - 60.0, "duration_s": 41.0, "images": {"asked": 3, "finished": 2}}
    api.jobs = [canned_answers.build_job("13", "skipped", **changes)]
    page = open_bar()
    wait_for_bar(page, "idle")
    said = "Finished (1 of 3 skipped)"
    wait_for(lambda: f"Last job: {said} after 41 s" in text(page, ".zs-above"), "the summary")
    wait_for(lambda: said in text(page, ".zs-history"), "the list")
    wait_for(lambda: said in text(page, ".zs-job"), "the job")


@pytest.mark.parametrize("body", [STANDARD, MODERN], ids=["standard", "modern"])
def test_it_stands_above_the_pictures_of_both_pages(api, open_bar, body):
    """And nowhere while it is not wanted, or the extension does not act."""
    page = open_bar(body)
    wait_for_bar(page, "idle")
    above = "return document.querySelector('.zs-above').getBoundingClientRect().bottom"
    pictures = "return document.querySelector('[id$=_gallery]').getBoundingClientRect().top"
    assert page.js(above) <= page.js(pictures)
    assert 1 == len(page.find(".zs-above"))
    api.status = {**api.status, "page": {**api.status["page"], "bar": False}}
    wait_for(lambda: not page.find(".zs-above"), "no bar")
    api.status = canned_answers.build_status()
    wait_for_bar(page, "idle")
    api.status = {**api.status, "is_acting": False}
    wait_for(lambda: not page.find(".zs-above")[0].is_displayed(), "no bar")
    page.js("window.opts = {zluda_sync_enabled: false}")
    wait_for(lambda: not page.find(".zs-above"), "nothing at all")


@pytest.mark.parametrize("body", [STANDARD, MODERN], ids=["standard", "modern"])
def test_it_comes_while_a_preview_stands_in_the_place_of_the_pictures(api, open_bar, body):
    """SD.Next hides all of its galleries then: a page may be opened, or a tab be chosen, during a job."""
    name = "txt2img_gallery" if body is STANDARD else "control_gallery"
    hidden = f'<div class="livePreview">preview</div><div id="{name}" hidden'
    page = open_bar(body.replace(f'<div id="{name}"', hidden))
    wait_for_bar(page, "idle")
    above = "return document.querySelector('.zs-above').getBoundingClientRect().bottom"
    preview = "return document.querySelector('.livePreview').getBoundingClientRect().top"
    assert page.js(above) <= page.js(preview)


@pytest.mark.parametrize("body", [STANDARD, MODERN], ids=["standard", "modern"])
def test_stop_after_image_stands_beside_the_hosts_stop(api, open_bar, body):
    """Always in its place, so that nothing moves; of use while more images are to come."""
    page = open_bar(body)
    (button,) = wait_for(lambda: page.find(".zs-after-image"), "button")
    assert not button.is_enabled()
    running = canned_answers.build_running(7)
    place = button.rect
    api.status = canned_answers.build_status(running)
    wait_for(button.is_enabled, "a job of several images")
    assert place["x"] == button.rect["x"]
    button.click()
    wait_for(lambda: ("POST", "stop", {"when": "after-image"}) in api.asked, lambda: api.asked)
    api.status = canned_answers.build_status({**running, "ending": "stop-after-image"})
    wait_for(lambda: not button.is_enabled(), "answer")
    api.status = canned_answers.build_status({**running, "image": 0, "images": 1})
    wait_for(lambda: not button.is_enabled(), "one image")
    api.status = {**canned_answers.build_status(), "is_acting": False}
    wait_for(lambda: not page.find(".zs-after-image"), "switched off")


def test_stop_after_image_that_is_on_cannot_be_pressed_again(api, open_bar):
    """It is not taken back, so it is no switch; it looks as if it was on, and its tooltip says so."""
    page = open_bar()
    running = canned_answers.build_running(7)
    api.status = canned_answers.build_status(running)
    (button,) = wait_for(lambda: page.find(".zs-after-image"), "button")
    wait_for(button.is_enabled, "job")
    on_panel = page.find(".zs-controls button")[1]
    looks = "return arguments[0].map((one) => [one.disabled, one.title, getComputedStyle(one).outlineStyle])"
    off = page.js(looks, [button, on_panel])
    assert [[False, "Stop after image", "none"], [False, "", "none"]] == off
    api.status = canned_answers.build_status({**running, "ending": "stop-after-image"})
    why = "Stop after image: the job ends with this image"
    wait_for(lambda: [[True, why, "solid"]] * 2 == page.js(looks, [button, on_panel]), lambda: str(page.js(
        looks, [button, on_panel])))  # fmt: skip
    assert "1" == button.value_of_css_property("opacity")
    assert [None, None] == [one.get_attribute("aria-pressed") for one in (button, on_panel)]
    api.status = canned_answers.build_status({**running, "id": "13"})
    wait_for(lambda: off == page.js(looks, [button, on_panel]), "next job")


@pytest.mark.parametrize(
    ("where", "has_more"),
    [
        ({"image": 2, "images": 3}, False),
        ({"image": 0, "images": 1}, False),
        ({"image": 1, "images": 2, "cell": 3, "cells": 4}, False),
        ({"image": 1, "images": 2, "cell": 2, "cells": 4}, True),
        ({"image": 0, "images": 2, "cell": 3, "cells": 4}, True),
        ({"image": 0, "images": 1, "cell": 3, "cells": None}, True),
    ],
)
def test_stop_after_image_is_of_use_while_another_one_is_to_come(api, open_bar, where, has_more):
    """Or may be: nobody knows how many cells there are. Where it is not, its tooltip says why."""
    page = open_bar()
    api.status = canned_answers.build_status(canned_answers.build_running(7))
    (button,) = wait_for(lambda: page.find(".zs-after-image"), "button")
    wait_for(button.is_enabled, "the first images")
    api.status = canned_answers.build_status({**canned_answers.build_running(9), **where})
    wait_for(lambda: "9/20" in text(page, ".zs-label-now"), "image")
    on_panel = page.find(".zs-controls button")[1]
    assert [has_more] * 2 == [button.is_enabled(), on_panel.is_enabled()]
    assert (where["images"] > 1 or where.get("cells", 1) != 1) == on_panel.is_displayed()
    why = "Stop after image: no further image comes in this job"
    told = ["Stop after image", ""] if has_more else [why, why]
    assert told == [one.get_attribute("title") for one in (button, on_panel)]
    api.status = canned_answers.build_status(canned_answers.build_running(7))
    wait_for(lambda: button.get_attribute("title") == "Stop after image", "more to come")


def test_stop_after_image_goes_with_the_hosts_stop(api, open_bar):
    """The Modern page is built out of sight, and takes each button to its place when the status is known."""
    page = open_bar(f'<div id="source" hidden>{STOP}</div><div style="display: flex">{PORTAL}</div>')
    wait_for(lambda: page.find("#source .zs-after-image"), "button")
    page.js("document.querySelector('.portal').append(document.getElementById('control_interrupt'))")
    (button,) = wait_for(lambda: page.find(".zs-after-image:has(+ .portal)"), "button beside Stop")
    assert button.is_displayed()
    assert 1 == len(page.find(".zs-after-image"))


def test_generate_says_the_same_as_the_bar(api, open_bar):
    """SD.Next asks at times of its own: its label and figures are brought up to those of the bar."""
    page = open_bar('<button id="txt2img_generate" style="width: 900px">Generate</button>' + STANDARD)
    write = "document.getElementById('txt2img_generate').textContent = arguments[0]"
    generate = "#txt2img_generate"
    page.js(write, "Image 2/3: Denoise 6/20 40% 8s")
    for completed, fraction, eta_s in ((7, 0.41, 6.4), (8, 0.47, 75.2)):
        job = {**canned_answers.build_running(completed), "fraction": fraction, "eta_s": eta_s}
        api.status = canned_answers.build_status(job)
        time = "6s" if eta_s < 60 else "1m 15s"
        said = f"Image 2/3: Denoise {completed}/20 {100 * fraction:.0f}% {time}"
        wait_for(lambda said=said: said == text(page, generate), lambda: text(page, generate))
    page.js(write, "Image 2/3: Denoise 8/20 46% Paused")
    wait_for(lambda: "Image 2/3: Denoise 8/20 46% Paused" == text(page, generate), "pause")


def test_buttons_of_the_host_that_come_late_are_found(api, open_bar):
    """SD.Next builds its page long after the scripts have begun; no status comes while nothing happens."""
    page = open_bar("")
    page.js("document.getElementById('zluda-sync-panel').style.display = 'none'")
    wait_for(lambda: page.js("return zludaSync.liveKind()") == "none", "rest")
    buttons = STANDARD.partition('<div id="txt2img_results')[0]
    page.js("document.body.insertAdjacentHTML('beforeend', arguments[0])", buttons)
    wait_for(lambda: page.find(".zs-after-image"), "button")


def test_a_change_of_language_is_seen_at_once(api, open_bar):
    """Also in what stands there between jobs, and without a question to the server."""
    page = open_bar()
    wait_for(lambda: "Last job: " in text(page, ".zs-above"), lambda: text(page, ".zs-above"))
    page.js("zludaSync.ask = () => new Promise(() => {}); window.opts = {ui_locale: 'de'}")
    wait_for(lambda: "Letzter Auftrag: " in text(page, ".zs-above"), lambda: text(page, ".zs-above"))
    page.js("document.body.append(document.createElement('i'))")  # as the page does again and again
    name = "return document.querySelector('.zs-after-image').title"
    wait_for(lambda: "Nach dem Bild stoppen" == page.js(name), lambda: page.js(name))
    assert "Nach dem Bild" == text(page, ".zs-after-image")


def test_a_job_on_generate_is_followed_where_no_bar_is_wanted(api, open_bar):
    """Stop after image is of use as long as it runs; before and afterwards nothing is asked for."""
    page = open_bar('<button id="txt2img_generate">Generate</button>' + STANDARD)
    page.js("document.getElementById('zluda-sync-panel').style.display = 'none'")
    api.status = {**api.status, "page": {**api.status["page"], "bar": False}}
    wait_for(lambda: page.js("return zludaSync.liveKind()") == "none", "rest")
    running = canned_answers.build_status(canned_answers.build_running(7))
    api.status = {**running, "page": {**running["page"], "bar": False}}
    write = "document.getElementById('txt2img_generate').textContent = arguments[0]"
    (button,) = wait_for(lambda: page.find(".zs-after-image"), "button")
    page.js(write, "Image 2/3: Denoise 7/20 41% 6s")
    wait_for(button.is_enabled, "a job of several images")
    assert not page.find(".zs-above")
    page.js(write, "Generate")
    api.status = {**api.status, "job": None}
    wait_for(lambda: not button.is_enabled(), "end")
    wait_for(lambda: page.js("return zludaSync.liveKind()") == "none", "rest")


def test_the_panel_ends_pauses_and_skips(api, open_bar):
    """By the server where it has a route, else by SD.Next's own buttons; a refusal is said."""
    page = open_bar()
    assert not page.find(".zs-controls")[0].is_displayed()
    running = canned_answers.build_running(7)
    api.status = canned_answers.build_status(running)
    wait_for(page.find(".zs-controls")[0].is_displayed, "controls")
    assert ["Stop", "Stop after image", "Pause", "Skip"] == texts(page, ".zs-controls button")
    for words, name in (("Pause", "pause"), ("Skip", "skip")):
        click(page, ".zs-controls button", words)
        assert name == page.js("return window.pressed")
    click(page, ".zs-controls button", "Stop")
    wait_for(lambda: ("POST", "stop", {"when": "now"}) in api.asked, lambda: api.asked)
    api.refusals["POST", "stop"] = (409, {"detail": "this request is over already; nothing was stopped"})
    click(page, ".zs-controls button", "Stop after image")
    wait_for(lambda: "over already" in text(page, ".zs-controls .zs-error"), "refusal")
    api.status = canned_answers.build_status({**running, "is_paused": True, "ending": "stop"})
    wait_for(lambda: "Resume" in texts(page, ".zs-controls button"), "pause")
    assert not page.find(".zs-controls button")[0].is_enabled()


def test_the_panel_shows_the_newest_preview(api, open_bar):
    """While a job runs and has one."""
    page = open_bar()
    api.status = canned_answers.build_status(canned_answers.build_running(7))
    wait_for(lambda: api.count("GET", "preview"), "question")
    assert [] == page.find(".zs-preview")
    api.preview = PICTURE
    api.status = canned_answers.build_status(canned_answers.build_running(8))
    elapsed_s = itertools.count()

    def is_shown() -> bool:
        api.status = canned_answers.build_status(
            {**canned_answers.build_running(8), "elapsed_s": next(elapsed_s)}
        )
        return bool(page.js("return document.querySelector('.zs-preview')?.naturalWidth === 1"))

    wait_for(is_shown, "preview")
    api.status = canned_answers.build_status()
    wait_for(lambda: not page.find(".zs-preview"), "end")


def test_no_preview_is_asked_for_where_nobody_sees_it(api, open_bar):
    """Each has to be made; the panel may be open and out of sight."""
    page = open_bar(STANDARD + '<div style="height: 5000px"></div>')
    for completed in (7, 8, 9):
        api.status = canned_answers.build_status(canned_answers.build_running(completed))
        wait_for(lambda completed=completed: f" {completed}/" in text(page, ".zs-above"), "step")
    assert 0 == api.count("GET", "preview")
    page.js("document.querySelector('.zs-controls').scrollIntoView()")
    api.status = canned_answers.build_status(canned_answers.build_running(10))
    wait_for(lambda: api.count("GET", "preview"), "question")


def test_a_refusal_stands_in_the_tooltip_until_the_job_is_over(api, open_bar):
    """Beside SD.Next's own Stop there is no room for a sentence."""
    page = open_bar()
    api.status = canned_answers.build_status(canned_answers.build_running(7))
    (button,) = wait_for(lambda: page.find(".zs-after-image"), "button")
    wait_for(button.is_enabled, "job")
    api.refusals["POST", "stop"] = (409, {"detail": "this request is over already; nothing was stopped"})
    button.click()
    wait_for(lambda: "over already" in button.get_attribute("title"), lambda: button.get_attribute("title"))
    api.status = canned_answers.build_status()
    wait_for(lambda: "Stop after image" == button.get_attribute("title"), "end")


def test_a_preview_that_cannot_be_drawn_leaves_none_behind(api, open_bar):
    """Nor does one that is still on its way when its job ends."""
    page = open_bar()
    elapsed_s = itertools.count()

    def go_on() -> None:
        running = canned_answers.build_running(8)
        api.status = canned_answers.build_status({**running, "elapsed_s": next(elapsed_s)})

    api.preview = PICTURE
    wait_for(lambda: go_on() or page.find(".zs-preview"), "preview")
    api.preview = b"no picture"
    asked = api.count("GET", "preview")
    wait_for(lambda: go_on() or api.count("GET", "preview") > asked + 1, "another preview")
    api.status = canned_answers.build_status()
    wait_for(lambda: not page.find(".zs-controls")[0].is_displayed(), "end")
    assert [] == page.find(".zs-preview")
