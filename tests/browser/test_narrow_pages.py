"""SD.Next's own rows with what we put into them, on a phone and on a tablet: nothing is cut or covered."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from tests.browser import canned_answers
from tests.browser.canned_api import CannedApi, serve_canned
from tests.browser.chromium import wait_for
from tests.browser.layout import set_width

pytestmark = pytest.mark.browser

#: From here on the Modern page's row is one line.
ONE_LINE_PX = 481
ICONS = ("skip", "pause", "interrupt")
#: The row of Generate on SD.Next's Modern page: a label, and icons of one size, which wrap.
MODERN = f"""
<style>
  body {{ margin: 0; }}
  #sdnext_app .row {{ display: flex; flex-wrap: wrap; gap: 5px; align-items: center; min-width: 140px; }}
  #sdnext_app .row > * {{ height: 36px; min-width: 36px; padding: 0; font-size: 14px; }}
  #control_generate {{ display: flex; border: 0; padding: 0 10px; font-size: 0; }}
  #control_generate > span {{ font-size: 14px; white-space: nowrap; }}
</style>
<div id="sdnext_app"><div id="control_results_header_panel">
  <div id="control_generate_group" class="flexbox row generate-icons">
    <div class="sd-button"><button id="control_generate"><span>Generate</span></button></div>
    <div class="icon">again</div><button class="sd-button icon" style="width: 36px">8</button>
    {"".join(f'<div class="portal"><button id="control_{name}">{name[0]}</button></div>' for name in ICONS)}
    <div class="portal">q</div>
  </div>
</div></div>
"""
#: What of the row is cut, covers something, or stands in which line; and whether the time left is whole.
ROW = """
const row = document.getElementById('control_generate_group');
const edge = row.getBoundingClientRect();
const boxes = [...row.children].map((one) => one.getBoundingClientRect());
const isBeside = (a, b) => (
  a.right <= b.left + 0.5 || b.right <= a.left + 0.5 || a.bottom <= b.top + 0.5 || b.bottom <= a.top + 0.5);
const frame = row.querySelector('.sd-button').getBoundingClientRect();
const left = document.querySelector('#control_generate .zs-left').getBoundingClientRect();
return {
  out: boxes.filter((box) => box.left < edge.left - 0.5 || box.right > edge.right + 0.5).length,
  covered: boxes.filter((box, index) => boxes.slice(index + 1).some((other) => !isBeside(box, other))).length,
  small: boxes.filter((box) => box.width < 35.5).length,
  lines: new Set(boxes.map((box) => Math.round(box.top + box.height / 2))).size,
  isLeftWhole: left.width > 0 && left.left >= frame.left - 0.5 && left.right <= frame.right + 0.5,
};
"""


@pytest.fixture
def api(browser: SimpleNamespace) -> Iterator[CannedApi]:
    """A server with a job of several images."""
    with serve_canned() as served:
        served.status = canned_answers.build_status(canned_answers.build_running())
        yield served
        browser.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        browser.driver.get("about:blank")


@pytest.mark.parametrize("width_px", [360, 390, 412, 480, 481, 540, 600, 768])
def test_nothing_of_the_modern_pages_row_is_cut(api, browser, width_px):
    """On a phone it wraps, as that page's own does; elsewhere Stop stays, and the label gives way."""
    api.body = MODERN
    browser.driver.get(api.address)
    wait_for(lambda: browser.find(".zs-after-image:has(+ .portal)"), "button")
    set_width(browser, width_px)
    words = "Cell 2/12 · Image 2/3: Denoise 7/20 41% 6s"
    browser.js("document.querySelector('#control_generate > span').textContent = arguments[0]", words)
    wait_for(lambda: browser.find("#control_generate .zs-left"), "words")
    wait_for(lambda: browser.js(ROW)["isLeftWhole"], lambda: str(browser.js(ROW)))
    seen = browser.js(ROW)
    assert (0, 0, 0) == (seen["out"], seen["covered"], seen["small"]), seen
    assert (seen["lines"] > 1) is (width_px < ONE_LINE_PX), seen
