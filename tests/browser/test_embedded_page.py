"""The embedded host's page in a real browser, over a server on a free port."""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from tests.browser.chromium import press_first, wait_for
from tests.browser.embedded import button_text, generate, open_host, open_tab, press, set_number

pytestmark = pytest.mark.browser

PERCENT = re.compile(r"\d+%")
EXTENSION_SCRIPT = """
import gradio as gr
from modules import script_callbacks, shared
def add_option():
    shared.opts.add_option('page_probe', shared.OptionInfo(False, 'Page probe', section=('probe', 'Probe')))
add_option()
script_callbacks.on_ui_settings(add_option)
def add_tab():
    with gr.Blocks() as blocks:
        gr.Markdown('text of the probe', elem_id='probe_text')
    return [(blocks, 'Probe', 'probe_tab')]
script_callbacks.on_ui_tabs(add_tab)
"""

#: Of what the probe's style is for, once that is there.
SPACING = """
const info = document.getElementById('txt2img_info');
return info && getComputedStyle(info).letterSpacing;
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """A browser on the page of a host that has one extension; both end with the tests."""
    folder = tmp_path_factory.mktemp("page")
    probe = folder / "extensions" / "probe"
    (probe / "scripts").mkdir(parents=True)
    (probe / "javascript").mkdir()
    (probe / "scripts" / "probe.py").write_text(EXTENSION_SCRIPT)
    (probe / "javascript" / "probe.js").write_text(
        "onUiLoaded(() => { window.probeLoaded = gradioApp() === document; });"
    )
    (probe / "style.css").write_text("#txt2img_info { letter-spacing: 3px; }")
    with open_host(folder, "--device", "cpu", "--extensions-dir", str(folder / "extensions")) as opened:
        yield opened


def test_a_job_shows_percent_preview_and_picture(page: SimpleNamespace) -> None:
    """While a job runs Generate and the title show a percent, and a preview; then the picture is there."""
    generate(page, 60)
    wait_for(lambda: PERCENT.search(button_text(page)) and PERCENT.search(page.driver.title), "percent")
    wait_for(lambda: page.find("#livePreviewImage"), "preview")
    wait_for(lambda: page.find("#txt2img_gallery img"), "picture")
    wait_for(lambda: button_text(page) == "Generate", "end of the job")
    assert page.find("#livePreviewImage") == []
    assert len(list((page.data / "outputs" / "text").glob("*.png"))) == 1
    assert "Interrupted..." not in page.log.read_text()


def test_stop_ends_the_job(page: SimpleNamespace) -> None:
    """Stop, pressed while steps are counted, raises in the step callback, and the page is ready again."""
    set_number(page, "txt2img_width", 512)
    generate(page, 100)
    wait_for(lambda: PERCENT.search(button_text(page)), "percent on the button")
    press(page, "interrupt")
    wait_for(lambda: "Interrupted..." in page.log.read_text(), "end of the job")
    wait_for(lambda: button_text(page) == "Generate", "page")


def test_all_parts_of_an_extension_are_on_the_page(page: SimpleNamespace) -> None:
    """Its JavaScript ran, its style holds, its tab is there, and its option can be switched and is saved."""
    wait_for(lambda: page.js("return window.probeLoaded") is True, "its script")
    wait_for(lambda: page.js(SPACING) == "3px", "its style")
    open_tab(page, "Probe")
    wait_for(lambda: page.find("#probe_text")[0].text == "text of the probe", "tab")
    open_tab(page, "Settings")
    press_first(lambda: page.find("#setting_page_probe input"), "option")
    press_first(lambda: page.find("#settings_submit"), "submit")
    wait_for(
        lambda: "page_probe" in page.js("return document.getElementById('settings_result').textContent"),
        "apply",
    )
    assert '"page_probe": true' in (page.data / "config.json").read_text()


def test_a_disabled_extension_is_gone_after_apply(page: SimpleNamespace) -> None:
    """Apply on the Extensions tab saves, restarts the host, and the page comes back without the extension."""
    open_tab(page, "Extensions")
    press_first(lambda: page.find("#extensions_list input"), "list of extensions")
    press_first(lambda: page.find("#extensions_apply"), "apply")
    wait_for(lambda: page.js("return window.bootCount") == 2, "restart")
    wait_for(lambda: button_text(page) == "Generate", "page")
    assert page.js("return window.probeLoaded") is None
    assert '"probe"' in (page.data / "config.json").read_text()
