"""The panel over canned answers: every state that it can show, whatever a real host would make of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from tests.browser import canned_answers
from tests.browser.canned_api import CannedApi, serve_canned
from tests.browser.chromium import wait_for
from tests.browser.layout import read_locale_ids
from tests.browser.panel import KEY, choose, click, plain, poor_contrasts, text, texts, type_into
from zluda_sync.core.answers import to_json_text
from zluda_sync.core.settings.conditions import CONDITIONS
from zluda_sync.core.settings.rules import parse_rules, rule_to_json
from zluda_sync.host.api.profiles_route import _tell_field
from zluda_sync.host.profiles.store import CORRECT

pytestmark = pytest.mark.browser

HOSTILE = "<img src=x onerror=\"window.broken=1\"><script>window.broken=1</script>&amp; 'quoted'"


@pytest.fixture
def api(browser: SimpleNamespace) -> Iterator[CannedApi]:
    """A server of its own for each test; the browser's console must stay silent."""
    with serve_canned() as served:
        yield served
        complaints = [entry["message"] for entry in browser.driver.get_log("browser")]
        browser.driver.get("about:blank")
        expected = tuple(f"status of {status}" for status, _body in served.refusals.values())
        expected += () if served.has_events else ("status of 503",)
        assert [] == [text for text in complaints if not any(word in text for word in expected)]


@pytest.fixture
def open_panel(browser: SimpleNamespace, api: CannedApi) -> Any:
    """Return a function that opens the page and waits until the panel stands on it."""

    def opened() -> SimpleNamespace:
        browser.driver.get(api.address)
        browser.driver.set_window_size(1200, 1000)
        wait_for(lambda: text(browser, ".zs-label-now"), "panel")
        wait_for(lambda: browser.find(".zs-profile-list li"), "profiles")
        wait_for(lambda: not api.jobs or browser.find(".zs-row-button"), "jobs")
        return browser

    return opened


@pytest.mark.parametrize("loading", ["defer", ""])
def test_installed_twice_there_is_one_panel_with_one_connection(api, open_panel, loading):
    """Each copy brings all scripts to the page; the second set is as if it were not there."""
    api.copies, api.loading = 2, loading
    page = open_panel()
    page.js(
        "window.changes = 0; new MutationObserver((all) => { window.changes += all.length; })"
        ".observe(document.getElementById('zluda-sync-panel'), {childList: true});"
    )
    api.status = canned_answers.build_status(canned_answers.build_running(7))
    wait_for(lambda: "7/" in text(page, ".zs-label-now"), lambda: text(page, ".zs-label-now"))
    api.status = canned_answers.build_status(canned_answers.build_running(8))
    wait_for(lambda: "8/" in text(page, ".zs-label-now"), lambda: text(page, ".zs-label-now"))
    assert 0 == page.js("return window.changes")
    assert 1 == api.streams == len(page.find(".zs"))


def test_a_model_that_is_loaded_is_no_job_and_not_idle(api, open_panel):
    """Its seconds, and the time left once that is known; no steps, and no line among the jobs."""
    loading = {"label": "Loading model 4 s", "elapsed_s": 4.7, "fraction": 0.4, "eta_s": 7.0}
    api.status["loading"] = {**loading, "eta_low_s": None, "eta_high_s": None}
    page = open_panel()
    wait_for(lambda: text(page, ".zs-label-now") == "Loading model 4 s", lambda: text(page, ".zs-label-now"))
    assert "7 s left" == text(page, ".zs-eta")
    assert "40" == page.find(".zs-bar")[0].get_attribute("aria-valuenow")
    assert not page.find(".zs-fact-steps")[0].is_displayed()
    api.status["loading"] = None
    wait_for(lambda: text(page, ".zs-label-now") == "Idle", lambda: text(page, ".zs-label-now"))


def test_idle_says_why_the_extension_acts(api, open_panel):
    """No job: a word for it, the reason in one sentence, and what is wrong with the configuration."""
    where = "config.json: zluda_sync.profiles.night.depth"
    api.status["problems"] = [{"where": where, "text": f"{where} is 99, must be 1 to 8."}]
    page = open_panel()
    assert "Idle" == text(page, ".zs-label-now")
    told = text(page, ".zs-now > .zs-note")
    assert api.status["explanation"].lower() == told.lower().removesuffix(".") and told[0].isupper()
    assert [f"{where} is 99, must be 1 to 8."] == texts(page, ".zs-problems li")
    assert "balanced: chosen in Settings" == text(page, ".zs-fact-profile dd")


def test_a_job_moves_the_line(api, open_panel):
    """Label, bar, time left, counts and run-ahead follow each event, without a reload."""
    page = open_panel()
    api.status = canned_answers.build_status(canned_answers.build_running(7))
    wait_for(lambda: text(page, ".zs-label-now") == "Image 2/3: Denoise 7/20", "label")
    assert "6 s left" == text(page, ".zs-eta")
    assert "7 of 20 finished, 2 queued" == text(page, ".zs-fact-steps dd")
    assert "1 step" == text(page, ".zs-fact-ahead dd")
    (bar,) = page.find(".zs-bar[role=progressbar]")
    assert "41" == bar.get_attribute("aria-valuenow")
    assert "Image 2/3: Denoise 7/20 6 s left" == plain(bar.get_attribute("aria-valuetext"))
    running = canned_answers.build_running(8)
    api.status = canned_answers.build_status({**running, "is_eta_guessed": True})
    wait_for(lambda: text(page, ".zs-eta") == "about 6 s left", lambda: text(page, ".zs-eta"))
    unsure = {"fraction": 0.5, "eta_s": 6.0, "eta_spread_s": 2.0, "eta_low_s": 4.0, "eta_high_s": 8.0}
    api.status = canned_answers.build_status({**running, **unsure})
    wait_for(lambda: text(page, ".zs-eta") == "4 s to 8 s left", lambda: text(page, ".zs-eta"))
    assert "50" == bar.get_attribute("aria-valuenow")


@pytest.mark.parametrize(
    ("run_ahead", "told"), [(0, "0 steps"), (1, "0 steps"), (2, "1 step"), (4, "3 steps")]
)
def test_a_head_start_is_counted_as_in_settings(api, open_panel, run_ahead, told):
    """What is queued beyond the step that the GPU works on; waiting after each step leaves none."""
    api.status = canned_answers.build_status({**canned_answers.build_running(), "run_ahead": run_ahead})
    page = open_panel()
    wait_for(lambda: text(page, ".zs-fact-ahead dd") == told, lambda: text(page, ".zs-fact-ahead dd"))


@pytest.mark.parametrize(
    ("times", "left"),
    [
        ({"eta_s": 0.059}, "less than 1 s left"),
        ({"eta_s": 1.47}, "1 s left"),
        ({"eta_s": 2.51, "is_eta_guessed": True}, "about 3 s left"),
        ({"eta_s": 0.5, "eta_low_s": 0.2, "eta_high_s": 0.9}, "less than 1 s left"),
        ({"eta_s": 2.0, "eta_low_s": 0.3, "eta_high_s": 3.9}, "1 s to 4 s left"),
        ({"eta_s": 2.0, "eta_low_s": 1.8, "eta_high_s": 2.2}, "about 2 s left"),
    ],
)
def test_times_of_what_goes_on_are_whole_seconds(api, open_panel, times, left):
    """What changes all the time is not told to the hundredth of a second."""
    running = {**canned_answers.build_running(), "elapsed_s": 0.012, **times}
    api.status = canned_answers.build_status(running)
    page = open_panel()
    wait_for(lambda: text(page, ".zs-eta") == left, lambda: text(page, ".zs-eta"))
    assert "less than 1 s so far" == text(page, ".zs-now .zs-wide-small > :first-child")
    api.status = canned_answers.build_status({**running, "elapsed_s": 3.4})
    wait_for(lambda: "3 s so far" == text(page, ".zs-now .zs-wide-small > :first-child"), "time so far")


def test_no_id_ends_like_one_of_the_hosts(open_panel):
    """SD.Next puts the words of its translation into what has an id that ends with one of its own ids."""
    page = open_panel()
    click(page, "button", "New profile")
    ids = page.js("return [...document.querySelectorAll('#zluda-sync-panel [id]')].map(({id}) => id)")
    assert len(ids) > 10
    endings = read_locale_ids() | set("0123456789")
    assert [] == [(one, end) for one in ids for end in endings if one.endswith(end)]


def test_unknown_is_not_a_number(api, open_panel):
    """What the server does not know is said in words, or left out."""
    running = canned_answers.build_running()
    unknown = dict.fromkeys(("total", "eta_s", "eta_spread_s", "fraction"))
    api.status = canned_answers.build_status(
        {**running, **unknown, "phase": "load", "label": "Loading model"}
    )
    page = open_panel()
    wait_for(lambda: text(page, ".zs-label-now") == "Loading model", "label")
    assert "time left not known yet" == text(page, ".zs-eta")
    assert page.find(".zs-bar")[0].get_attribute("aria-valuenow") is None
    whole = text(page, ".zs-now")
    assert [] == [word for word in ("null", "NaN", "undefined") if word in whole]


def test_the_verdict_can_be_read_by_a_newcomer(api, open_panel):
    """What the self-test says, how far SD.Next ran ahead, and how far off both bars were."""
    page = open_panel()
    wait_for(lambda: "100 %" in text(page, ".zs-verdict"), "verdict")
    assert "Yes. Your GPU reports truthfully what it has finished; one step of head start is safe." == text(
        page, ".zs-verdict > p"
    )
    assert (
        "In the job of … at most 2 steps were under way at once, the one at work included. With the same "
        "waits SD.Next's own bar would have been off by … on average and 100 % at most; this one was off by "
        "… on average and 2 % at most. SD.Next's would have fallen back once."
        == re.sub(r"(job of|off by) .+? (at most|on)", r"\1 … \2", text(page, ".zs-verdict .zs-last-job"))
    )


def test_switched_off_the_panel_says_so(api, open_panel):
    """Neither idle nor waiting for a job: nothing is followed, and the bar is the host's."""
    api.status.update(is_acting=False, explanation="switched off: Follow the GPU is unchecked")
    api.jobs = []
    page = open_panel()
    assert "Not followed" == text(page, ".zs-label-now")
    assert not page.find(".zs-fact-mode")[0].is_displayed()
    wait_for(lambda: "Jobs are not followed now" in text(page, ".zs-job > .zs-note"), "no job")
    told = text(page, ".zs-verdict > p").strip()
    assert "Not followed: it is SD.Next's own bar. Switched off: Follow the GPU is unchecked." == told


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"report": None}, "Not tested yet. No self-test so far; it is made once SD.Next is idle"),
        ({"was_called_off": True}, "Not tested yet."),
        ({"is_blocking": True}, "makes SD.Next wait by itself"),
        ({"unfinished": "the device went away"}, "Close other programs that use the GPU, and press Run"),
        ({"rungs": []}, "Not certain. No way to ask this GPU told the truth."),
        ({}, "Yes. Your GPU reports truthfully"),
    ],
    ids=["untested", "put off", "blocking", "unfinished", "no way", "truthful"],
)
def test_the_verdict_follows_the_self_test(api, open_panel, change, word):
    """Each result of the self-test has its own sentence."""
    if "report" in change:
        api.self_test.update(report=None, explanation="no self-test so far; it is made once SD.Next is idle")
    else:
        api.self_test["report"].update(change)
    page = open_panel()
    wait_for(lambda: word in text(page, ".zs-verdict"), lambda: text(page, ".zs-verdict"))


@pytest.mark.parametrize("report", [None, {"was_called_off": True}], ids=["none", "called off"])
def test_a_mode_is_not_by_a_self_test_that_was_not_made(api, open_panel, report):
    """Until there is one the mode is a precaution; then it is the test's."""
    api.status["profile"]["values"]["mode"] = "auto"
    api.status["self_test"]["mode"] = api.self_test["mode"] = "every-step"
    whole = api.self_test["report"]
    api.self_test["report"] = report and {**whole, **report}
    page = open_panel()
    untested = "every-step (waits after each step), until the self-test has been made"
    wait_for(lambda: text(page, ".zs-fact-mode dd") == untested, lambda: text(page, ".zs-fact-mode dd"))
    api.status = {**api.status, "self_test": {**api.status["self_test"], "progress": 0.5}}
    wait_for(page.find(".zs-selftest progress")[0].is_displayed, "self-test")
    api.self_test["report"] = whole
    api.status = {**api.status, "self_test": {**api.status["self_test"], "progress": None}}
    tested = "every-step (waits after each step), by the self-test"
    wait_for(lambda: text(page, ".zs-fact-mode dd") == tested, lambda: text(page, ".zs-fact-mode dd"))


@pytest.mark.parametrize(
    ("first", "part", "named"),
    [
        ({}, {}, ["Usual", "First step, with kernel compile", "Outlier"]),
        ({"stock_bar": []}, {"has_compiled": False, "outliers": []}, ["Usual"]),
    ],
    ids=["all kinds", "one kind"],
)
def test_the_legend_names_only_what_the_job_has(api, open_panel, first, part, named):
    """A colour that is explained and not there would be looked for."""
    api.jobs[0].update(first)
    api.jobs[0]["parts"][1].update(part)
    page = open_panel()
    wait_for(lambda: page.find(".zs-figure-times .zs-step"), "plots")
    shown = [entry.text for entry in page.find(".zs-figure-times .zs-legend li") if entry.is_displayed()]
    assert named == shown
    bars = [entry for entry in page.find(".zs-figure-bars .zs-legend li") if entry.is_displayed()]
    assert len(bars) == (2 if first else 3)


def test_a_step_seen_together_with_the_one_before_has_a_bar(api, open_panel):
    """It took no time that could be seen, but it is a step."""
    api.jobs[0]["parts"][1]["step_s"][7] = 0.0
    page = open_panel()
    wait_for(lambda: page.find(".zs-figure-times .zs-step"), "plots")
    heights = [float(bar.get_attribute("height")) for bar in page.find(".zs-figure-times .zs-step")]
    assert 20 == len(heights) and min(heights) == heights[7] >= 1


def test_a_job_of_many_cells_shows_each(api, open_panel):
    """How long each took, and the other plots by cell; a plain job has no such plot."""
    duration_s = api.jobs[0]["duration_s"]
    api.jobs[0]["cells"] = [[0.0, 4.0], [4.5, 9.5], [10.0, duration_s]]
    page = open_panel()
    wait_for(lambda: 3 == len(page.find(".zs-figure-cells .zs-step")), "cells")
    assert page.find(".zs-figure-cells .zs-sentence")[0].text.startswith("3 cells; median ")
    assert 3 == len(page.find(".zs-figure-steps .zs-band"))
    assert "Cell 2" in page.find(".zs-figure-steps")[0].text


def test_a_plain_job_has_no_plot_of_cells(open_panel):
    """There is nothing to compare."""
    page = open_panel()
    wait_for(lambda: page.find(".zs-figure-times .zs-step"), "plots")
    assert not page.find(".zs-figure-cells")


def test_plots_have_data_and_words(open_panel):
    """Each has its shapes, a sentence, and its figures as a table that can be opened."""
    page = open_panel()
    wait_for(lambda: page.find(".zs-figure-times .zs-step"), "plots")
    for kind in ("launched", "completed"):
        steps = page.js(
            "return document.querySelector(arguments[0]).getAttribute('d')", f".zs-line.zs-{kind}"
        )
        assert 20 < steps.count("L")
    assert page.find(".zs-area.zs-ahead") and page.find(".zs-line.zs-stock") and page.find(".zs-line.zs-true")
    assert 20 == len(page.find(".zs-figure-times .zs-step"))
    assert [1, 1] == [len(page.find(f".zs-step.zs-{kind}")) for kind in ("compile", "outlier")]
    assert "20 steps launched and 20 completed within 13 s; at most 2 were under way at once." == text(
        page, ".zs-figure-steps .zs-sentence"
    )
    assert (
        "20 steps; median 0.4 s, longest 2.4 s. The first one compiled kernels and took 2.4 s. One step was "
        "unusually slow." == text(page, ".zs-figure-times .zs-sentence")
    )
    for figure in page.find(".zs-figure"):
        (image,) = figure.find_elements("css selector", "[role=img]")
        named = page.js(
            "return arguments[0].getAttribute('aria-labelledby').split(' ')"
            ".map((id) => document.getElementById(id).textContent)",
            image,
        )
        assert 2 == len(list(filter(None, named)))
        figure.find_element("css selector", "summary").send_keys(KEY["enter"])
    rows = [len(page.find(f".zs-figure-{name} tbody tr")) for name in ("steps", "bars", "times")]
    assert [20, 21, 20] == rows


def test_a_stopped_job_has_no_true_share(api, open_panel):
    """Its bar cannot be judged, and the panel says so instead of a figure."""
    api.jobs = [canned_answers.build_job("11", "stopped", stop=canned_answers.build_stop())]
    page = open_panel()
    wait_for(lambda: "no true share" in text(page, ".zs-figure-bars .zs-sentence"), "sentence")
    assert [] == page.find(".zs-line.zs-true")
    assert ["VAE decode", "1", "0.2 s", "0.7 s", "0.7 s", "0", "2"] == texts(page, ".zs-stops tbody tr > *")


def test_the_speed_of_each_model_is_told_by_week_and_size(api, open_panel):
    """The newest week first; of finished jobs only, and without the folders of a model's name."""
    week_s = 7 * 24 * 3600.0
    monday_s = 1785153600.0  # Monday, 27 July 2026, noon UTC
    jobs = [
        ("30", monday_s + week_s, 512, 0.5, "finished"),
        ("29", monday_s + 5000, 512, 0.25, "finished"),
        ("28", monday_s + 4000, 1024, 2.0, "finished"),
        ("27", monday_s + 3000, 512, 0.75, "finished"),
        ("26", monday_s + 2000, 512, 9.0, "stopped"),
        ("25", monday_s + 1000, 512, None, "lost"),
    ]
    api.jobs = [
        canned_answers.build_job(
            name,
            outcome,
            began_at_s=at_s,
            width=size,
            height=size,
            median_step_s=step_s,
            model="some/model.x",
        )
        for name, at_s, size, step_s, outcome in jobs
    ]
    page = open_panel()
    wait_for(lambda: page.find(".zs-speeds tbody tr"), "table")
    cells = texts(page, ".zs-speeds tbody tr > td")
    assert ["model.x", "512 x 512", "1", "0.5 s"] == cells[:4]
    assert {("512 x 512", "2", "0.5 s"), ("1024 x 1024", "1", "2 s")} == {
        tuple(cells[at + 1 : at + 4]) for at in (4, 8)
    }
    assert 12 == len(cells)
    assert "Lost: its end was not seen" in texts(page, ".zs-history tbody tr > td")


def test_a_job_is_chosen_by_keyboard(api, open_panel):
    """Arrow down and Enter show an older job; a button goes back to the newest."""
    api.jobs = [canned_answers.build_job(str(number), title=f"job {number}") for number in (13, 12, 11)]
    page = open_panel()
    wait_for(lambda: "job 13" in text(page, ".zs-job-title"), "newest")
    page.find(".zs-row-button")[0].send_keys(KEY["down"])
    focused = page.driver.switch_to.active_element
    assert "12" == focused.get_attribute("data-job")
    focused.send_keys(KEY["enter"])
    wait_for(lambda: "job 12" in text(page, ".zs-job-title"), "older job")
    assert [] == page.find("[aria-pressed]")  # what a second press would take back
    assert ["false", "true", "false"] == [
        button.get_attribute("aria-current") for button in page.find(".zs-row-button")
    ]
    click(page, ".zs-history button", "Follow the newest job")
    wait_for(lambda: "job 13" in text(page, ".zs-job-title"), "newest")


def test_a_row_stays_while_its_job_goes_on(api, open_panel):
    """What is pressed or has the focus is not taken from under the hand when a job ends or another comes."""
    running = canned_answers.build_job("12", "running")
    oldest, old = (canned_answers.build_job(name) for name in ("10", "11"))
    api.jobs = [running, old, oldest]
    page = open_panel()
    page.js("window.buttons = [...document.querySelectorAll('.zs-row-button')]")
    page.find(".zs-row-button")[0].send_keys(KEY["down"])
    api.jobs = [canned_answers.build_job("13", "running"), {**running, "outcome": "stopped"}, old]
    api.status = canned_answers.build_status(canned_answers.build_running())
    wait_for(lambda: "Stopped" in text(page, ".zs-history tbody tr:nth-child(2)"), "the end of the job")
    shown = "[...document.querySelectorAll('.zs-row-button')].map((one) => window.buttons.indexOf(one))"
    assert [-1, 0, 1] == page.js(f"return {shown}")
    assert "11" == page.driver.switch_to.active_element.get_attribute("data-job")


def test_exports_are_links_to_the_routes(api, open_panel):
    """Both traces have their address and file name, and all jobs are saved as one file."""
    page = open_panel()
    wait_for(lambda: page.find(".zs-exports a"), "links")
    assert [
        (f"{api.address}zluda_sync/v1/jobs/11/trace?format=json", "zluda-sync-job-11.json"),
        (f"{api.address}zluda_sync/v1/jobs/11/trace?format=chrome", "zluda-sync-job-11-perfetto.json"),
    ] == [(one.get_attribute("href"), one.get_attribute("download")) for one in page.find(".zs-exports a")]
    page.js("zludaSync.save = async (blob, name) => { window.saved = [name, await blob.text()]; }")
    click(page, ".zs-history button", "Save all jobs (JSON)")
    name, written = wait_for(lambda: page.js("return window.saved"), "file")
    assert "zluda-sync-jobs.json" == name
    assert {"jobs": api.jobs} == json.loads(written)


def test_the_self_test_can_be_run(api, open_panel):
    """A row for each rung; the button starts a test, and a refusal is shown as the server words it."""
    page = open_panel()
    wait_for(lambda: page.find(".zs-selftest tbody tr"), "table")
    assert [
        "an event behind each step planted-event", "not truthful", "reported while the GPU was busy",
        "1.01", "0.38", "2",
    ] == texts(page, ".zs-selftest tbody tr:nth-child(2) > *")  # fmt: skip
    assert ["in use"] == texts(page, ".zs-selftest tbody tr:nth-child(1) .zs-tag")
    report = api.self_test["report"]
    api.self_test = {
        **api.self_test,
        "explanation": "another",
        "report": {**report, "taken_at_s": 1785000100.0},
    }
    click(page, ".zs-selftest button", "Run self-test")
    wait_for(lambda: "Another." in text(page, ".zs-selftest"), "result")
    assert "" == text(page, ".zs-selftest .zs-error")
    click(page, ".zs-selftest button", "Run self-test")  # a job calls it off: the old report comes again
    wait_for(lambda: "called off" in text(page, ".zs-selftest .zs-error"), "called off")
    api.refusals["POST", "selftest"] = (409, {"detail": "no self-test: a job runs"})
    click(page, ".zs-selftest button", "Run self-test")
    wait_for(lambda: text(page, ".zs-selftest .zs-error") == "no self-test: a job runs", "refusal")
    api.status["self_test"]["progress"] = 0.5
    wait_for(page.find(".zs-selftest progress")[0].is_displayed, "progress")
    assert not page.find(".zs-selftest button")[0].is_enabled()


def test_a_report_is_shown_before_it_is_copied(api, open_panel):
    """The very text that the server gave, as text; then it is copied, also without a clipboard."""
    page = open_panel()
    api.report = f'{{\n  "zluda_sync_report": 1,\n  "device": "{HOSTILE} …"\n}}'
    assert "nothing is sent anywhere" in text(page, ".zs-report .zs-note")
    page.js(
        "window.copied = [];"
        "Object.defineProperty(navigator, 'clipboard', {configurable: true, value:"
        "{writeText: async (text) => { window.copied.push(text); }}})"
    )
    click(page, ".zs-report button", "Show report")
    wait_for(lambda: text(page, ".zs-report-text") == api.report, "report")
    assert ([], None) == (page.js("return window.copied"), page.js("return window.broken"))
    assert [] == page.find(".zs-report :is(img, script)")
    click(page, ".zs-report-whole button", "Copy")
    wait_for(lambda: text(page, ".zs-report-whole .zs-note") == "Copied", "word")
    assert [api.report] == page.js("return window.copied")
    page.js(
        "navigator.clipboard.writeText = async () => { throw new Error('no') };"
        "document.addEventListener('copy', () => window.copied.push(document.activeElement.value))"
    )
    click(page, ".zs-report-whole button", "Copy")
    wait_for(lambda: len(page.js("return window.copied")) == 2, "copy without a clipboard")
    wait_for(lambda: text(page, ".zs-report-whole .zs-note") == "Copied", "word")
    assert api.report == page.js("return window.copied[1]")
    page.js("document.execCommand = () => false")
    click(page, ".zs-report-whole button", "Copy")
    wait_for(lambda: "Ctrl+C" in text(page, ".zs-report-whole .zs-note"), "advice")
    assert api.report == page.js("return getSelection().toString()")


def test_a_report_that_cannot_be_made_is_said(api, open_panel):
    """And none is shown that is older."""
    page = open_panel()
    click(page, ".zs-report button", "Show report")
    wait_for(page.find(".zs-report-whole")[0].is_displayed, "report")
    api.refusals["GET", "report"] = (403, {"detail": "refused: not here"})
    click(page, ".zs-report button", "Show report")
    wait_for(lambda: text(page, ".zs-report .zs-error") == "refused: not here", "refusal")
    assert not page.find(".zs-report-whole")[0].is_displayed()


def test_the_card_can_be_checked(api, open_panel):
    """The button starts a check, which is followed to its end: a sentence, and a row for each mode."""
    page = open_panel()
    wait_for(lambda: "Not checked yet." in text(page, ".zs-check"), "nothing known")
    assert not page.find(".zs-check progress")[0].is_displayed()
    api.verification = {**api.verification, "progress": 0.25, "doing": "observe"}
    click(page, ".zs-check button", "Check this card")
    wait_for(page.find(".zs-check progress")[0].is_displayed, "progress")
    assert 1 == api.count("POST", "verification")
    assert not page.find(".zs-check button")[0].is_enabled()
    assert "Checking: 25 %. A job that you start ends it." in plain(text(page, ".zs-check"))
    assert "Not checked yet." not in text(page, ".zs-check")
    assert "Checking the GPU" == text(page, ".zs-label-now")
    checked = canned_answers.build_checked()
    api.verification = {**canned_answers.build_verification(), "verification": checked}
    wait_for(lambda: checked["sentence"] in text(page, ".zs-check"), "sentence")
    wait_for(page.find(".zs-check button")[0].is_enabled, "button")
    assert not page.find(".zs-check progress")[0].is_displayed()
    assert "Idle" == text(page, ".zs-label-now")
    assert ["off", "on", "0.88 s", *6 * ["\N{EN DASH}"]] == texts(page, ".zs-check tbody tr:nth-child(1) > *")
    mode = "run-ahead (keeps the next step ready)"
    assert [mode, "off", "0.88 s", "1 %", "1", "0", "36", "0", "0"] == texts(
        page, ".zs-check tbody tr:nth-child(2) > *"
    )
    asked = api.count("GET", "verification")
    page.js("return new Promise((done) => setTimeout(done, 1500))")
    assert asked == api.count("GET", "verification")  # nobody asks any more


def test_a_check_that_is_refused_or_fails_says_why(api, open_panel):
    """As the server words it, and the newest result stays."""
    checked = canned_answers.build_checked()
    api.verification = {**api.verification, "failure": "no result: a job began", "verification": checked}
    page = open_panel()
    wait_for(lambda: "No result: a job began." == text(page, ".zs-check .zs-error"), "failure")
    assert checked["sentence"] in text(page, ".zs-check")
    api.refusals["POST", "verification"] = (
        409,
        {"detail": "no check: a job runs; try again when it is done"},
    )
    click(page, ".zs-check button", "Check this card")
    wait_for(lambda: "no check: a job runs" in text(page, ".zs-check .zs-error"), "refusal")
    assert page.find(".zs-check button")[0].is_enabled()


def test_the_result_of_a_check_is_told_in_the_pages_language(api, open_panel, browser):
    """With its own words for each outcome; what a newer server says is no error."""
    api.head = "<script>window.opts = {ui_locale: 'zh: Chinese'}</script>"
    api.verification = {**api.verification, "verification": canned_answers.build_checked()}
    page = open_panel()
    wait_for(
        lambda: "进度条最多偏差 1 步。比每步之后完整等待节省 6 %。" in text(page, ".zs-check"), "sentence"
    )


def test_what_was_not_judged_is_a_dash_and_the_remedy_is_one(api, open_panel):
    """In another language the page finds the words by the figures; a zero would say that all is well."""
    api.head = "<script>window.opts = {ui_locale: 'zh: Chinese'}</script>"
    checked = canned_answers.build_checked(outcome="early", truth=None)
    unjudged = {**checked["rows"][1], "step_error": None, "lead": None, "early": None}
    checked["rows"][1] = unjudged
    api.verification = {**api.verification, "verification": checked}
    page = open_panel()
    wait_for(
        lambda: "选择模式 off" in text(page, ".zs-check"),
        "no mode helps",
    )
    dash = "\N{EN DASH}"
    assert [dash, dash, "36", "0", dash] == texts(page, ".zs-check tbody tr:nth-child(2) > *")[4:]
    assert text(page, ".zs-check .zs-note + p ~ .zs-note").endswith(dash)
    checked["rows"].append({**unjudged, "mode": "every-step", "lead": 0})
    page.js("location.reload()")
    wait_for(lambda: "选择模式 every-step" in text(page, ".zs-check"), "every step helps")
    checked.update(outcome="blocking", blocking_launch=1022)
    page.js("location.reload()")
    wait_for(lambda: "这块显卡在 1022 个操作之后自己会让 SD.Next 等待" in text(page, ".zs-check"), "later")


def test_a_profile_that_does_not_exist_is_shown_as_such(api, open_panel):
    """Not as an empty list: config.json names one that is gone."""
    api.profiles["chosen"] = "nigth"
    page = open_panel()
    box = wait_for(lambda: page.find("[data-field=chosen]"), "choice")[0]
    shown = "return arguments[0].selectedOptions[0]?.textContent"
    wait_for(lambda: page.js(shown, box) == "nigth (does not exist: balanced is used)", "name")


def test_a_profile_is_chosen(api, open_panel):
    """The choice is sent; where it is refused the old one stands again, with the reason."""
    page = open_panel()
    choose(page, "[data-field=chosen]", "night")
    wait_for(lambda: api.profiles["chosen"] == "night", "choice")
    wait_for(lambda: text(page, "[data-profile=night] .zs-tag") == "in use", "mark")
    api.refusals["PUT", "profiles"] = (422, {"detail": [{"where": "chosen", "text": "is frozen."}]})
    choose(page, "[data-field=chosen]", "auto")
    wait_for(lambda: "chosen is frozen." in texts(page, ".zs-profiles > .zs-error"), "reason")
    assert "night" == page.find("[data-field=chosen]")[0].get_property("value")


def test_a_change_that_is_not_in_the_file_is_told(api, open_panel):
    """It goes, and nobody is told that it was saved."""
    page = open_panel()
    api.profiles["not_saved"] = "config.json cannot be written to."
    choose(page, "[data-field=chosen]", "night")
    wait_for(lambda: "config.json cannot be written to." in texts(page, ".zs-profiles > .zs-error"), "reason")
    assert "night" == page.find("[data-field=chosen]")[0].get_property("value")
    assert not any(one.startswith("Saved") for one in texts(page, ".zs-profiles > .zs-note"))
    api.profiles["not_saved"] = ""
    choose(page, "[data-field=chosen]", "auto")
    wait_for(lambda: "" == "".join(texts(page, ".zs-profiles > .zs-error")), "no reason")


def test_the_editor_refuses_and_accepts(api, open_panel):
    """Beyond the limits nothing is sent; what the server refuses stands at its field and stays typed."""
    page = open_panel()
    click(page, ".zs-profiles button", "New profile")
    type_into(page, ".zs-form [data-field=name]", "evening")
    type_into(page, ".zs-form [data-field=depth]", "99")
    click(page, ".zs-form button", "Save profile")
    (depth,) = page.find(".zs-form [data-field=depth]")
    assert "true" == depth.get_attribute("aria-invalid")
    assert "Must be a whole number from 1 to 8." in text(page, ".zs-form")
    assert 0 == api.count("PUT", "profiles/evening")

    where = "config.json: zluda_sync.profiles.evening.depth"
    refusal = {"detail": [{"where": where, "text": "is 3, which is too deep."}]}
    api.refusals["PUT", "profiles/evening"] = (422, refusal)
    type_into(page, ".zs-form [data-field=depth]", "3")
    click(page, ".zs-form button", "Save profile")
    wait_for(lambda: "which is too deep" in text(page, ".zs-form"), "refusal")
    (described,) = [one for one in page.find(".zs-form .zs-error") if "too deep" in one.text]
    assert described.get_attribute("id") in depth.get_attribute("aria-describedby")
    (name,) = page.find(".zs-form [data-field=name]")
    assert ["evening", "3"] == [one.get_property("value") for one in (name, depth)]

    api.refusals.pop(("PUT", "profiles/evening"))
    click(page, ".zs-form button", "Save profile")
    wait_for(lambda: page.find("[data-profile=evening]"), "profile in the list")
    assert [] == page.find(".zs-form")
    assert ("PUT", "profiles/evening", {"values": {"depth": 3}}) in api.asked
    page.driver.get_log("browser")


def test_a_profile_is_changed_copied_and_deleted(api, open_panel):
    """One's own can be changed and deleted, any can be copied, and none is overwritten."""
    page = open_panel()
    assert ["Copy profile"] == texts(page, "[data-profile=precise] button")
    click(page, "[data-profile=night] button", "Edit profile")
    type_into(page, ".zs-form [data-field=preview_interval]", "4")
    click(page, ".zs-form button", "Save profile")
    wait_for(lambda: "Time between previews: 4 s" in text(page, "[data-profile=night]"), "change")
    click(page, "[data-profile=precise] button", "Copy profile")
    assert "precise copy" == page.find(".zs-form [data-field=name]")[0].get_property("value")
    type_into(page, ".zs-form [data-field=name]", "night")
    click(page, ".zs-form button", "Save profile")
    wait_for(lambda: "There is a profile of this name already" in text(page, ".zs-form"), "taken")
    type_into(page, ".zs-form [data-field=name]", "day/2")
    click(page, ".zs-form button", "Save profile")
    wait_for(lambda: "none of / " in text(page, ".zs-form"), "characters")
    type_into(page, ".zs-form [data-field=name]", "day & night")
    click(page, ".zs-form button", "Save profile")
    wait_for(lambda: [] == page.find(".zs-form"), "copy")
    assert ("PUT", "profiles/day%20%26%20night", {"values": {"mode": "every-step"}}) in api.asked
    click(page, "[data-profile=night] button", "Delete profile")
    page.driver.switch_to.alert.accept()
    wait_for(lambda: not page.find("[data-profile=night]"), "deletion")


@pytest.mark.parametrize("name", [".", ".."])
def test_a_name_that_is_a_step_of_an_address_is_refused_and_can_be_deleted(api, open_panel, name):
    """The browser would take it out of the address, and ask for something else."""
    api.profiles["profiles"].append(canned_answers.own_profile(name, {}))
    page = open_panel()
    click(page, f"[data-profile='{name}'] button", "Edit profile")
    click(page, ".zs-form button", "Save profile")
    wait_for(lambda: "is not \u201c.\u201d or \u201c..\u201d" in text(page, ".zs-form"), "refusal")
    click(page, ".zs-form button", "Close without saving")
    click(page, f"[data-profile='{name}'] button", "Delete profile")
    page.driver.switch_to.alert.accept()
    wait_for(lambda: not page.find(f"[data-profile='{name}']"), "deletion")
    assert page.find("[data-profile=night]")
    assert "PUT" not in [asked[0] for asked in api.asked]


def test_what_is_saved_is_in_use_only_where_it_is_chosen(api, open_panel):
    """Said of a profile and of the rules, by what is chosen; and no longer than until the next change."""
    page = open_panel()
    saved = "Saved. In use from the next job on"

    def save(name: str) -> None:
        click(page, f"[data-profile={name}] button", "Edit profile")
        assert "" == text(page, listed)
        click(page, ".zs-form button", "Save profile")

    def wait_for_word(css: str, word: str) -> None:
        wait_for(lambda: text(page, css).startswith(word), lambda: f"{word}, not {text(page, css)}")

    listed, rules = ".zs-profiles > .zs-buttons .zs-saved", ".zs-rules-part .zs-buttons .zs-note"
    save("night")
    wait_for_word(listed, "Saved. It is in use once you choose it above")
    choose(page, ".zs-rules select", "night")
    page.js("document.querySelector('.zs-rules select').dispatchEvent(new Event('input', {bubbles: true}))")
    wait_for_word(rules, "Changed")
    assert "" == text(page, listed)
    click(page, ".zs-rules-part button", "Save rules")
    wait_for_word(rules, "Saved. In use once auto is")
    choose(page, "[data-field=chosen]", "auto")
    wait_for_word(".zs-profiles > .zs-saved", f"{saved}.")
    save("night")
    wait_for_word(listed, f"{saved}, where the rules")
    choose(page, ".zs-rules select", "night")
    page.js("document.querySelector('.zs-rules select').dispatchEvent(new Event('input', {bubbles: true}))")
    click(page, ".zs-rules-part button", "Save rules")
    wait_for_word(rules, f"{saved}.")
    choose(page, "[data-field=chosen]", "night")
    wait_for_word(".zs-profiles > .zs-saved", f"{saved}.")
    save("night")
    wait_for_word(listed, f"{saved}.")
    api.refusals["DELETE", "profiles/night"] = (409, {"detail": "is chosen"})
    click(page, "[data-profile=night] button", "Delete profile")
    page.driver.switch_to.alert.accept()
    wait_for(lambda: "is chosen" in text(page, ".zs-profiles > .zs-error"), "refusal")
    assert "" == text(page, listed)
    del api.refusals["DELETE", "profiles/night"]
    click(page, "[data-profile=night] button", "Delete profile")
    page.driver.switch_to.alert.accept()
    wait_for_word(listed, "Deleted.")
    assert "" == text(page, ".zs-profiles > .zs-error")
    page.driver.get_log("browser")


def test_an_empty_condition_is_named_and_not_saved(api, open_panel):
    """Left out, it would make a rule that holds for every job; one without conditions says so before."""
    page = open_panel()
    before = api.profiles["rules"]
    click(page, ".zs-rules-part button", "Add rule")
    assert text(page, ".zs-rules > li:nth-child(2) .zs-note").startswith("Always")
    choose(page, ".zs-rules > li:nth-child(2) fieldset > select", "model")
    assert not page.find(".zs-rules > li:nth-child(2) .zs-note")[0].is_displayed()
    click(page, ".zs-rules-part button", "Save rules")
    wait_for(
        lambda: "Fill this in" in text(page, ".zs-rules > li:nth-child(2) .zs-field"), "word at the field"
    )
    assert before == api.profiles["rules"]
    page.driver.switch_to.active_element.send_keys("sdxl*")
    click(page, ".zs-rules-part button", "Save rules")
    wait_for(lambda: "sdxl*" in str(api.profiles["rules"]), lambda: str(api.profiles["rules"]))


#: A rule's conditions in each form that config.json allows.
WRITTEN = [
    {"images_min": 4, "megapixels_max": 1.048576, "steps_min": 12.0},
    {"source": ["api", "page"], "device": "NVIDIA RTX 4090, Laptop [ZLUDA]"},
    {"source": "script", "model_type": ["sdxl", 'the 6" one', "a, b"]},
    {"device": ["*7900*"], "source": ["script", "api", "page"]},
    {"model_type": "two\nlines, and a tab\t"},
]


def test_a_rule_in_every_form_of_config_json_is_shown_and_kept(api, open_panel):
    """Each condition that the server knows; what is not changed is saved as it was, to the letter."""
    written = [{"profile": "precise", **wanted} for wanted in WRITTEN]
    rules, wrong = parse_rules(written, ["precise"], "rules", "")
    assert () == wrong
    conditions = [json.loads(to_json_text(_tell_field(one.field, None))) for one in CONDITIONS.values()]
    api.profiles = {**api.profiles, "conditions": conditions, "rules": [rule_to_json(one) for one in rules]}
    before = api.profiles["rules"]
    page = open_panel()
    ticked = "return [...document.querySelectorAll('[data-field=source]')].map((group) =>"
    ticked += " [...group.querySelectorAll(':checked')].map((box) => box.parentNode.textContent.trim()))"
    assert [["page", "api"], ["script"], ["page", "api", "script"]] == page.js(ticked)
    shown = page.find(".zs-rules [data-field=model_type]")[0].get_property("value")
    assert 'sdxl, "the 6"" one", "a, b"' == shown
    choose(page, ".zs-rules > li:nth-child(1) .zs-rule-head select", "night")
    event = "dispatchEvent(new Event('input', {bubbles: true}))"
    page.js(f"document.querySelector('.zs-rules select').{event}")
    click(page, ".zs-rules-part button", "Save rules")
    wanted = [{**before[0], "profile": "night"}, *before[1:]]
    wait_for(lambda: wanted == api.profiles["rules"], lambda: str(api.profiles["rules"]))
    assert parse_rules(before, ["precise"], "", "")[0] == rules


def test_who_asks_for_a_job_is_ticked(api, open_panel):
    """One or several in one rule; none at all is asked for, as an empty field is."""
    api.profiles["rules"] = [{"profile": "precise", "source": ["page", "api"]}]
    page = open_panel()
    boxes = page.find(".zs-rules [data-field=source] input")
    assert [True, True, False] == [box.is_selected() for box in boxes]
    group = page.find(".zs-rules [data-field=source]")[0]
    assert "Asked for by" == group.accessible_name
    boxes[2].click()
    boxes[0].click()
    click(page, ".zs-rules-part button", "Save rules")
    wait_for(lambda: ["api", "script"] == api.profiles["rules"][0]["source"], "two of them")
    wait_for(lambda: not page.find(".zs-rules-part button.zs-primary")[0].is_enabled(), "saved")
    for box in page.find(".zs-rules [data-field=source] input:checked"):
        box.click()
    click(page, ".zs-rules-part button", "Save rules")
    wait_for(lambda: "Fill this in" in text(page, ".zs-rules .zs-field"), "word at the field")
    page.find(".zs-rules [data-field=source] input")[0].click()
    assert "" == text(page, ".zs-rules .zs-field .zs-error")
    click(page, ".zs-rules-part button", "Save rules")
    wait_for(lambda: "page" == api.profiles["rules"][0]["source"], lambda: str(api.profiles["rules"]))


def test_a_problem_of_a_rule_names_it_and_its_field_as_the_user_sees_them(api, open_panel):
    """One that is left out is not in the editor, and has its place in the file; others have the editor's."""
    written = [
        {"profile": "precise", "steps_min": -1, "source": "me"},
        {"profile": "precise", "images_min": 4},
        {"profile": "nobody"},
        {"profile": "precise", "images_min": 6},
    ]
    rules, wrong = parse_rules(written, ["precise"], "my.json: zluda_sync.rules", "Mend it.")
    profile = "my.json: zluda_sync.profiles.rules[3].dept"
    api.profiles["rules"] = [rule_to_json(one) for one in rules]
    api.status["problems"] = [{"where": one.where, "text": one.text} for one in wrong]
    api.status["problems"].append({"where": profile, "text": f"{profile} is no field."})
    page = open_panel()
    assert 2 == len(page.find(".zs-rules > li"))
    assert [
        "Rule 1 in my.json, steps_min",
        "Rule 1 in my.json, source",
        "Rule 3 in my.json, profile",
        "Rule 2",
        profile,
    ] == texts(page, ".zs-problems code")
    assert "can never match: rule 1 takes every such job" in texts(page, ".zs-problems span")[3]
    page.js("window.opts = {ui_locale: 'zh'}; document.body.append(document.createElement('i'))")
    first = "my.json \u4e2d\u7684\u89c4\u5219 1\uff0csteps_min"
    wait_for(lambda: first in texts(page, ".zs-problems code"), lambda: texts(page, ".zs-problems code"))
    page.js("window.opts = {}; document.body.append(document.createElement('i'))")


def test_rules_that_are_refused_say_that_nothing_was_saved_and_why(api, open_panel):
    """At the field, or at the rule with the field's name; also where the rule has been moved meanwhile."""
    page = open_panel()
    click(page, ".zs-rules-part button", "Add rule")
    wrong = [
        problem
        for rule in ({"profile": "nobody"}, {"profile": "precise", "images_min": 0})
        for problem in parse_rules([rule], ["precise"], "rules", CORRECT, is_new=True)[1]
    ]
    assert ["rules[0].profile", "rules[0].images_min"] == [one.where for one in wrong]
    detail = [{"where": one.where, "text": one.text} for one in wrong]
    api.refusals["PUT", "profiles"] = (422, {"detail": detail})
    page.js(
        "const ask = zludaSync.ask; zludaSync.ask = async (...asked) => { const answer = await ask(...asked);"
        " if (asked[0] === 'PUT') document.querySelector('.zs-rules .zs-down').click(); return answer; };"
    )
    click(page, ".zs-rules-part button", "Save rules")
    moved = ".zs-rules > li:nth-child(2)"
    at_rule = f"Rule 1, Profile is 'nobody', which is no profile; there are precise. {CORRECT}"
    wait_for(lambda: at_rule in texts(page, f"{moved} > fieldset > .zs-error"), lambda: text(page, moved))
    at_field = f"is 0, must be a whole number from 1 to 1000. {CORRECT}"
    assert at_field == text(page, f"{moved} .zs-field .zs-error")
    assert "" == text(page, ".zs-rules > li:nth-child(1) .zs-error")
    assert "left out" not in text(page, ".zs-rules-part")


def test_without_a_rule_the_editor_says_what_jobs_get(api, open_panel):
    """Once the last one is deleted, and no longer once there is one again."""
    page = open_panel()
    (note,) = page.find(".zs-rules-part > .zs-rules + .zs-note")
    assert not note.is_displayed()
    click(page, ".zs-rules .zs-delete")
    assert "Without a rule, every job gets the profile balanced." == note.text
    click(page, ".zs-rules-part button", "Save rules")
    wait_for(lambda: [] == api.profiles["rules"], "saved")
    assert note.is_displayed()
    click(page, ".zs-rules-part button", "Add rule")
    assert not note.is_displayed()


def test_a_server_that_is_gone_is_told_at_once(api, open_panel):
    """The stream breaks off; nobody waits for a heartbeat that was missed."""
    page = open_panel()
    wait_for(lambda: page.js("return zludaSync.liveKind()") == "events", "stream")
    api.refusals["GET", "status"] = (503, {"detail": "gone"})
    page.js("zludaSync.SILENCE_LIMIT_MS = 1e9")
    api.is_closed = True
    wait_for(lambda: text(page, ".zs-label-now") == "SD.Next does not answer", "word")


def test_a_job_of_a_server_that_is_gone_is_told_no_more(api, open_panel):
    """Neither its bar, times, steps and buttons, nor that it runs; all of it is back with the server."""
    api.has_events = False
    api.status = canned_answers.build_status(canned_answers.build_running(8))
    api.jobs.insert(0, canned_answers.build_job("12", "running"))
    page = open_panel()
    wait_for(lambda: "8/20" in text(page, ".zs-label-now"), "job")
    wait_for(lambda: texts(page, ".zs-history tbody tr:first-child td")[1:2] == ["Running"], "row")
    shown = ".zs-now :is(.zs-bar, .zs-eta, .zs-wide-small > *, .zs-controls, .zs-facts dd)"
    told = "return [...document.querySelectorAll(arguments[0])].filter((one) => one.checkVisibility() &&"
    told += " (one.textContent || one.matches('.zs-bar'))).map((one) => one.textContent)"
    assert 8 < len(page.js(told, shown))
    api.refusals["GET", "status"] = (503, {"detail": "gone"})
    wait_for(lambda: text(page, ".zs-label-now") == "SD.Next does not answer", "word")
    assert ["balanced: chosen in Settings", "AMD Radeon RX 7900 XTX [ZLUDA], zluda"] == page.js(told, shown)
    unheard = "Running when last heard of"
    assert [unheard] == texts(page, ".zs-history tbody tr:first-child td")[1:2]
    assert text(page, ".zs-job-body > .zs-note").startswith(unheard)
    del api.refusals["GET", "status"]
    wait_for(lambda: "8/20" in text(page, ".zs-label-now"), "job again")
    assert 8 < len(page.js(told, shown))
    wait_for(lambda: texts(page, ".zs-history tbody tr:first-child td")[1:2] == ["Running"], "row again")
    page.driver.get_log("browser")


@pytest.mark.parametrize("has_events", [True, False], ids=["events", "polling"])
def test_an_extension_that_is_not_loaded_any_more_says_what_to_do(api, open_panel, has_events):
    """SD.Next answers, and knows none of its routes: it was disabled while this page stayed open."""
    api.has_events = has_events
    page = open_panel()
    wait_for(lambda: page.js("return zludaSync.liveKind()") in ("events", "polling"), "connection")
    api.refusals["GET", "status"] = (404, {"detail": "Not Found"})
    api.has_events = False
    gone = "ZLUDA Sync is not loaded any more"
    wait_for(lambda: text(page, ".zs-label-now") == gone, lambda: text(page, ".zs-label-now"))
    assert text(page, ".zs-now > .zs-note").startswith("Reload this page: ")
    api.refusals["GET", "status"] = (503, {"detail": "gone"})
    wait_for(lambda: text(page, ".zs-label-now") == "SD.Next does not answer", "word")
    assert "" == text(page, ".zs-now > .zs-note")
    del api.refusals["GET", "status"]
    wait_for(lambda: text(page, ".zs-label-now") == "Idle", "back")
    page.driver.get_log("browser")


def test_rules_are_put_in_order_and_saved(api, open_panel):
    """Add, move, ask for a condition, delete and save; a refusal stands at its rule, and nothing is lost."""
    page = open_panel()
    click(page, ".zs-rules-part button", "Add rule")
    assert 2 == len(page.find(".zs-rules > li"))
    choose(page, ".zs-rules > li:nth-child(2) fieldset > select", "model")
    page.driver.switch_to.active_element.send_keys("sdxl*, flux*")
    click(page, ".zs-rules > li:nth-child(2) .zs-up")
    assert ["Rule 1", "Rule 2"] == texts(page, ".zs-rules legend")
    detail = [{"where": "config.json: zluda_sync.rules[1].images_min", "text": "can never match."}]
    api.refusals["PUT", "profiles"] = (422, {"detail": detail})
    click(page, ".zs-rules-part button", "Save rules")
    wait_for(lambda: "can never match." in text(page, ".zs-rules > li:nth-child(2)"), "refusal")
    assert "sdxl*, flux*" == page.find(".zs-rules [data-field=model]")[0].get_property("value")
    api.refusals.clear()
    click(page, ".zs-rules-part button", "Save rules")
    wanted = [
        {"profile": "precise", "model": ["sdxl*", "flux*"]},
        {"profile": "throughput", "images_min": 4},
    ]
    wait_for(lambda: api.profiles["rules"] == wanted, lambda: str(api.profiles["rules"]))
    wait_for(lambda: not page.find(".zs-rules-part button.zs-primary")[0].is_enabled(), "saved")
    click(page, ".zs-rules > li:nth-child(1) .zs-delete")
    click(page, ".zs-rules-part button", "Discard changes")
    assert 2 == len(page.find(".zs-rules > li"))
    page.driver.get_log("browser")


def test_hostile_strings_are_text(api, open_panel):
    """Names, titles and reasons from outside never become elements, wherever they stand."""
    running = {**canned_answers.build_running(), "label": HOSTILE, "notice": HOSTILE, "mode": HOSTILE}
    api.status = canned_answers.build_status(running)
    api.status["problems"] = [{"where": HOSTILE, "text": HOSTILE}]
    api.status["profile"]["name"] = HOSTILE
    api.jobs[0].update(title=HOSTILE, model=HOSTILE, profile_reason=HOSTILE, source=HOSTILE, notice=HOSTILE)
    api.jobs[0]["parts"][0]["phase"] = HOSTILE
    api.self_test["report"]["rungs"][0].update(name=HOSTILE, reason=HOSTILE)
    api.profiles["profiles"].append(canned_answers.own_profile(HOSTILE, {"mode": HOSTILE}))
    api.profiles["fields"][0]["label"] = HOSTILE
    page = open_panel()
    wait_for(lambda: HOSTILE in text(page, ".zs-job-title"), "title")
    click(page, ".zs-profiles button", "New profile")
    places = (".zs-label-now", ".zs-problems", ".zs-history tbody", ".zs-selftest tbody", ".zs-form")
    assert [] == [css for css in (*places, ".zs-profile-list") if HOSTILE not in text(page, css)]
    assert [] == page.find("#zluda-sync-panel :is(img, script, iframe)")
    assert page.js("return window.broken") is None


@pytest.mark.parametrize(
    ("style", "tone"),
    [
        ("background: #fff", "light"),
        ("background: #f4f4f5; --background-fill-primary: #fff", "light"),
        ("background: #0b0f19; --background-fill-primary: #1f2937", "dark"),
        ("background: #101010; --background-fill-primary: #404040", "dark"),
        ("background: #222; --sd-panel-background-color: rgba(64, 64, 64, 0.5)", "dark"),
        ("background: #806a50; --background-fill-primary: #8a7560", "light"),
        ("background: #6a2050; --background-fill-primary: #7a3a70", "dark"),
    ],
    ids=["white", "gradio light", "gradio dark", "black-teal", "modern", "beige", "barbie"],
)
def test_every_text_can_be_read(api, open_panel, style, tone):
    """Contrast of 4.5 and more for each text, on light, dark and medium themes."""
    api.style = style
    api.status["problems"] = [{"where": "config.json", "text": "is wrong."}]
    page = open_panel()
    wait_for(lambda: page.find(".zs-figure-times .zs-step"), "plots")
    click(page, ".zs-profiles button", "New profile")
    click(page, ".zs-form button", "Save profile")
    assert [] == poor_contrasts(page)
    assert tone == page.find(".zs")[0].get_attribute("data-tone")


def test_it_polls_where_events_do_not_get_through(api, open_panel):
    """A proxy that forbids streams costs nothing but a second of delay."""
    api.has_events = False
    page = open_panel()
    wait_for(lambda: page.js("return zludaSync.liveKind()") == "polling", "fallback")
    api.status = canned_answers.build_status(canned_answers.build_running(9))
    wait_for(lambda: "Denoise 9/20" in text(page, ".zs-label-now"), "label")


def test_one_connection_and_only_while_somebody_looks(api, open_panel):
    """A panel that is not seen asks for nothing; seen again, it goes on."""
    page = open_panel()
    wait_for(lambda: page.js("return zludaSync.liveKind()") == "events", "events")
    assert (1, 1) == (api.count("GET", "events"), api.count("GET", "status"))
    page.js("document.getElementById('zluda-sync-panel').style.display = 'none'")
    wait_for(lambda: page.js("return zludaSync.liveKind()") == "none", "end of the connection")
    api.status = canned_answers.build_status(canned_answers.build_running(9))
    page.js("document.getElementById('zluda-sync-panel').style.display = ''")
    wait_for(lambda: "Denoise 9/20" in text(page, ".zs-label-now"), "label")
    assert 2 == api.count("GET", "events")


def test_a_new_root_gets_the_panel_with_what_was_typed(open_panel):
    """Hosts make their page's parts anew; the panel moves, and a half-filled form with it."""
    page = open_panel()
    click(page, ".zs-profiles button", "New profile")
    type_into(page, ".zs-form [data-field=name]", "half")
    page.js(
        "document.getElementById('zluda-sync-panel').remove();"
        "const root = document.createElement('div'); root.id = 'zluda-sync-panel';"
        "document.body.append(root);"
    )
    wait_for(lambda: page.find("#zluda-sync-panel .zs-form"), "panel")
    assert "half" == page.find(".zs-form [data-field=name]")[0].get_property("value")


@pytest.mark.parametrize("loading", ["", "async"], ids=["at once", "in any order"])
def test_the_scripts_may_come_in_any_order(api, open_panel, loading):
    """Also long after the page is complete, one by one: that is how some hosts bring them."""
    api.loading = loading
    if loading:
        api.late_script_s = 1.5
    page = open_panel()
    assert "Idle" == text(page, ".zs-label-now")


def test_it_works_below_a_subpath(browser):
    """Every address is below the path that the script came from."""
    with serve_canned("/some/where") as api:
        browser.driver.get(api.address)
        wait_for(lambda: browser.find(".zs-row-button") and browser.find(".zs-selftest tbody tr"), "panel")
        assert {"status", "jobs", "selftest", "profiles", "events"} <= {
            path for _method, path, _body in api.asked
        }
        assert f"{api.address}zluda_sync/v1/jobs/11/trace?format=json" == wait_for(
            lambda: browser.find(".zs-exports a"), "link"
        )[0].get_attribute("href")


@pytest.mark.parametrize("chosen", ["zh: Chinese", "zh"])
def test_it_speaks_the_hosts_language(api, open_panel, chosen):
    """With SD.Next's locale set to Chinese the panel is Chinese; no key of a text shows through."""
    api.head = f"<script>window.opts = {{ui_locale: {chosen!r}}};</script>"
    page = open_panel()
    assert "空闲" == text(page, ".zs-label-now")
    assert "zh" == page.find(".zs")[0].get_attribute("lang")
    job = canned_answers.build_running()
    assert "图像 2/3" in page.js("return zludaSync.labelOf(arguments[0])", job)  # the second of three
    page.js("window.opts.ui_locale = 'Auto'")
    api.status = {**api.status, "explanation": "anew"}
    wait_for(lambda: text(page, ".zs-label-now") == "Idle", "English")


def test_every_control_has_a_name_and_shows_its_focus(open_panel):
    """Each button, link, input and table that scrolls is named, reachable by Tab, and framed when it is."""
    page = open_panel()
    click(page, ".zs-profiles button", "New profile")
    unnamed = [
        one.get_attribute("outerHTML")[:80]
        for one in page.find(".zs :is(button, a, select, input, summary, [role])")
        if one.is_displayed() and not one.accessible_name
    ]
    assert [] == [html for html in unnamed if "aria-live" not in html and 'role="alert"' not in html]
    page.find(".zs-row-button")[0].send_keys(KEY["tab"])
    focused = page.driver.switch_to.active_element
    assert "solid" == focused.value_of_css_property("outline-style")


def test_a_narrow_page_does_not_scroll_sideways(open_panel):
    """On a phone's width the panel stays within the page; only tables scroll, within themselves."""
    page = open_panel()
    page.driver.set_window_size(500, 900)
    page.js("document.body.style.width = '360px'")
    wait_for(lambda: page.find(".zs-figure-times .zs-step"), "plots")
    too_wide = (
        "return [...document.querySelectorAll('.zs-card')].filter((card) =>"
        " card.scrollWidth > card.clientWidth + 1 || card.getBoundingClientRect().right > 372)"
        ".map((card) => card.className)"
    )
    wait_for(lambda: page.js(too_wide) == [], lambda: str(page.js(too_wide)))


def test_extras_only_where_they_are_switched_on(api, open_panel):
    """The tab's icon shows the progress and is given back; a finished job is told while nobody looks."""
    api.head = (
        "<script>window.notes = []; window.Notification = class { constructor(title, more) {"
        " window.notes.push([title, more.body]); } static permission = 'default';"
        " static async requestPermission() { Notification.permission = 'granted'; } };</script>"
    )
    page = open_panel()
    icon = "return document.querySelector('link[rel~=icon]')?.href"
    own_icon = page.js(icon)
    assert not [one for one in page.find(".zs-extras button") if one.is_displayed()]
    api.status = canned_answers.build_status(canned_answers.build_running())
    api.status["page"] = {"favicon": True, "notification": True}
    wait_for(lambda: page.js(icon).startswith("data:image/png"), "icon")
    click(page, ".zs-extras button", "Allow notifications")
    wait_for(lambda: page.js("return Notification.permission") == "granted", "permission")
    page.js("document.hasFocus = () => false")
    page.js("document.getElementById('zluda-sync-panel').style.display = 'none'")
    api.status = {**canned_answers.build_status(), "page": api.status["page"]}
    wait_for(lambda: page.js("return window.notes.length"), "notification")
    notes = [list(map(plain, one)) for one in page.js("return window.notes")]
    assert [["SD.Next has finished", "after 4.2 s"]] == notes
    assert own_icon == page.js(icon)


def test_what_is_new_opens_by_itself_after_an_update_only(api, open_panel):
    """Not for who has just installed it, and not twice."""
    page = open_panel()
    is_open = "return document.querySelector('.zs-news details').open"
    wait_for(lambda: "what is new" in text(page, ".zs-news summary"), "news")
    assert "ZLUDA Sync 0.2.0: what is new" == text(page, ".zs-news summary")
    assert not page.js(is_open)
    page.js("localStorage.setItem('zluda_sync_version', '0.1.0')")
    page = open_panel()
    wait_for(lambda: page.js(is_open), "open after an update")
    assert ["A wide bar above the pictures."] == texts(page, ".zs-news li")
    page = open_panel()
    wait_for(lambda: "what is new" in text(page, ".zs-news summary"), "news")
    assert not page.js(is_open)
