"""The pictures of SD.Next's own pages, Standard and Modern, while a job runs, and of the panel there."""

from __future__ import annotations

import json

import pytest

from bench.real_host.small_model import DRAWING_NAME, put_drawing_model
from tests.browser.chromium import wait_for
from tests.browser.panel import text
from tests.pictures import DOCS_IMAGES, PANEL_PX, README_IMAGES
from tests.sdnext.page import (
    OPEN_PANEL,
    button_text,
    generate,
    open_main_page,
    set_numbers,
    set_value,
    wait_until_idle,
)
from tests.sdnext.server import ROOT

pytestmark = pytest.mark.browser

#: Where each page has the size of its main tab's pictures.
SIZES = {"txt2img": "txt2img", "control": "control_before_resize"}
#: What stands there whatever is computed: our bar's, and the host's beside it.
WORDS = ".zs-after-image"
PROMPT = "a red circle on blue"
STEPS = 12
#: The model of shapes has no more words than it was taught, and draws best with little guidance.
SETTINGS = {
    "sd_model_checkpoint": DRAWING_NAME,
    "prompt_attention": "fixed",
    "extra_networks_show": False,
}
JOB = {"prompt": PROMPT, "steps": STEPS, "n_iter": 3, "width": 256, "height": 256, "cfg_scale": 2}


@pytest.mark.parametrize("theme", ["standard/black-teal", "Modern/Default"], ids=["standard", "modern"])
def test_a_job_on_the_hosts_page(make_server, tmp_path, pictures, theme):
    """In the middle of a second batch of three, and on the Standard page the panel after it."""
    name = theme.partition("/")[0].lower()
    server = make_server(f"pictures_{name}", step_s=0.5, decode_s=1.0)
    put_drawing_model(server.data_dir / "models")
    server.config.write_text(json.dumps({**json.loads(server.config.read_text()), **SETTINGS}))
    server.theme = theme
    server.install(ROOT / "extensions" / "zluda_sync", "zluda_sync")
    server.start()
    server.post("/sdapi/v1/txt2img", JOB)
    with open_main_page(server, tmp_path / "browser") as page:
        page.driver.set_window_size(1600, 900)
        tab = page.tab
        set_value(page, f"#{tab}_prompt textarea", PROMPT)
        sides = {f"{SIZES[tab]}_{side}": 256 for side in ("width", "height")}
        counts = {f"{tab}_steps": STEPS, f"{tab}_batch_count": 3, f"{tab}_guidance_scale": 2}
        set_numbers(page, **sides, **counts)
        generate(page, tab)
        wait_for(lambda: "Image 2/3: Denoise 7/" in button_text(page, tab), lambda: button_text(page, tab))
        wait_for(lambda: page.find(".zs-above[data-state=job]"), "bar")
        pictures.hold(page, README_IMAGES / f"sdnext-{name}.png", "body", WORDS)
        wait_until_idle(server)
        if name == "modern":
            return
        page.js(OPEN_PANEL)
        wait_for(lambda: page.find(".zs-figure-times .zs-step"), "plots")
        wait_for(lambda: text(page, ".zs-label-now") == "Idle", lambda: text(page, ".zs-label-now"))
        page.driver.set_window_size(1600, 3400)
        pictures.hold(page, DOCS_IMAGES / "panel-sdnext.png", ".zs", most_px=PANEL_PX)
