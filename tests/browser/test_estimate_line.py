"""The line beside Generate: on the embedded host's page, and over canned answers on a page like SD.Next's."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from bench.host.tiny_model import make_tiny_model
from tests.browser import canned_answers
from tests.browser.canned_api import CannedApi, serve_canned
from tests.browser.chromium import open_page, wait_for
from tests.browser.embedded import button_text, generate, open_host, open_tab, set_number
from tests.browser.panel import plain, text
from zluda_sync.core.learning.estimate import (
    DETAILER,
    MAY_COMPILE,
    MUST_LOAD,
    SCRIPT,
    UNKNOWN_MODEL,
    UNLIKE_ANY,
)

pytestmark = pytest.mark.browser

#: A page with what the line reads: ids of SD.Next's, in the two layouts that it has.
STANDARD = """
<div style="display: flex; flex-wrap: wrap; gap: 4px; max-width: 260px" id="txt2img_actions_column">
  <div id="txt2img_generate_box"><button id="txt2img_generate">Generate</button></div>
  <div id="txt2img_generate_line2"><button>Stop</button></div>
</div>
<div id="txt2img_steps"><input type="number" value="20"></div>
<div id="txt2img_width"><input type="number" value="512"></div>
<div id="txt2img_height"><input type="number" value="768"></div>
<div id="txt2img_sampling"><input value="Euler &amp; a&lt;b&gt;"></div>
<div id="txt2img_enable_hr"><input type="checkbox"></div>
<div id="txt2img_scale"><input type="number" value="1.5"></div>
"""
MODERN = """
<div id="sdnext_app"><div class="flexbox row" style="display: flex" id="control_results_header_panel">
  <div id="control_generate_group" style="flex: 1"><button id="control_generate">Generate</button></div>
</div></div>
<div id="control_steps"><input type="number" value="20"></div>
<div id="control_before_resize_width"><input type="number" value="512"></div>
"""
#: Below Generate on SD.Next's Standard page, by the width of the window, and how high the line is there.
COLUMNS_PX = {"1280": (249, 30), "1024": (204, 60), "360 to 768": (160, 60)}
CUT = """
return [...document.querySelectorAll('.zs-estimate > *')].filter((one) => (
  one.scrollWidth > one.clientWidth || one.scrollHeight > one.clientHeight + 1
    || one.getBoundingClientRect().bottom
    > one.parentElement.getBoundingClientRect().bottom + 1
)).map((one) => one.textContent);
"""
#: A tab that begins with a picture; two ids that it has twice, the second of each is hires'.
FROM_PICTURE = """
<div id="img2img_generate_box"><button id="img2img_generate">Generate</button></div>
<div id="mode_img2img">
  <div class="tab-nav"><button class="selected">Image</button><button>Inpaint</button></div>
</div>
<div id="img2img_resize_mode"><input value="Fixed"></div>
<div id="img2img_scale_tabs">
  <div class="tab-nav"><button>Fixed</button><button class="selected">Scale</button></div>
</div>
<div id="img2img_width"><input type="number" value="512"></div>
<div id="img2img_height"><input type="number" value="512"></div>
<div id="img2img_scale"><input type="number" value="1.5"></div>
<div id="img2img_cfg_scale"><input type="number" value="6"></div>
<div id="img2img_hidiffusion"><input type="checkbox" checked></div>
<div id="img2img_denoising_strength"><input type="number" value="0.4"></div>
<div id="img2img_enable_hr"><input type="checkbox"></div>
<div id="img2img_denoising_strength"><input type="number" value="0.2"></div>
<div id="img2img_resize_mode"><input value="Crop"></div>
<script>window.currentImageResolutionimg2img = (a, b, scale) => [400, 300, scale];</script>
"""
FROM_CANVAS = """
<div id="control_generate_group"><button id="control_generate">Generate</button></div>
<div id="control_before_resize_mode"><input value="Fixed"></div>
<div id="control_before_resize_name"><input value="None"></div>
<div id="control_before_resize_width"><input type="number" value="1024"></div>
<div id="control_before_resize_height"><input type="number" value="1024"></div>
<div id="control_input_denoising_strength"><input type="number" value="0.3"></div>
<script>
window.pictures = 0;
window.kanvas = {imageGroup: {hasChildren: () => window.pictures > 0}};
window.currentImageResolutioncontrol = (a, b, scale) => [640, 448, scale];
</script>
"""
SET = """
const box = document.querySelector(`#${arguments[0]} input`);
if (box.type === 'checkbox') box.checked = arguments[1]; else box.value = arguments[1];
"""
PLACE = """
const {x, y} = document.querySelector('[id$=_generate]').getBoundingClientRect();
return [Math.round(x), Math.round(y), document.documentElement.scrollWidth <= innerWidth];
"""


def answer(**changes: Any) -> dict[str, Any]:
    """An estimate as the server tells it."""
    told = {
        "is_acting": True, "seconds": 130.0, "low_s": 110.0, "high_s": 160.0, "knowledge": "exact",
        "text": "about 2 min 10 s (1:50 to 2:40)", "unknown": [], "starts_in_s": 0.0, "starts_low_s": 0.0,
        "starts_high_s": 0.0, "starts_text": "", "queue": [],
    }  # fmt: skip
    return {**told, **changes}


RUNNING = {
    "is_running": True, "is_yours": False, "basis": "progress", "starts_in_s": 0.0, "ends_in_s": 240.0,
    "ends_low_s": 230.0, "ends_high_s": 250.0,
}  # fmt: skip


class EstimatingApi(CannedApi):
    """Answers estimates, and keeps what was asked.

    Attributes:
        told: the answer.
        queries: of each question.
    """

    def __init__(self, prefix: str = "") -> None:
        super().__init__(prefix)
        self.told = answer()
        self.queries: list[dict[str, str]] = []
        self.controls = STANDARD

    def page(self) -> str:
        # Above the panel, which grows while it loads.
        panel = '<div id="zluda-sync-panel">'
        return super().page().replace(panel, self.controls + panel)

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: Any) -> tuple[int, Any]:
        if path == "estimate":
            self.asked.append((method, path, body))
            if method == "GET":
                self.queries.append({name: values[-1] for name, values in query.items()})
            return 200, self.told
        return super().answer(method, path, query, body)


@pytest.fixture
def api(monkeypatch) -> Iterator[EstimatingApi]:
    monkeypatch.setattr("tests.browser.canned_api.CannedApi", EstimatingApi)
    with serve_canned() as made:
        yield made


@pytest.fixture
def opened(api: EstimatingApi, tmp_path) -> Iterator[SimpleNamespace]:
    with open_page(api.address, tmp_path) as page:
        yield page


def line(page: SimpleNamespace) -> str:
    """What stands there."""
    said = "return [...document.querySelectorAll('.zs-estimate > *')].map((e) => e.textContent)"
    return " · ".join(filter(None, map(plain, page.js(said))))


def test_it_says_how_long_it_takes_and_moves_with_the_settings(api, opened):
    """Asked with what stands on the page, again only when that changes, and shown as text."""
    wait_for(lambda: line(opened) == "about 2 min 10 s (1:50 to 2:40)", lambda: line(opened))
    expected = {
        "steps": "20", "width": "512", "height": "768", "sampler_name": "Euler & a<b>", "enable_hr": "false",
    }  # fmt: skip
    assert expected == api.queries[0]
    wait_for(lambda: 2 == len(api.queries), "the second look, for what SD.Next changes a moment later")
    api.told = answer(seconds=42.0, low_s=38.0, high_s=47.0, unknown=["<b>not</b> known"])
    opened.js(SET, "txt2img_steps", "40")
    opened.js(SET, "txt2img_enable_hr", True)
    wait_for(lambda: line(opened) == "about 42 s (38 to 47 s) · <b>not</b> known", lambda: line(opened))
    assert ("40", "true", "1.5") == tuple(api.queries[-1][key] for key in ("steps", "enable_hr", "hr_scale"))
    assert [] == opened.find(".zs-estimate b")


def pick(query, *names):
    """What was asked by these names, None for what was not."""
    return tuple(query.get(name) for name in names)


def test_a_picture_that_it_begins_with_is_told(api, tmp_path):
    """Its size as it will be resized, mask, strength and guidance; hires' strength is another one."""
    api.controls = FROM_PICTURE
    with open_page(api.address, tmp_path) as page:
        wait_for(lambda: api.queries, "question")
        names = ("width", "height", "has_input", "has_mask", "denoising_strength", "cfg_scale", "hidiffusion")
        assert ("600", "450", "true", None, "0.4", "6", "true") == pick(api.queries[-1], *names)
        page.js(SET, "img2img_resize_mode", "None")
        wait_for(lambda: pick(api.queries[-1], "width", "height") == ("400", "300"), "the picture's own size")
        page.js(SET, "img2img_resize_mode", "Fixed")
        page.js("document.querySelectorAll('#img2img_scale_tabs button')"
                ".forEach((button) => button.classList.toggle('selected'))")  # fmt: skip
        page.js("document.querySelectorAll('#mode_img2img button')"
                ".forEach((button) => button.classList.toggle('selected'))")  # fmt: skip
        page.js(SET, "img2img_enable_hr", True)
        wait_for(lambda: api.queries[-1].get("enable_hr") == "true", "hires")
        names = ("width", "height", "has_mask", "denoising_strength", "hr_denoising_strength")
        assert ("512", "512", "true", "0.4", "0.2") == pick(api.queries[-1], *names)
        assert ("2",) == pick(api.queries[-1], "hr_resize_mode")


def test_a_canvas_without_a_picture_is_no_input(api, tmp_path):
    """It has a size all the same; with a picture that size counts, not what the sliders say."""
    api.controls = FROM_CANVAS
    names = ("width", "has_input", "denoising_strength")
    with open_page(api.address, tmp_path) as page:
        wait_for(lambda: api.queries, "question")
        assert ("1024", None, None) == pick(api.queries[-1], *names)
        page.js("window.pictures = 1")
        wait_for(lambda: ("640", "true", "0.3") == pick(api.queries[-1], *names), lambda: api.queries[-1])


def test_it_asks_nothing_while_nothing_changes(api, opened):
    """Two looks after the page is there, then none; counted over the looks of another one that is told."""
    wait_for(lambda: 2 == len(api.queries), "looks")
    opened.js("window.looks = 0; setInterval(() => { window.looks += 1; }, 500);")
    wait_for(lambda: 4 <= opened.js("return window.looks"), "two seconds of the page's clock")
    assert 2 == len(api.queries)


def test_while_something_runs_it_says_when_yours_starts(api, opened):
    """And counts down; behind your own that runs, only where more is to come: else its time left says it."""
    api.told = answer(starts_in_s=240.0, queue=[RUNNING])
    opened.js(SET, "txt2img_steps", "21")
    wait_for(lambda: "yours starts in about 4 min" in line(opened), lambda: line(opened))
    own = {**RUNNING, "is_yours": True}
    api.told = answer(starts_in_s=240.0, queue=[own, {**RUNNING, "is_running": False}])
    wait_for(lambda: "a new job would start in about 4 min" in line(opened), lambda: line(opened))
    api.told = answer(starts_in_s=240.0, queue=[own])
    wait_for(lambda: "start" not in line(opened), lambda: line(opened))
    api.told = answer(starts_in_s=None, queue=[RUNNING])
    wait_for(lambda: "something else comes first" in line(opened), lambda: line(opened))


def test_a_job_of_another_program_that_begins_is_told_of_at_once(api, opened):
    """Nobody has touched the page: yours starts after it."""
    wait_for(lambda: 2 == len(api.queries), "looks")
    api.told = answer(starts_in_s=240.0, queue=[RUNNING])
    api.status = canned_answers.build_status(canned_answers.build_running())
    wait_for(lambda: "yours starts in about 4 min" in line(opened), lambda: line(opened))


def test_what_a_job_has_taught_is_asked_for_when_it_is_over(api, opened):
    """The first one of a model, above all; nothing else on the page has changed by then."""
    wait_for(lambda: 2 == len(api.queries), "looks")
    api.status = canned_answers.build_status(canned_answers.build_running())
    wait_for(lambda: "Denoise" in text(opened, ".zs-label-now"), "job")
    wait_for(lambda: 3 == len(api.queries), "look at what begins")
    api.told = answer(seconds=44.0, low_s=40.0, high_s=48.0)
    assert "44" not in line(opened)
    api.status = canned_answers.build_status()
    wait_for(lambda: line(opened).startswith("about 44 s"), lambda: line(opened))


def test_a_press_tells_the_settings_of_its_task(api, opened):
    """Once SD.Next has given it an id, and with what stood there at that moment."""
    wait_for(lambda: line(opened), "line")
    opened.js(
        "document.getElementById('txt2img_generate').addEventListener('click', () => {"
        "localStorage.setItem('task', 'task(abc)');"
        "document.querySelector('#txt2img_steps input').value = 9; });"
        "document.getElementById('txt2img_generate').click();"
    )
    wait_for(lambda: [body for _, path, body in api.asked if path == "estimate" and body], "what is told")
    (body,) = [body for _, path, body in api.asked if path == "estimate" and body]
    assert ("task(abc)", 20, "Euler & a<b>") == (body["task"], body["steps"], body["sampler_name"])
    wait_for(lambda: "task(abc)" == api.queries[-1].get("task"), "own task")


@pytest.mark.parametrize("off", ["zluda_sync_estimate", "zluda_sync_enabled", ""])
def test_it_is_gone_when_it_is_switched_off_or_nothing_is_followed(api, opened, off):
    """And nothing is asked any more."""
    wait_for(lambda: line(opened), "line")
    if off:
        opened.js("window.opts = {[arguments[0]]: false}", off)
    else:
        api.told = answer(is_acting=False)
        opened.js(SET, "txt2img_steps", "40")
    wait_for(lambda: [] == opened.find(".zs-estimate"), "end of the line")
    asked = len(api.queries)
    opened.js(SET, "txt2img_steps", "50")
    opened.js("window.looks = 0; setInterval(() => { window.looks += 1; }, 500);")
    wait_for(lambda: 3 <= opened.js("return window.looks"), "a second of the page's clock")
    assert asked == len(api.queries)


@pytest.mark.parametrize("controls", [STANDARD, MODERN], ids=["standard", "modern"])
def test_generate_stays_where_it_is(api, tmp_path, controls):
    """At 400 to 2560 px, whatever is said; and the page grows no wider."""
    api.controls = controls
    api.told = answer(seconds=None, unknown=["a" * 40 + " " + "long sentence " * 20])
    with open_page(api.address, tmp_path) as page:
        page.js("window.opts = {zluda_sync_estimate: false}")
        wait_for(lambda: [] == page.find(".zs-estimate"), "no line")
        for width_px in (400, 900, 2560):
            page.driver.set_window_size(width_px, 800)
            page.js("window.opts.zluda_sync_estimate = false")
            wait_for(lambda: [] == page.find(".zs-estimate"), "no line")
            before = page.js(PLACE)
            page.js("window.opts.zluda_sync_estimate = true")
            wait_for(lambda: "long sentence" in line(page), "line")
            assert (before, True) == (page.js(PLACE), before[2])


@pytest.mark.parametrize("window", COLUMNS_PX)
@pytest.mark.parametrize("locale", ["en: English", "de: Deutsch", "zh: 中文"])
def test_what_it_says_is_whole_and_always_as_high(api, opened, locale, window):
    """The first that a new user sees of it, and all else; what stands alone may take all of its lines."""
    width_px, height_px = COLUMNS_PX[window]
    opened.js("window.opts = {ui_locale: arguments[0]}", locale)
    opened.js("document.getElementById('txt2img_actions_column').style.width = `${arguments[0]}px`", width_px)
    unknown = [UNKNOWN_MODEL, MAY_COMPILE, UNLIKE_ANY, MUST_LOAD, DETAILER, SCRIPT]
    long = "a text that takes both lines of the column below Generate"
    told = [answer(seconds=None, unknown=pair) for pair in zip(unknown[::2], unknown[1::2], strict=True)]
    for steps, one in enumerate([*told, answer(seconds=None, unknown=[long]), answer(unknown=unknown)], 30):
        api.told = one
        opened.js(SET, "txt2img_steps", str(steps))
        first = opened.js("return zludaSync.said(arguments[0])", one["unknown"][0])
        wait_for(lambda first=first: first in line(opened), lambda: line(opened))
        assert [] == opened.js(CUT)
        assert height_px == opened.js("return document.querySelector('.zs-estimate').offsetHeight")


def test_in_chinese_it_is_chinese(api, opened):
    """The page's own words, and the server's."""
    api.told = answer(unknown=[UNKNOWN_MODEL])
    opened.js("window.opts = {ui_locale: 'zh: 中文'}")
    opened.js(SET, "txt2img_steps", "22")
    words = ("约 2 分 10 秒", "1:50 至 2:40", "首个任务后才知道时长")
    wait_for(lambda: all(word in line(opened) for word in words), lambda: line(opened))


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """The page of the embedded host with the extension."""
    folder = tmp_path_factory.mktemp("estimate")
    (folder / "data").mkdir()
    (folder / "data" / "config.json").write_text(json.dumps({"zluda_sync_mode": "run-ahead"}))
    slow = ("--step-ms", "150", "--encode-ms", "300", "--decode-ms", "600")
    with open_host(folder, "--device", "emulated", "--model", make_tiny_model(folder), *slow) as opened:
        yield opened


def seconds(page: SimpleNamespace) -> float:
    """How long it says that it takes; 0 for nothing."""
    found = re.match(r"about (?:(\d+) min ?)?(?:([\d.]+) s)?", line(page))
    return 60 * int(found[1] or 0) + float(found[2] or 0) if found else 0.0


def test_settings_fill_their_frames_and_hints_can_be_read(host):
    """In a wide window: a frame less wide than its row shows what is behind it."""
    host.driver.set_window_size(1700, 1000)
    open_tab(host, "Settings")
    wait_for(lambda: host.find("#setting_zluda_sync_mode"), "settings")
    host.js(
        "document.querySelectorAll('[id^=settings_] .label-wrap:not(.open)').forEach((one) => one.click())"
    )
    seen = "return document.querySelector('#setting_zluda_sync_mode').offsetWidth"
    wait_for(lambda: host.js(seen) > 0, "section")
    blocks = host.js(
        "return [...document.querySelectorAll('[id^=setting_zluda_sync_]')].map((one) => ["
        " one.id, one.offsetWidth - one.parentElement.clientWidth, Math.max(...[...one.children].map("
        "  (child) => child.offsetWidth))])"
    )
    assert len(blocks) > 10
    assert [] == [block for block in blocks if block[1] != 0 or block[2] > 900]
    open_tab(host, "Text")


def test_on_the_embedded_page_it_is_learned_and_follows_the_sliders(host):
    """Unknown before the first picture; then a time, and one of more steps takes longer."""
    wait_for(lambda: "known after the first job" in line(host), lambda: line(host))
    generate(host, 8)
    wait_for(lambda: "%" in button_text(host), "job")
    wait_for(lambda: button_text(host) == "Generate", "end of the job")
    wait_for(lambda: seconds(host) > 0, lambda: line(host))
    first_s = seconds(host)
    set_number(host, "txt2img_steps", 80)
    wait_for(lambda: seconds(host) > 2 * first_s, lambda: line(host))
