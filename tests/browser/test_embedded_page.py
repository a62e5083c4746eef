"""The embedded host's page in a real browser, over a server on a free port."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parents[2]
LIMIT_S = 40
PERCENT = re.compile(r"\d+%")
MISSING = [name for name in ("chromium", "chromedriver") if shutil.which(name) is None]
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1200,1000",
)
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


def wait_for(read: Callable[[], object], what: str) -> object:
    """The first true value of `read`, asked for every 50 ms; fails after `LIMIT_S`."""
    deadline_s = time.monotonic() + LIMIT_S
    while time.monotonic() < deadline_s:
        value = read()
        if value:
            return value
        time.sleep(0.05)
    pytest.fail(f"{what}: not within {LIMIT_S} s")


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """A browser on the page of a host that has one extension; both end with the tests."""
    if MISSING:
        pytest.skip(f"not installed: {', '.join(MISSING)}")
    webdriver = pytest.importorskip("selenium.webdriver")
    folder = tmp_path_factory.mktemp("page")
    probe = folder / "extensions" / "probe"
    (probe / "scripts").mkdir(parents=True)
    (probe / "javascript").mkdir()
    (probe / "scripts" / "probe.py").write_text(EXTENSION_SCRIPT)
    (probe / "javascript" / "probe.js").write_text(
        "onUiLoaded(() => { window.probeLoaded = gradioApp() === document; });"
    )
    (probe / "style.css").write_text("#txt2img_info { letter-spacing: 3px; }")
    command = (
        "import sys; from modules.webui import main; sys.exit(main(sys.argv[1:]))",
        "--port",
        "0",
        "--device",
        "cpu",
        "--data-dir",
        str(folder / "data"),
        "--extensions-dir",
        str(folder / "extensions"),
    )
    log = (folder / "host.log").open("w+")
    host = subprocess.Popen([sys.executable, "-c", *command], cwd=ROOT, stdout=log, stderr=subprocess.STDOUT)
    driver = None
    try:

        def read_address() -> str | None:
            assert host.poll() is None, (folder / "host.log").read_text()
            found = re.search(r"http://127\.0\.0\.1:\d+/", (folder / "host.log").read_text())
            return found and found.group()

        address = wait_for(read_address, "address of the host")
        options = webdriver.ChromeOptions()
        options.binary_location = str(shutil.which("chromium"))
        for flag in (*FLAGS, f"--user-data-dir={folder / 'browser'}"):
            options.add_argument(flag)
        driver = webdriver.Chrome(options, webdriver.ChromeService(str(shutil.which("chromedriver"))))
        driver.get(address)
        yield SimpleNamespace(
            driver=driver,
            data=folder / "data",
            log=folder / "host.log",
            find=lambda css: driver.find_elements("css selector", css),
            js=driver.execute_script,
        )
    finally:
        if driver is not None:
            driver.quit()
        host.send_signal(signal.SIGINT if os.name == "posix" else signal.SIGTERM)
        host.wait(LIMIT_S)
        log.close()


def button_text(page: SimpleNamespace) -> str:
    """What stands on Generate."""
    return page.js("return document.getElementById('txt2img_generate')?.textContent || ''").strip()


def set_number(page: SimpleNamespace, element: str, value: int) -> None:
    """Type a value into a slider's or number's box."""
    box = wait_for(lambda: page.find(f"#{element} input[type=number]"), element)[0]
    page.js(
        "arguments[0].value = arguments[1]; arguments[0].dispatchEvent(new Event('input', {bubbles: true}));"
        "arguments[0].dispatchEvent(new Event('change', {bubbles: true}));",
        box,
        str(value),
    )


def generate(page: SimpleNamespace, steps: int) -> None:
    """Press Generate for so many steps."""
    wait_for(lambda: button_text(page) == "Generate", "Generate")
    set_number(page, "txt2img_steps", steps)
    page.find("#txt2img_generate")[0].click()


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
    page.find("#txt2img_interrupt")[0].click()
    wait_for(lambda: "Interrupted..." in page.log.read_text(), "end of the job")
    wait_for(lambda: button_text(page) == "Generate", "page")


def test_all_parts_of_an_extension_are_on_the_page(page: SimpleNamespace) -> None:
    """Its JavaScript ran, its style holds, its tab is there, and its option can be switched and is saved."""
    assert page.js("return window.probeLoaded") is True
    assert page.js("return getComputedStyle(document.getElementById('txt2img_info')).letterSpacing") == "3px"
    open_tab(page, "Probe")
    wait_for(lambda: page.find("#probe_text")[0].text == "text of the probe", "tab")
    open_tab(page, "Settings")
    wait_for(lambda: page.find("#setting_page_probe input"), "option")[0].click()
    page.find("#settings_submit")[0].click()
    wait_for(
        lambda: "page_probe" in page.js("return document.getElementById('settings_result').textContent"),
        "apply",
    )
    assert '"page_probe": true' in (page.data / "config.json").read_text()


def open_tab(page: SimpleNamespace, name: str) -> None:
    """Press the tab of that name."""
    tabs = wait_for(lambda: [tab for tab in page.find("button[role=tab]") if tab.text == name], f"tab {name}")
    tabs[0].click()


def test_a_disabled_extension_is_gone_after_apply(page: SimpleNamespace) -> None:
    """Apply on the Extensions tab saves, restarts the host, and the page comes back without the extension."""
    open_tab(page, "Extensions")
    wait_for(lambda: page.find("#extensions_list input"), "list of extensions")[0].click()
    page.find("#extensions_apply")[0].click()
    wait_for(lambda: page.js("return window.bootCount") == 2, "restart")
    wait_for(lambda: button_text(page) == "Generate", "page")
    assert page.js("return window.probeLoaded") is None
    assert '"probe"' in (page.data / "config.json").read_text()
