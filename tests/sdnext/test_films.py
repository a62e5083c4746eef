"""Films in the real SD.Next, as its tab "Video" makes them: a true bar to the end, moving previews, Stop."""

from __future__ import annotations

import base64
import io

import pytest
from PIL import Image

from bench.real_host.film_ways import CHUNKS, build_film_ways
from bench.real_host.server import JOB_LIMIT_S
from bench.real_host.way_run import Ways, find_run_misses
from bench.real_host.ways import start_ways_server
from bench.real_host.whole_requests import watch

FILM, BETWEEN, _LTX = build_film_ways()
LONGEST_SILENCE_S = 2.0


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """SD.Next with the extension, and models that make films."""
    made = start_ways_server(tmp_path_factory.mktemp("films"))
    made.set_options(zluda_sync_mode="run-ahead")
    made.post(FILM.request.route, {"steps": 1}, JOB_LIMIT_S)  # loads the model
    yield made
    made.stop()


@pytest.mark.parametrize("way", [FILM, BETWEEN], ids=["film", "frames between"])
def test_a_film_has_one_true_bar_to_its_file(server, way):
    """Once learned; each chunk of its decode is told, and it is never silent for long."""
    ways = Ways(server)
    runs = [ways.take(way) for _ in range(2)]
    assert [] == find_run_misses(way, runs[-1], is_first=True)
    assert all(run.silence_s < LONGEST_SILENCE_S for run in runs)


@pytest.mark.parametrize("label", ["Denoise 3", "VAE decode 2", "Interpolate 3"])
def test_stop_ends_a_film_after_one_unit(server, label):
    """After one step, chunk or pair of frames; the bar says so, and the host is idle afterwards."""
    pressed: list[str] = []
    after: list[str] = []

    def press(sample, _shown):
        if pressed:
            after.append(sample.job)
        elif sample.job.startswith(label):
            server.post("/sdapi/v1/interrupt")
            pressed.append(sample.job)

    watch(server, BETWEEN.request, on_sample=press)
    assert pressed
    name, _, count = label.rpartition(" ")
    units = [told.rpartition(" ")[2].partition("/")[0] for told in after if f"{name} " in told]
    passed = [int(unit) for unit in units if unit.isdecimal()]
    assert all(one <= int(count) + 2 for one in passed)
    assert not after or any("Stopping" in told for told in after)


def test_the_page_is_sent_previews_that_move(server):
    """Of as many frames as the latents have, each unlike the next, once the shape can be seen to move."""
    shown: list[bytes] = []

    def look(_sample, answer):
        if answer["live_preview"]:
            shown.append(base64.b64decode(answer["live_preview"].partition(",")[2]))

    watch(server, FILM.request, on_sample=look)
    newest = Image.open(io.BytesIO(shown[-1]))
    assert ("WEBP", CHUNKS) == (newest.format, newest.n_frames)
    frames = []
    for number in range(CHUNKS):
        newest.seek(number)
        frames.append(newest.convert("RGB").tobytes())
    assert CHUNKS == len(set(frames))
