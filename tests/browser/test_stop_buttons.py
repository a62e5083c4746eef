"""Stop, Skip, Pause and Stop after image, as a person presses them, over the emulated device."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from bench.host.tiny_model import make_tiny_model
from tests.browser.chromium import wait_for
from tests.browser.embedded import button_text, generate, open_host, press, wait_for_label

pytestmark = pytest.mark.browser

#: From now on, what stands on Generate is kept.
KEEP_TEXTS = """
const generate = document.getElementById('txt2img_generate');
window.said = [];
window.keeping?.disconnect();
window.keeping = new MutationObserver(() => window.said.push(generate.textContent.trim()));
window.keeping.observe(generate, {childList: true, characterData: true, subtree: true});
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """The page of a host with the extension; its device takes a while for everything."""
    folder = tmp_path_factory.mktemp("buttons")
    (folder / "data").mkdir()
    (folder / "data" / "config.json").write_text(json.dumps({"zluda_sync_mode": "run-ahead"}))
    slow = ("--step-ms", "300", "--encode-ms", "1500", "--decode-ms", "1500")
    with open_host(folder, "--device", "emulated", "--model", make_tiny_model(folder), *slow) as opened:
        yield opened


def pictures(page: SimpleNamespace) -> int:
    """How many pictures were saved so far."""
    return len(list((page.data / "outputs" / "text").glob("*.png")))


def wait_until_ready(page: SimpleNamespace) -> None:
    """Wait for the end of the job, and until the page says so."""
    status = f"{page.driver.current_url}sdapi/v1/status"

    def is_idle() -> bool:
        with urllib.request.urlopen(status, timeout=20) as answer:
            return json.load(answer)["status"] == "idle"

    wait_for(is_idle, "end of the job")
    wait_for(lambda: button_text(page) == "Generate", "Generate")


@pytest.mark.parametrize("phase", ["Text encode", "Denoise", "VAE decode"])
def test_stop_says_so_and_ends_the_job(page: SimpleNamespace, phase: str) -> None:
    """Pressed in any phase of a batch of three: the button says so until all is over, and that is soon."""
    generate(page, 8, batches=3)
    wait_for_label(page, [f"Image 1/3: {phase}"])
    before = pictures(page)
    page.js(KEEP_TEXTS)
    press(page, "interrupt")
    # In the middle of the steps the job may be over before the page asks again.
    wait_for(lambda: button_text(page).startswith("Stopping: ") or button_text(page) == "Generate", "answer")
    wait_until_ready(page)
    assert 1 >= pictures(page) - before
    said = page.js("return window.said")
    assert {"Generate"} == set(said[said.index("Generate") :]), said


def test_pause_holds_and_goes_on(page: SimpleNamespace) -> None:
    """The step stands still while the button says so, and the picture comes after all."""
    generate(page, 8)
    wait_for_label(page, ["Denoise"])
    press(page, "pause")
    held = wait_for_label(page, ["Denoise", "Paused"])
    assert 1 == held.count("Paused")
    assert button_text(page) == wait_for_label(page, [held.split("%")[0]])
    before = pictures(page)
    press(page, "pause")
    wait_until_ready(page)
    assert 1 == pictures(page) - before


def test_stop_after_image_keeps_that_image(page: SimpleNamespace) -> None:
    """The first of three is made whole, and no other is begun."""
    before = pictures(page)
    generate(page, 8, batches=3)
    wait_for_label(page, ["Image 1/3: Denoise"])
    (button,) = page.find(".zs-after-image")
    wait_for(button.is_enabled, "button")
    button.click()
    wait_for_label(page, [", then stop"])
    wait_until_ready(page)
    assert 1 == pictures(page) - before


def test_stop_after_image_is_offered_where_it_is_something_else_than_stop(page: SimpleNamespace) -> None:
    """Not on an idle page, and not for a job of one image."""
    wait_until_ready(page)
    (button,) = page.find(".zs-after-image")
    wait_for(lambda: not button.is_enabled(), "idle")
    generate(page, 8)
    wait_for_label(page, ["Denoise"])
    assert not button.is_enabled()
    press(page, "interrupt")
    wait_until_ready(page)
