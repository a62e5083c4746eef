"""Ways to use the real SD.Next that make no picture: upscaling in its tab "Process", and loading a model."""

from __future__ import annotations

import pytest

from bench.real_host.way_requests import build_ways
from bench.real_host.way_run import Ways, find_run_misses, find_stop_misses
from bench.real_host.ways import start_ways_server

BY_NAME = {way.name: way for way in build_ways()}


@pytest.fixture(scope="module")
def ways(tmp_path_factory):
    """SD.Next with the extension, an upscaler, and models that take their time to load."""
    server = start_ways_server(tmp_path_factory.mktemp("ways"))
    server.set_options(zluda_sync_mode="run-ahead")
    yield Ways(server)
    server.stop()


@pytest.mark.parametrize("name", ["process, 3 files", "process, tiles twice"])
def test_upscaling_has_a_bar_a_label_and_a_stop(ways, name):
    """Once learned the bar is true; a Stop ends all files, and both upscalers."""
    way = BY_NAME[name]
    runs = [ways.take(way) for _ in range(2)]
    assert [] == find_run_misses(way, runs[-1], is_first=True)
    stopped = ways.stop(way, runs[-1].watched.job.total_s)
    assert [] == find_stop_misses(way, stopped, 1)


@pytest.mark.parametrize("name", ["reload", "another model by its option"])
def test_loading_a_model_has_a_label_and_no_full_bar(ways, name):
    """By an option and by a route; what comes next is as ever."""
    run = ways.take(BY_NAME[name])
    assert any(label.startswith("Loading model") for label in run.watched.labels)
    assert max(sample.progress for sample in run.watched.job.samples) < 1.0
    assert () == ways.find_left()
