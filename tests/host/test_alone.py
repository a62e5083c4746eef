"""What the host does without making a picture: upscaling in its tab "Process", and loading a model."""

from __future__ import annotations

import sys
import threading
from types import SimpleNamespace

import pytest
import torch
from PIL import Image

from modules import shared
from tests.host.paced_host import WAIT_S, PacedHost
from tests.virtual_clock import VirtualClock
from zluda_sync.host.job import begin

TILES = 4


class Progress:
    """A bar as rich draws it, of which only the counts matter."""

    def add_task(self, description, start=True, total=100.0, **fields):
        return 0

    def update(self, task_id, *, advance=None, **fields):
        pass


@pytest.fixture
def tab(bench, monkeypatch):
    """A host in which the user upscales pictures tile by tile."""
    monkeypatch.setitem(sys.modules, "rich.progress", SimpleNamespace(Progress=Progress))
    shared.opts.data["sd_model_checkpoint"] = "model"
    bench.switch_on()
    bench.device.finishes_on_wait = False
    made = Tab(bench)
    yield made
    made.close()


class Tab(PacedHost):
    """Runs the host's function on a thread of its own, from tile to tile."""

    def __init__(self, bench) -> None:
        super().__init__(bench)
        self.tiles: list[int] = []

    def press_process(self, pictures, upscalers=1):
        """Begin to upscale; it waits before each tile."""
        data = [Image.new("RGB", (8, 8)) for _ in range(pictures)]
        self.begin(run_postprocessing, data, ["ESRGAN"] * upscalers)

    def upscale(self, number):
        """Upscale one picture, as every upscaler of the host does."""
        job = self.state.begin("Upscale")
        bar = sys.modules["rich.progress"].Progress()
        task = bar.add_task("Upscaling", total=TILES)
        for tile in range(TILES):
            self.pause()
            if self.state.interrupted:
                break
            self.tiles.append(number * TILES + tile)
            bar.update(task, advance=1)
        self.state.end(job)


def run_postprocessing(tab, image_data, args):
    """Do what SD.Next's function of this name does, with names that it has in each version since 2025."""
    outer = tab.state.begin("Process")

    def process_images():
        processed_images = []
        for number, _image in enumerate(image_data):
            if tab.state.interrupted:
                break
            for script in ("Upscale", "Pixel art"):
                phase = tab.state.begin(script)
                if script == "Upscale":
                    for _name in args:
                        tab.upscale(number)
                tab.state.end(phase)
            processed_images.append(number)
        return processed_images

    done = process_images()
    tab.state.end(outer)
    return done


def test_upscaling_has_a_bar_and_a_label(tab):
    """What the device has finished of all pictures, and the one that is worked on."""
    tab.press_process(2)
    assert ("Image 1/2: Upscale", 0.0) == (tab.shown().label, tab.shown().fraction)
    tab.go_on()
    tab.bench.device.finish()
    tab.bench.wait_until(lambda: tab.shown().fraction > 0)
    assert tab.shown().eta_s is not None
    for _ in range(TILES - 1):
        tab.bench.device.finish()
        tab.go_on()
    assert "Image 2/2: Upscale" == tab.shown().label
    for _ in range(TILES):
        tab.bench.device.finish()
        tab.go_on()
    assert [0, 1] == tab.done.result(WAIT_S)
    assert tab.shown() is None


def test_a_tile_counts_when_the_device_has_finished_it(tab):
    """Some upscalers queue all tiles at once."""
    tab.press_process(1)
    tab.go_on(1)
    assert 0.0 == tab.shown().fraction
    tab.bench.device.finish()
    tab.bench.wait_until(lambda: tab.shown().fraction > 0)


@pytest.mark.parametrize("upscalers", [1, 2])
def test_stop_ends_a_batch_that_the_host_alone_would_go_on_with(tab, upscalers):
    """Each phase that begins clears the host's flag; no tile more is made all the same, and no picture."""
    tab.press_process(3, upscalers)
    tab.go_on(1)
    tab.bench.device.finish()
    tab.bench.in_thread(tab.state.interrupt)
    assert "Stopping: Upscale" == tab.shown().label
    for _ in range(4 * TILES):
        if not tab.done.done():
            tab.go_on()
    assert [0] == tab.done.result(WAIT_S)
    assert [0] == tab.tiles
    assert not tab.state.interrupted


def test_a_second_upscaler_is_a_part_of_its_own(tab):
    """Its tiles are no news of the first."""
    tab.press_process(1, 2)
    for _ in range(2 * TILES - 1):
        tab.bench.device.finish()
        tab.go_on()
    job = tab.bench.session._jobs.current.job
    assert [TILES, TILES] == [part.blocks.total for part in job.parts if part.blocks is not None]


def test_tiles_of_a_picture_that_is_made_count_too(tab):
    """An upscaler before the second pass of a hires job."""
    tab.bench.begin("observe")
    phase = tab.state.begin("Upscale")
    bar = sys.modules["rich.progress"].Progress()
    bar.update(bar.add_task("Upscaling", total=TILES), advance=1)
    part = tab.bench.session._jobs.current.job.part_under_way
    assert (TILES, 1) == (part.blocks.total, part.blocks.launched)
    tab.state.end(phase)


@pytest.mark.parametrize("phase_name", ["Upscale", "VAE Decode"])
def test_what_is_counted_is_timed_by_the_jobs_own_clock(tab, monkeypatch, phase_name):
    """It stands still in a pause; by another the time left would jump by all pauses that there were."""
    clock = VirtualClock()
    monkeypatch.setattr(begin, "PausableClock", lambda: clock)
    tab.bench.begin("observe")
    vae = torch.nn.Module()
    vae.decoder = torch.nn.Module()
    vae.decoder.up_blocks = torch.nn.ModuleList([torch.nn.Identity(), torch.nn.Identity()])
    run = tab.bench.session._jobs.current.run
    monkeypatch.setattr(run._decode, "_find_vae", lambda: vae)
    phase = tab.state.begin(phase_name)
    if phase_name == "Upscale":
        bar = sys.modules["rich.progress"].Progress()
        bar.update(bar.add_task("Upscaling", total=TILES), advance=1)
    clock.pass_time(1000.0)
    assert 1000.0 == run.job.clock() == run.job.part_under_way.blocks.now_s()
    assert 1000.0 == run.leave_last_mark().now_s()
    tab.state.end(phase)


def test_other_bars_are_not_looked_at(tab):
    """Files are downloaded with bars of the same kind."""
    tab.bench.begin("observe")
    bar = sys.modules["rich.progress"].Progress()
    bar.update(bar.add_task("Downloading", total=TILES), advance=1)
    assert all(part.blocks is None for part in tab.bench.session._jobs.current.job.parts)


def test_loading_a_model_is_said_and_never_full(tab):
    """Asked for by an option or by a route: there is no picture call that could tell."""
    phase = tab.state.begin("Load model")
    shown = tab.bench.in_thread(tab.shown)
    assert ("Loading model 0 s", 0.0) == (shown.label, shown.fraction)
    told = tab.bench.in_thread(tab.bench.session.status.build)
    assert (None, "Loading model 0 s") == (told.job, told.loading.label)
    tab.state.end(phase)
    assert tab.shown() is None
    assert tab.bench.session.status.build().loading is None


def test_the_second_time_a_model_is_loaded_there_is_a_time_left(tab):
    """How long it takes is learned by the model's name."""
    for _ in range(2):
        phase = tab.state.begin("Load model")
        eta_s = tab.shown().eta_s
        tab.state.end(phase)
    assert eta_s is not None


def test_a_model_that_is_loaded_is_no_job(tab):
    """It has no number and no record, and the counts of jobs know nothing of it."""
    tab.state.end(tab.state.begin("Load model"))
    session = tab.bench.session
    assert ((), "1") == (tuple(session.records.recent(5)), session._kept.new_id())


class WorkerThread(threading.Thread):
    """A thread on which a server does what a client asks, as told by its class."""


def test_a_model_that_is_loaded_beside_a_request_is_not_followed(tab):
    """The settings page does so without waiting its turn; between two cells the request goes on."""
    cells = tab.state.begin("API-TXT", api=True)
    seen = []

    def load():
        phase = tab.state.begin("Load model")
        seen.append(tab.bench.session._jobs.current)
        tab.state.end(phase)

    loader = WorkerThread(target=load)
    loader.start()
    loader.join(WAIT_S)
    assert [None] == seen
    assert tab.bench.session._requests.meant is not None
    tab.state.end(cells)


def test_a_picture_that_is_detailed_alone_is_one_job(tab):
    """A route of SD.Next's does so: there is no picture call around it, and its first step comes late."""
    outer = tab.state.begin("API-DETAIL", api=True)
    for _ in range(2):  # faces
        phase = tab.state.begin("Detailer")
        assert "Detailer" == tab.shown().label
        job = tab.bench.session._jobs.current
        for step in range(2):
            tab.bench.step(step)
            tab.bench.finish()
        assert "Detail 2/4" == tab.shown().label
        tab.state.end(phase)
        assert tab.bench.session._jobs.current is job
    tab.state.end(outer)
    assert tab.shown() is None


def test_without_a_chosen_model_nothing_is_followed(tab):
    """To ask for the name of the one in use would load it."""
    shared.opts.data["sd_model_checkpoint"] = ""
    tab.press_process(1)
    assert tab.shown() is None
