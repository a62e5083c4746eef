"""Generate, Stop, Skip and Pause on SD.Next's own pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from tests.browser.chromium import wait_for
from tests.sdnext import page as sdnext_page
from tests.sdnext.page import PAGE_LIMIT_S, open_main_page, set_numbers, set_value, wait_until_idle
from tests.sdnext.server import ROOT, SdNextServer

pytestmark = pytest.mark.browser

STEPS = 8


@pytest.fixture(scope="module", params=["standard/black-teal", "Modern/Default"], ids=["standard", "modern"])
def server(make_server, request) -> SdNextServer:
    """SD.Next with the extension; everything takes long enough for a page that asks twice a second."""
    made = make_server(f"stopped_page_{request.param[0]}", step_s=0.4, decode_s=1.5, block_s=0.4)
    made.theme = request.param
    made.install(ROOT / "extensions" / "zluda_sync", "zluda_sync")
    made.start()
    made.set_options(zluda_sync_mode="run-ahead", samples_save=False)
    made.run_job(steps=2)  # an estimate is shown once something is learned
    return made


@pytest.fixture(scope="module")
def page(server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """A browser on the tab that a page opens with: text to picture, or Control without an input."""
    with open_main_page(server, tmp_path_factory.mktemp("browser")) as opened:
        opened.size = "control_before_resize" if opened.tab == "control" else opened.tab
        yield opened


def button_text(page: SimpleNamespace) -> str:
    """What stands on Generate."""
    return sdnext_page.button_text(page, page.tab)


def press(page: SimpleNamespace, name: str) -> None:
    """Press a button beside Generate."""
    sdnext_page.press(page, page.tab, name)


def generate(page: SimpleNamespace, prompt: str) -> None:
    """Press Generate for a batch of two."""
    sdnext_page.wait_until_pressable(page, page.tab)
    set_value(page, f"#{page.tab}_prompt textarea", prompt)
    numbers = {f"{page.tab}_steps": STEPS, f"{page.tab}_batch_count": 2}
    set_numbers(page, **numbers, **{f"{page.size}_{side}": 256 for side in ("width", "height")})
    sdnext_page.generate(page, page.tab)


def test_the_panel_has_an_icon_among_its_neighbours(server, page):
    """The Modern page gives two letters to tabs that it does not know, and no tooltip."""
    if page.tab != "control":
        pytest.skip("the Standard page has tabs with words")
    look = """
    const button = document.querySelector('#other_extensions button[tabitemid*="tab_zluda_sync"]');
    const icon = button?.querySelector('.mask-icon');
    return icon ? [button.title, button.innerText.trim(), getComputedStyle(icon).maskImage] : [];
    """
    title, words, image = wait_for(lambda: page.js(look), "icon")
    assert "GPU" in title
    assert words in ("", "ZLUDA Sync")  # the word is shown when the bar of icons is wide
    assert image.startswith("url(")


def test_a_batch_is_shown_from_its_first_step_to_its_picture(server, page):
    """Label, time left and preview on the page, and then the pictures."""
    seen: set[str] = set()
    generate(page, "a red circle")
    look = """
    const shown = [...document.querySelectorAll('img')].map((one) => one.src);
    return shown.filter((one) => one.startsWith('data:image') && one.length > 2000);
    """

    def is_over() -> bool:
        words = button_text(page)
        seen.update(word for word in ("Image 1/2: Denoise", "Image 2/2: Denoise") if word in words)
        if page.js(look):
            seen.add("preview")
        if any(mark in words for mark in (" s", "s left", ":")) and "%" in words:
            seen.add("share")
        return len(seen) >= 4 and words == "Generate"

    wait_for(is_over, lambda: f"{seen}, {button_text(page)}", PAGE_LIMIT_S)
    wait_until_idle(server)


@pytest.mark.parametrize("phase", ["Text encode", "Denoise", "VAE decode"])
def test_stop_acts_in_every_phase(server, page, phase):
    """The label says so until the job is over; of the second image nothing is queued."""
    server.post("/async_device/forget")
    generate(page, f"a blue circle, {phase}")
    wait_for(lambda: f"Image 1/2: {phase}" in button_text(page), phase)
    press(page, "interrupt")
    wait_for(lambda: button_text(page).startswith("Stopping: ") or button_text(page) == "Generate", "answer")
    wait_until_idle(server)
    loops = [loop for loop in server.get("/async_device/truth")["launched_at_s"] if loop]
    assert 1 >= len(loops)
    assert phase == "VAE decode" or STEPS > sum(map(len, loops))


def test_pause_holds_and_goes_on(server, page):
    """Pressed in the text encoder, it holds the first step; SD.Next alone would have forgotten it."""
    server.post("/async_device/forget")
    generate(page, "a blue circle, paused")
    wait_for(lambda: "Image 1/2: Text encode" in button_text(page), "encode")
    press(page, "pause")
    said = re.compile(r"Image 1/2: Denoise .*Paused$")  # the word stands in the place of the time left
    wait_for(lambda: said.match(button_text(page)), lambda: button_text(page))
    launched = lambda: sum(map(len, server.get("/async_device/truth")["launched_at_s"]))  # noqa: E731
    assert [1, 1] == [launched(), launched()]
    press(page, "pause")
    wait_until_idle(server)
    assert 2 * STEPS == launched()
