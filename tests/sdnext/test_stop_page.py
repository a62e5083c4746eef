"""Stop, Skip and Pause on SD.Next's own page."""

from __future__ import annotations

import time
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from tests.browser.chromium import open_page, wait_for
from tests.sdnext.server import ROOT, SdNextServer

pytestmark = pytest.mark.browser

STEPS = 8


@pytest.fixture(scope="module")
def server(make_server) -> SdNextServer:
    """SD.Next with the extension; everything takes long enough for a page that asks twice a second."""
    made = make_server("stopped_page", step_s=0.4, decode_s=1.5, block_s=0.4)
    made.install(ROOT / "extensions" / "zluda_sync", "zluda_sync")
    made.start()
    made.set_options(zluda_sync_mode="run-ahead", samples_save=False)
    return made


@pytest.fixture(scope="module")
def page(server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """A browser on the tab that makes pictures from text."""
    with open_page(server.url, tmp_path_factory.mktemp("browser")) as opened:
        wait_for(lambda: button_text(opened) == "Generate", "page", 120)
        yield opened


def button_text(page: SimpleNamespace) -> str:
    """What stands on Generate."""
    return str(page.js("return document.getElementById('txt2img_generate')?.innerText || ''")).strip()


def press(page: SimpleNamespace, name: str) -> None:
    """Press a button beside Generate; by script, for the page may scroll."""
    page.js("document.getElementById(arguments[0]).click()", f"txt2img_{name}")


def generate(page: SimpleNamespace, prompt: str) -> None:
    """Press Generate for a batch of two."""
    wait_for(lambda: button_text(page) == "Generate", "Generate")
    set_value = (
        "const box = document.querySelector(arguments[0]); box.value = arguments[1];"
        "box.dispatchEvent(new Event('input', {bubbles: true}));"
        "box.dispatchEvent(new Event('change', {bubbles: true}));"
    )
    page.js(set_value, "#txt2img_prompt textarea", prompt)
    for name, value in (("steps", STEPS), ("batch_count", 2), ("width", 256), ("height", 256)):
        page.js(set_value, f"#txt2img_{name} input[type=number]", str(value))
    time.sleep(0.5)  # the page sends what is typed with a delay of its own
    press(page, "generate")


def wait_until_idle(server: SdNextServer) -> None:
    """Wait until the host has nothing to do."""
    wait_for(lambda: server.get("/sdapi/v1/status")["status"] == "idle", "end of the job")


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
    wait_for(lambda: button_text(page).startswith("Paused: Image 1/2: Denoise"), "pause")
    launched = lambda: sum(map(len, server.get("/async_device/truth")["launched_at_s"]))  # noqa: E731
    assert [1, 1] == [launched(), launched()]
    press(page, "pause")
    wait_until_idle(server)
    assert 2 * STEPS == launched()
