"""The pictures of the stand-in's page, and of the panel on it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest

from tests.browser.chromium import press_first, wait_for
from tests.browser.embedded import button_text, generate, open_host, open_tab, press, wait_for_label
from tests.browser.panel import click, text, texts
from tests.pictures import DOCS_IMAGES, PANEL_PX, README_IMAGES, Pictures

pytestmark = pytest.mark.browser

TEXT_TAB = "#tabs > .tabitem:not([style*='none'])"
BUTTONS = "div:has(> div > #txt2img_interrupt)"
#: All but what Generate says at the moment.
FIXED_WORDS = "label > span, button:not(#txt2img_generate)"
PROMPTS = ("a red circle on blue", "a house on grass at sunset")
#: Of a job that is looked at while it runs: a busy machine is slow to look, and pictures show a short one.
STEPS, LOOKED_AT_STEPS = 20, 60


def set_prompt(page: SimpleNamespace, prompt: str) -> None:
    """Type a prompt."""
    page.js(
        "const box = document.querySelector('#txt2img_prompt textarea'); box.value = arguments[0];"
        "box.dispatchEvent(new Event('input', {bubbles: true}));",
        prompt,
    )


def wait_for_step(read: Callable[[], str], least: int) -> None:
    """Wait until a label counts so many steps."""

    def has_come() -> bool:
        found = re.search(r"Denoise (\d+)/", read())
        return found is not None and int(found[1]) >= least

    wait_for(has_come, read)


def wait_until_idle(page: SimpleNamespace) -> None:
    """Wait until Generate can be pressed."""
    wait_for(lambda: button_text(page) == "Generate", lambda: button_text(page))


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory, pictures: Pictures) -> Iterator[SimpleNamespace]:
    """The page of the stand-in; slow enough to be looked at when pictures are taken."""
    slow = ("500", "100", "1500") if pictures.is_taking else ("120", "20", "1500")
    times = [
        word for pair in zip(("--step-ms", "--encode-ms", "--decode-ms"), slow, strict=True) for word in pair
    ]
    with open_host(tmp_path_factory.mktemp("pictures"), "--device", "emulated", *times) as opened:
        opened.driver.set_window_size(1200, 1300)
        wait_until_idle(opened)
        yield opened


def test_a_job_on_the_page(page, pictures):
    """At a third, at its end, and when it is stopped."""
    set_prompt(page, PROMPTS[0])
    generate(page, STEPS if pictures.is_taking else LOOKED_AT_STEPS)
    wait_for_step(lambda: button_text(page), 6)
    pictures.hold(page, DOCS_IMAGES / "job-third.png", TEXT_TAB, FIXED_WORDS)
    wait_until_idle(page)
    wait_for(lambda: page.find("#txt2img_gallery img"), "picture")
    pictures.hold(page, DOCS_IMAGES / "job-end.png", TEXT_TAB, FIXED_WORDS)
    generate(page, 4)
    wait_for_label(page, ["VAE decode"])
    press(page, "interrupt")
    wait_for_label(page, ["Stopping: VAE decode"])
    pictures.hold(page, DOCS_IMAGES / "stopping.png", BUTTONS, FIXED_WORDS)
    wait_until_idle(page)


def test_the_panel(page, pictures):
    """After jobs and a self-test, by day and by night, and the verdict alone."""
    set_prompt(page, PROMPTS[1])
    generate(page, STEPS)
    wait_until_idle(page)
    open_tab(page, "ZLUDA Sync")
    wait_for(lambda: "Run self-test" in texts(page, ".zs-selftest button"), "panel")
    click(page, ".zs-selftest button", "Run self-test")
    wait_for(lambda: text(page, ".zs-verdict strong") == "Yes.", lambda: text(page, ".zs-verdict"))
    wait_for(lambda: page.find(".zs-figure-times .zs-step"), "plots")
    wait_for(lambda: text(page, ".zs-label-now") == "Idle", "end of the self-test")
    wait_for(lambda: "no self-test" not in text(page, ".zs-now"), lambda: text(page, ".zs-now"))
    page.driver.set_window_size(1200, 3800)
    pictures.hold(page, DOCS_IMAGES / "verdict.png", ".zs-verdict")
    pictures.hold(page, DOCS_IMAGES / "panel-light.png", ".zs", most_px=PANEL_PX)
    address = page.driver.current_url.partition("?")[0]
    page.driver.get(f"{address}?__theme=dark")
    wait_until_idle(page)
    set_prompt(page, PROMPTS[0])
    generate(page, STEPS if pictures.is_taking else LOOKED_AT_STEPS)
    open_tab(page, "ZLUDA Sync")
    wait_for_step(lambda: text(page, ".zs-label-now"), 8)
    pictures.hold(page, DOCS_IMAGES / "panel-dark.png", ".zs", most_px=PANEL_PX)
    wait_for(lambda: text(page, ".zs-label-now") == "Idle", "end of the job")
    page.driver.get(f"{address}?__theme=light")
    page.driver.set_window_size(1200, 1300)


def test_side_by_side(page, pictures):
    """The defect and the cure, moving; the job before was of the same kind."""
    wait_until_idle(page)
    open_tab(page, "Side by side")
    wait_for(lambda: page.js("return document.querySelector('.sbs-run')?.disabled === false"), "second host")
    file = README_IMAGES / "side-by-side.gif"
    press_first(lambda: page.find(".sbs-run"), "run")
    is_over = "return document.querySelector('.sbs-run').disabled === false"
    pictures.record(page, file, ".sbs-panes", lambda: page.js(is_over), 400)
    pictures.hold_words(page, file, ".sbs-panes", "h3, dt")
    pictures.hold(page, DOCS_IMAGES / "side-by-side.png", ".sbs", "h3, dt, button, .sbs-legend span")
