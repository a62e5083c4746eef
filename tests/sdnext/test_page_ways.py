"""Hires, Skip, pictures to begin with, upscaling, models, panel and settings on SD.Next's own pages."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from PIL import Image

from bench.real_host import small_upscaler
from bench.real_host.whole_requests import MODELS
from tests.browser.chromium import wait_for
from tests.browser.panel import denoising_steps, text
from tests.sdnext.page import (
    IDLE_WORDS,
    OPEN_PANEL,
    Seen,
    button_text,
    choose_in,
    generate,
    give_files,
    open_main_page,
    press,
    set_flag,
    set_numbers,
    wait_until_idle,
    wait_until_pressable,
    watch,
)
from tests.sdnext.server import ROOT, TEST_EXTENSIONS, SdNextServer

pytestmark = pytest.mark.browser

TAB = "control"  # the main one of the Modern page, and there on the Standard page as well
STEPS, SIDE_PX = 8, 256
#: Of a picture of half the side these are so many.
TILE_PX, TILES = 48, 9
#: Steps or tiles that may be queued once the host knows of a Stop: the one that was being queued.
MOST_AFTER_STOP = 1


@pytest.fixture(scope="module", params=["standard/black-teal", "Modern/Default"], ids=["standard", "modern"])
def server(make_server, request) -> Iterator[SdNextServer]:
    """SD.Next with the extension, a second model, and an upscaler that works in tiles."""
    made = make_server(
        f"page_ways_{request.param[0]}", decode_s=2.0
    )  # long enough to be seen on a busy machine
    made.theme = request.param
    (model,) = (made.data_dir / "models" / "Diffusers").iterdir()
    shutil.copytree(model, model.with_name("models--tests--other"), symlinks=True)
    small_upscaler.make_small_upscaler(made.data_dir / "models")
    made.install(TEST_EXTENSIONS / "ways_device", "ways_device")
    made.install(ROOT / "extensions" / "zluda_sync", "zluda_sync")
    made.start()
    made.set_options(zluda_sync_mode="run-ahead", samples_save=False, upscaler_tile_size=TILE_PX)
    made.run_job(steps=STEPS)  # a time left is shown from the first step on once something is learned
    yield made
    made.stop()


@pytest.fixture(scope="module")
def page(server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """A browser on SD.Next's page."""
    with open_main_page(server, tmp_path_factory.mktemp("browser")) as opened:
        yield opened


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three pictures in files, of nine tiles each, and a larger one."""
    folder = tmp_path_factory.mktemp("pictures")
    sides_px = (SIDE_PX // 2, SIDE_PX // 2, SIDE_PX // 2, SIDE_PX)
    files = [folder / f"{number}.png" for number in range(len(sides_px))]
    for file, side_px in zip(files, sides_px, strict=True):
        Image.radial_gradient("L").resize((side_px, side_px)).convert("RGB").save(file)
    return files


def ask_for(page: SimpleNamespace, server: SdNextServer, batch_count: int = 1, steps: int = STEPS) -> None:
    """Type what the Control tab needs for pictures of 256 x 256."""
    wait_until_pressable(page, TAB)
    sides = dict.fromkeys(("control_before_resize_width", "control_before_resize_height"), SIDE_PX)
    set_numbers(page, control_steps=steps, control_batch_count=batch_count, **sides)
    server.post("/async_device/forget")


def launches(server: SdNextServer) -> list[list[float]]:
    """When each step, or tile, was queued: one list for each loop."""
    return [loop for loop in server.get("/async_device/truth")["launched_at_s"] if loop]


def expect_true_bar(seen: Seen) -> None:
    """The bar moves on and never back, with a time left."""
    assert len(set(seen.shares)) >= 3, seen.words
    assert sorted(seen.shares) == seen.shares, seen.words


def stop_at(server: SdNextServer, page: SimpleNamespace, tab: str, label: str) -> int:
    """Press Stop once a label stands there, wait for the end, and return how much was queued since.

    Since the host knows of the press, that is: how long a page takes to send it is not ours.
    """
    watch(page, tab, lambda seen: seen.has(label))
    press(page, tab, "interrupt")
    job = lambda: server.get("/zluda_sync/v1/status")["job"]  # noqa: E731
    wait_for(lambda: (job() or {"ending": "stop"})["ending"], "the press")
    at_s = time.time()
    wait_until_idle(server)
    wait_for(lambda: button_text(page, tab) in IDLE_WORDS, lambda: button_text(page, tab))
    return sum(launched_s > at_s for loop in launches(server) for launched_s in loop)


def open_input(page: SimpleNamespace, name: str, begins_with_it: bool) -> None:
    """Choose what the Control tab begins with: a tab of its input, and whether that is made anew."""
    find = "return [...document.querySelectorAll('#control-tab-input button')]"
    page.js(f"{find}.find((one) => one.innerText.trim() === arguments[0]).click()", name)
    page.js(
        "document.querySelectorAll('#control_input_type input')[arguments[0]].click()", int(begins_with_it)
    )


def test_hires_is_one_bar_with_previews_that_move(server, page):
    """Both passes by their names, on the Control tab without an input."""
    flags = ("control_enable_hr", "control_hr_force")
    for name in flags:
        set_flag(page, name, True)
    set_numbers(page, control_steps_alt=STEPS, control_denoising_strength=0.9)
    ask_for(page, server)
    generate(page, TAB)
    seen = watch(page, TAB)
    for name in flags:
        set_flag(page, name, False)
    assert seen.has("Denoise") and seen.has("Hires") and seen.has("VAE decode"), seen.words
    expect_true_bar(seen)
    assert len(seen.previews) >= 3
    assert 2 == len(launches(server))


def test_skip_goes_on_with_the_next_image(server, page):
    """Of the first no more than the run-ahead, and the second as a whole."""
    steps = 3 * STEPS  # the page may be slow to press
    ask_for(page, server, batch_count=2, steps=steps)
    generate(page, TAB)
    watch(page, TAB, lambda seen: seen.has("Image 1/2: Denoise"))
    press(page, TAB, "skip")
    seen = watch(page, TAB)
    assert seen.has("Image 2/2: Denoise")
    first, second = map(len, launches(server))
    assert first < steps
    assert steps == second


def test_control_begins_with_a_picture(server, page, pictures):
    """A bar, a time left and previews, as without an input; and Stop ends it within a step."""
    ask_for(page, server)
    open_input(page, "Batch", begins_with_it=True)
    give_files(page, "#control-tab-input", pictures[3:], kind="[multiple]")
    set_numbers(page, control_input_denoising_strength=0.9)
    generate(page, TAB)
    seen = watch(page, TAB)
    assert seen.has("Denoise") and seen.has("VAE decode")
    expect_true_bar(seen)
    assert len(seen.previews) >= 2
    assert 1 == len(launches(server))
    server.post("/async_device/forget")
    generate(page, TAB)
    assert MOST_AFTER_STOP >= stop_at(server, page, TAB, "Denoise")
    open_input(page, "Image", begins_with_it=False)


def test_upscaling_is_a_bar_over_its_tiles(server, page, pictures):
    """On the Process tab: by one upscaler, then by two, and Stop ends it within a tile."""
    give_files(page, "#extras_image", pictures[:1])
    choose_in(page, "#extras_upscaler_1", small_upscaler.NAME)
    server.post("/async_device/forget")
    generate(page, "extras")
    assert watch(page, "extras").has("Upscale")
    assert 1 == len(launches(server))
    choose_in(page, "#extras_upscaler_2", small_upscaler.NAME)
    set_numbers(page, extras_upscaler_2_visibility=0.5)
    server.post("/async_device/forget")
    generate(page, "extras")
    expect_true_bar(watch(page, "extras"))
    assert 2 == len(launches(server))
    server.post("/async_device/forget")
    generate(page, "extras")
    assert MOST_AFTER_STOP >= stop_at(server, page, "extras", "Upscale")
    assert sum(map(len, launches(server))) < 2 * TILES


def test_a_batch_of_files_is_counted_and_ends_within_a_tile(server, page, pictures):
    """The label says which file it is at; Stop in the second leaves the third alone."""
    choose_in(page, "#extras_upscaler_2", "None")
    page.js(
        "[...document.querySelectorAll('#mode_extras button')].find((e) => /Batch/.test(e.innerText)).click()"
    )
    give_files(page, "#extras_image_batch", pictures[:3])
    server.post("/async_device/forget")
    generate(page, "extras")
    assert MOST_AFTER_STOP >= stop_at(server, page, "extras", "Image 2/3: Upscale")
    assert 2 == len(launches(server))


def test_the_panel_lives_while_a_job_runs(server, page):
    """Opened in the middle of it: the same steps in label and facts, and idle after it."""
    steps = 8 * STEPS  # the page may be slow to open it
    job = threading.Thread(target=server.run_job, kwargs={"steps": steps})
    job.start()
    wait_for(lambda: launches(server), "steps")
    wait_for(lambda: page.js(OPEN_PANEL), "tab")
    label, facts = wait_for(lambda: denoising_steps(page), "steps on the panel")
    assert 0 < label == facts <= steps
    assert page.js("return document.querySelector('.zs').checkVisibility()")
    server.post("/sdapi/v1/interrupt")
    job.join()
    wait_for(lambda: text(page, ".zs-label-now") == "Idle", lambda: text(page, ".zs-label-now"))


def test_another_model_is_loaded_under_its_name(server, page):
    """Chosen on the page: the panel says that it is loaded, and counts no job."""
    page.js(OPEN_PANEL)
    jobs = server.get("/zluda_sync/v1/jobs")["jobs"]
    choose_in(page, "#setting_sd_model_checkpoint", MODELS[0])
    wait_for(lambda: text(page, ".zs-label-now").startswith("Loading model"), "label")
    wait_for(lambda: text(page, ".zs-label-now") == "Idle", lambda: text(page, ".zs-label-now"))
    assert jobs == server.get("/zluda_sync/v1/jobs")["jobs"]


def test_the_settings_switch_it_off_and_on_and_are_kept(server, page):
    """With Apply: no patch while it is off, and the profile that was chosen stands in config.json."""
    has_patches = lambda: bool(server.get("/async_device/patched"))  # noqa: E731
    kept = lambda: json.loads(server.config.read_text("utf-8"))  # noqa: E731
    assert has_patches()
    for is_on in (False, True):
        set_flag(page, "setting_zluda_sync_enabled", is_on)
        time.sleep(0.5)  # the page sends what is switched with a delay of its own
        page.js("document.getElementById('settings_submit').click()")
        wait_for(lambda is_on=is_on: has_patches() is is_on, f"{server.get('/async_device/patched')}")
        wait_for(lambda is_on=is_on: kept().get("zluda_sync_enabled", True) is is_on, "config.json")
    choose_in(page, "#setting_zluda_sync_profile", "precise")
    time.sleep(0.5)
    page.js("document.getElementById('settings_submit').click()")
    wait_for(lambda: kept().get("zluda_sync_profile") == "precise", lambda: str(kept()))
    assert "precise" == server.get("/zluda_sync/v1/status")["profile"]["name"]
