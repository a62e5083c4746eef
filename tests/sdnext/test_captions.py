"""Pictures that are described by a model that writes: its bar, its label and its Stop in the real SD.Next."""

from __future__ import annotations

import pytest

from bench.real_host.small_captioner import TOKENS
from bench.real_host.way_requests import build_ways
from bench.real_host.way_run import Ways, find_run_misses, find_stop_misses
from bench.real_host.ways import start_ways_server

WAYS = {way.name: way for way in build_ways()}


@pytest.fixture(scope="module")
def ways(tmp_path_factory):
    """SD.Next with the extension, and a model that writes a token in a tenth of a second."""
    server = start_ways_server(tmp_path_factory.mktemp("captions"))
    server.set_options(zluda_sync_mode="run-ahead")
    yield Ways(server)
    server.stop()


@pytest.mark.parametrize(("name", "texts"), [("caption", 1), ("caption, 3 files", 3)])
def test_a_caption_has_a_bar_a_label_and_a_stop(ways, name, texts):
    """One bar over all files; a Stop ends the text after the token, and no picture's request suffers."""
    way = WAYS[name]
    runs = [ways.take(way) for _ in range(2)]
    assert [] == find_run_misses(way, runs[-1], is_first=True)
    assert texts * TOKENS == runs[-1].steps
    stopped = ways.stop(way, runs[-1].watched.job.total_s)
    assert [] == find_stop_misses(way, stopped, 1)
