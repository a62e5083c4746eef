"""What our scripts cost SD.Next's page, which has tens of thousands of elements; words in its Settings."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from tests.browser import canned_answers
from tests.browser.canned_api import CannedApi, serve_canned
from tests.browser.chromium import wait_for
from tests.browser.panel import text

pytestmark = pytest.mark.browser

#: Counts, from the beginning, what goes over the whole page and what asks the page for a layout.
COUNTING = """<script>
window.counted = {queries: [], walks: 0, layouts: []};
for (const kind of ['querySelector', 'querySelectorAll']) {
  const own = Document.prototype[kind];
  Document.prototype[kind] = function (css) {
    if (!css.startsWith('#')) counted.queries.push(css);
    return own.call(this, css);
  };
}
const walk = Document.prototype.createTreeWalker;
Document.prototype.createTreeWalker = function (...all) { counted.walks += 1; return walk.apply(this, all); };
for (const [maker, names] of [
  [HTMLElement, ['offsetWidth', 'offsetHeight']],
  [Element, ['clientWidth', 'clientHeight', 'scrollWidth', 'scrollHeight']],
]) {
  for (const name of names) {
    const {get} = Object.getOwnPropertyDescriptor(maker.prototype, name);
    const look = function () { counted.layouts.push(name); return get.call(this); };
    Object.defineProperty(maker.prototype, name, {get: look});
  }
}
for (const name of ['getBoundingClientRect', 'getClientRects']) {
  const own = Element.prototype[name];
  Element.prototype[name] = function () { counted.layouts.push(name); return own.call(this); };
}
</script>"""
OPTIONS = (
    "<script>window.opts = {ui_locale: '%s', sd_vae: '', zluda_sync_mode: '', zluda_sync_bar: true}</script>"
)
MODE, GERMAN = "Mode (when to wait for the GPU)", "Modus (wann auf die GPU gewartet wird)"
BODY = f"""
<button id="txt2img_generate" style="width: 165px; height: 44px">Generate</button>
<button id="txt2img_interrupt">Stop</button>
<div id="txt2img_results" style="width: 600px"><div id="txt2img_gallery">pictures</div></div>
<div id="settings"><div id="setting_zluda_sync_mode"><span>{MODE}</span></div></div>
<div id="setting_sd_vae"><span>{MODE}</span></div>
"""
#: Tell of a job that goes on as it did, so many times; then change the page so many times, and wait for each.
GO_ON = """
const [times, mutations] = arguments;
const status = zludaSync.currentStatus();
zludaSync.tellStatus(status);
window.counted = Object.assign(counted, {queries: [], walks: 0, layouts: []});
for (let number = 0; number < times; number += 1) {
  const fraction = status.job.fraction + number / 1e6;
  zludaSync.tellStatus({...status, job: {...status.job, fraction}});
}
for (let number = 0; number < mutations; number += 1) {
  document.body.append(document.createElement('p'));
  await new Promise((resolve) => setTimeout(resolve, 250));
}
return counted;
"""


@pytest.fixture
def api(browser: SimpleNamespace) -> Iterator[CannedApi]:
    """A server of its own for each test, with a job that runs and a page like SD.Next's."""
    with serve_canned() as served:
        served.status = canned_answers.build_status(canned_answers.build_running())
        told = {"is_acting": True, "queue": [], "seconds": None, "starts_in_s": None, "unknown": []}
        served.refusals["GET", "estimate"] = 200, told
        yield served
        browser.driver.get("about:blank")


def open_in(api: CannedApi, browser: SimpleNamespace, language: str, tab: str = "txt2img") -> SimpleNamespace:
    """Open the page in a language, and wait until all is in its place."""
    api.head, api.body = COUNTING + OPTIONS % language, BODY.replace("txt2img", tab)
    browser.driver.get(api.address)
    wait_for(lambda: browser.find(".zs-controls:not([hidden])"), "panel")
    wait_for(lambda: browser.find(".zs-above .zs-stretch"), "bar")
    browser.js(f"document.getElementById('{tab}_generate').innerText = 'Denoise 7/20 35% 28s'")
    wait_for(lambda: browser.find(f"#{tab}_generate .zs-left"), "words on Generate")
    browser.js("return new Promise((resolve) => setTimeout(resolve, 700))")
    return browser


def counted(page: SimpleNamespace, *how_often: int) -> dict[str, object]:
    """Return what is counted while the job goes on, and the page changes, so often."""
    return dict(page.js(f"return (async function () {{ {GO_ON} }}).apply(null, arguments)", *how_often))


@pytest.mark.parametrize(("language", "tab"), [("en", "txt2img"), ("de", "txt2img"), ("en", "img2img")])
def test_no_change_of_the_page_makes_us_go_over_all_of_it(api, browser, language, tab):
    """Nor through what has been translated, and in English through nothing."""
    page = open_in(api, browser, language, tab)
    seen = counted(page, 5, 4)
    assert ([], 0) == (seen["queries"], seen["walks"])
    assert (language == "de") is (text(page, "#setting_zluda_sync_mode") == GERMAN)


def test_a_status_asks_for_no_layout_where_the_words_are_as_they_were(api, browser):
    """Of a page that others have just changed, each costs much."""
    page = open_in(api, browser, "en")
    assert [] == counted(page, 20, 0)["layouts"]


def test_words_that_change_are_fitted_again_and_so_is_a_button_of_another_width(api, browser):
    """To measure is left out only where it would find the same."""
    page = open_in(api, browser, "en")
    narrow = "return document.getElementById('txt2img_generate').classList.contains('zs-narrow')"
    page.js("document.getElementById('txt2img_generate').style.width = '72px'")
    wait_for(lambda: page.js(narrow), "narrow")
    page.js("document.getElementById('txt2img_generate').style.width = '900px'")
    wait_for(lambda: not page.js(narrow), "wide")


def test_our_settings_are_translated_whenever_they_come(api, browser):
    """Late, anew, twice on one page, or changed in place; those of others are left alone."""
    page = open_in(api, browser, "de")
    shown = "return [...document.querySelectorAll('[id^=setting_]')].map((one) => one.textContent)"
    assert [GERMAN, MODE] == page.js(shown)
    frame = "document.getElementById('settings').innerHTML = "
    setting = f'<div id="setting_zluda_sync_mode"><span>{MODE}</span></div>'
    for html, told in ((setting, [GERMAN]), ("", []), (setting + setting, [GERMAN, GERMAN])):
        page.js(f"{frame}arguments[0]", html)
        wait_for(lambda told=told: [*told, MODE] == page.js(shown), lambda: str(page.js(shown)))
    for change in ("textContent = arguments[0]", "firstChild.nodeValue = arguments[0]"):
        page.js(f"document.querySelector('#setting_zluda_sync_mode span').{change}", MODE)
        wait_for(lambda: [GERMAN, GERMAN, MODE] == page.js(shown), lambda: str(page.js(shown)))
    page.js("opts.ui_locale = 'en'; document.body.append(document.createElement('p'))")
    wait_for(lambda: [MODE] * 3 == page.js(shown), lambda: str(page.js(shown)))
    page.js("opts.ui_locale = 'de'; document.body.append(document.createElement('p'))")
    wait_for(lambda: [GERMAN, GERMAN, MODE] == page.js(shown), lambda: str(page.js(shown)))
