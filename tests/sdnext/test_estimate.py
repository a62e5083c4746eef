"""The estimate before the press: over the real SD.Next's API, and on its two pages."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from tests.browser.chromium import open_page, wait_for
from tests.browser.panel import plain
from tests.sdnext.server import ROOT, SdNextServer
from tests.sdnext.test_true_sizes import picture
from zluda_sync.core.learning.estimate import UNKNOWN_MODEL, UNLIKE_ANY

STEP_S, DECODE_S, STEPS = 0.3, 0.8, 8
PATH, JOBS = "/zluda_sync/v1/estimate", "/zluda_sync/v1/jobs"
SETTINGS = "width=256&height=256&sampler_name=Default"
PICTURE = picture(256, 256)
PAGE_LIMIT_S = 180
READ = """
const line = [...document.querySelectorAll('.zs-estimate')].find((one) => one.getClientRects().length);
return line ? [...line.children].map((one) => one.textContent).join(' · ') : '';
"""
SET = """
const box = document.querySelector(`#${arguments[0]} input[type=number]`);
box.value = arguments[1];
box.dispatchEvent(new Event('input', {bubbles: true}));
box.dispatchEvent(new Event('change', {bubbles: true}));
"""


def start(make_server, name: str, theme: str) -> SdNextServer:
    made = make_server(name, step_s=STEP_S, decode_s=DECODE_S)
    made.theme = theme
    made.install(ROOT / "extensions" / "zluda_sync", "zluda_sync")
    made.start()
    made.set_options(zluda_sync_mode="run-ahead", samples_save=False)
    return made


@pytest.fixture(scope="module", params=["standard/black-teal", "Modern/Default"], ids=["standard", "modern"])
def server(make_server, request) -> SdNextServer:
    """SD.Next with the extension and one of its pages, and nothing learned."""
    return start(make_server, f"estimate_{request.param[0]}", request.param)


@pytest.fixture(scope="module")
def page(server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """A browser on its page."""
    with open_page(server.url, tmp_path_factory.mktemp("browser")) as opened:
        opened.driver.set_script_timeout(PAGE_LIMIT_S)  # the host builds its page in one go
        opened.tab = "control" if server.theme.startswith("Modern") else "txt2img"
        opened.size = "control_before_resize" if opened.tab == "control" else opened.tab
        yield opened


def line(page: SimpleNamespace) -> str:
    """What stands beside Generate."""
    return plain(page.js(READ))


def seconds(page: SimpleNamespace) -> float:
    """How long the page says that it takes; 0 for nothing."""
    found = re.match(r"about (?:(\d+) min ?)?(?:([\d.]+) s)?", line(page))
    return 60 * int(found[1] or 0) + float(found[2] or 0) if found else 0.0


@pytest.mark.browser
def test_the_page_says_that_nothing_is_known(page):
    """Before the first picture with the model."""
    wait_for(lambda: UNKNOWN_MODEL in line(page), lambda: line(page), PAGE_LIMIT_S)


def test_the_first_job_teaches_what_the_second_takes(server):
    """Nothing is known before; then the time is within a third of what the job has taken."""
    assert server.get(f"{PATH}?{SETTINGS}&steps={STEPS}")["seconds"] is None
    done = server.run_job(steps=STEPS)
    told = server.get(f"{PATH}?{SETTINGS}&steps={STEPS}")
    assert told["seconds"] == pytest.approx(done.ended_at_s - done.began_at_s, rel=1 / 3)
    assert told["low_s"] < told["seconds"] < told["high_s"]
    assert told["text"].startswith("about ")
    assert 2 * told["seconds"] < server.get(f"{PATH}?{SETTINGS}&steps={STEPS}&n_iter=3")["seconds"]


def test_what_was_made_twice_is_known_exactly(server):
    """As the API makes it by default, with guidance: a tenth off at most."""
    for _ in range(2):
        server.run_job(steps=STEPS)
    told = server.get(f"{PATH}?{SETTINGS}&steps={STEPS}")
    assert ("exact", ()) == (told["knowledge"], tuple(one for one in told["unknown"] if "settings" in one))
    done = server.run_job(steps=STEPS)
    assert told["seconds"] == pytest.approx(done.ended_at_s - done.began_at_s, rel=0.1)
    assert "exact" != server.get(f"{PATH}?{SETTINGS}&steps={STEPS}&cfg_scale=1")["knowledge"]


def test_what_was_made_twice_from_a_picture_is_known_exactly(server):
    """With the strength that it was made with."""
    request = {"init_images": [PICTURE], "denoising_strength": 0.5, "route": "img2img", "steps": STEPS}
    for _ in range(2):
        server.run_job(**request)
    told = server.get(f"{PATH}?{SETTINGS}&steps={STEPS}&has_input=true&denoising_strength=0.5")
    assert "exact" == told["knowledge"]
    done = server.run_job(**request)
    assert told["seconds"] == pytest.approx(done.ended_at_s - done.began_at_s, rel=0.1)


def test_while_a_job_runs_the_next_one_starts_after_it(server):
    """What runs is in the queue, with what it has left."""
    job = threading.Thread(target=server.run_job, kwargs={"steps": 3 * STEPS})
    job.start()
    try:

        def find_running():
            return [one for one in server.get(f"{PATH}?{SETTINGS}")["queue"] if one["ends_in_s"]]

        (running,) = wait_for(find_running, "queue")
        assert running["is_running"]
        assert 0 < running["ends_in_s"] < 4 * STEPS * STEP_S
    finally:
        job.join()
    assert [] == server.get(f"{PATH}?{SETTINGS}")["queue"]


@pytest.mark.browser
def test_what_the_page_has_made_twice_it_knows_exactly(server, page):
    """Its guidance included: without it nothing was made before, and the page says so."""
    sizes = ((f"{page.size}_width", 256), (f"{page.size}_height", 256))
    for name, value in (*sizes, (f"{page.tab}_steps", STEPS), (f"{page.tab}_cfg_scale", 1)):
        is_there = "return Boolean(document.querySelector(`[id='${arguments[0]}'] input[type=number]`))"
        wait_for(lambda name=name: page.js(is_there, name), name, PAGE_LIMIT_S)  # noqa: B023 - used at once
        page.js(SET, name, value)
    wait_for(lambda: UNLIKE_ANY in line(page), lambda: line(page), PAGE_LIMIT_S)
    for _ in range(2):
        make_one(server, page)
    wait_for(lambda: seconds(page) and UNLIKE_ANY not in line(page), lambda: line(page), PAGE_LIMIT_S)
    told_s = seconds(page)
    assert told_s == pytest.approx(make_one(server, page), rel=0.1)
    page.js(SET, f"{page.tab}_cfg_scale", -1)


@pytest.mark.browser
def test_the_page_follows_its_sliders_and_tells_what_it_presses(server, page):
    """More steps take longer; a task of the page that waits is known by its settings."""
    for name, value in ((f"{page.size}_width", 256), (f"{page.size}_height", 256)):
        page.js(SET, name, value)
    for steps in (STEPS, 5 * STEPS):
        page.js(SET, f"{page.tab}_steps", steps)
        told_s = server.get(f"{PATH}?{SETTINGS}&steps={steps}")["seconds"]
        assert told_s > steps * STEP_S
        wait_for(
            lambda told_s=told_s: seconds(page) == pytest.approx(told_s, rel=0.1),
            lambda: line(page),
            PAGE_LIMIT_S,
        )
    job = threading.Thread(target=server.run_job, kwargs={"steps": 5 * STEPS})
    job.start()
    try:
        wait_for(lambda: "yours starts in about" in line(page) or press(page), "queue")
        press(page)

        def find_waiting():
            queue = server.get(f"{PATH}?{SETTINGS}")["queue"]
            return [one for one in queue if not one["is_running"] and one["basis"] == "settings"]

        (waiting,) = wait_for(find_waiting, "what waits")
        assert waiting["ends_in_s"] - waiting["starts_in_s"] == pytest.approx(seconds(page), rel=0.3)
    finally:
        job.join()
    wait_for(lambda: server.get("/sdapi/v1/status")["status"] == "idle", "end of the job", PAGE_LIMIT_S)


def press(page: SimpleNamespace) -> None:
    page.js("document.getElementById(`${arguments[0]}_generate`).click()", page.tab)


def make_one(server: SdNextServer, page: SimpleNamespace) -> float:
    """Make a picture on the page, and return how long it took."""
    before = server.get(JOBS)["jobs"][0]["id"]
    press(page)
    wait_for(lambda: newest_done(server, before), "end of the job", PAGE_LIMIT_S)
    return float(newest_done(server, before)["duration_s"])


def newest_done(server: SdNextServer, before: str) -> dict[str, Any] | None:
    """Return the newest job if it is another one and is over."""
    newest = server.get(JOBS)["jobs"][0]
    return newest if newest["id"] != before and newest["outcome"] == "finished" else None
