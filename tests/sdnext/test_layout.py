"""The panel on both of SD.Next's pages, at ten widths and in three languages, with that page's own style."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from tests.browser.chromium import wait_for
from tests.browser.layout import WIDTHS_PX, find_bad_ids, find_faults, find_unframed, set_width
from tests.sdnext.page import OPEN_PANEL, PAGE_LIMIT_S, open_main_page, wait_until_idle
from tests.sdnext.server import ROOT

pytestmark = pytest.mark.browser

LANGUAGES = ("en", "zh", "de")
#: The panel looks at the language whenever the page changes.
SPEAK = "window.opts.ui_locale = arguments[0]; document.body.append(document.createElement('i'))"
OPEN = """
document.querySelectorAll('.zs details').forEach((one) => { one.open = true; });
if (document.querySelector('.zs-form')) return;
document.querySelector('.zs-profiles > .zs-buttons button').click();
document.querySelector('.zs-rules-part .zs-buttons button').click();
"""


@pytest.fixture(scope="module", params=["standard/black-teal", "Modern/Default"], ids=["standard", "modern"])
def page(make_server, tmp_path_factory, request: pytest.FixtureRequest) -> Iterator[SimpleNamespace]:
    """A browser on the panel's tab, after a job."""
    made = make_server(f"layout_{request.param.partition('/')[0]}", step_s=0.05, decode_s=0.1)
    made.install(ROOT / "extensions" / "zluda_sync", "zluda_sync")
    made.theme = request.param
    made.start()
    made.set_options(zluda_sync_mode="run-ahead", samples_save=False)
    made.run_job(steps=6)
    wait_until_idle(made)
    with open_main_page(made, tmp_path_factory.mktemp("browser")) as opened:
        wait_for(lambda: opened.js(OPEN_PANEL), "tab", PAGE_LIMIT_S)
        wait_for(lambda: opened.find(".zs-profile-list li"), "profiles", PAGE_LIMIT_S)
        wait_for(lambda: opened.find(".zs-figure-times .zs-step"), "plots", PAGE_LIMIT_S)
        yield opened
    made.stop()


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_clipped_or_hidden_at_any_width(page, language):
    """Every text within its card, controls of a row in one line; ids are our own, and the focus is seen."""
    page.js(SPEAK, language)
    wait_for(lambda: page.find(f".zs[lang={language}] .zs-figure-times .zs-step"), language)
    wait_for(lambda: page.find(".zs-profile-list li"), "profiles")
    page.js(OPEN)
    found: dict[object, list[object]] = {}
    for width_px in WIDTHS_PX:
        set_width(page, width_px)
        found[width_px] = find_faults(page)
    set_width(page, 1280)
    found["focus"], found["ids"] = list(find_unframed(page)), find_bad_ids(page)
    assert {} == {where: faults for where, faults in found.items() if faults}
