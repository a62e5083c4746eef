"""In the real SD.Next, bar and ETA follow what is computed, where the request says something else."""

from __future__ import annotations

import base64
import io
import sys

import pytest
from PIL import Image

from tests.sdnext.server import ROOT, TEST_EXTENSIONS
from tests.sdnext.test_whole_job import FIRST_BAR, LEARNED_BAR, LEARNED_ETA, Figures

#: A first job is planned from what is known of other sizes: an ETA as far off as that is allowed.
FIRST_ETA = 0.15


def picture(width: int, height: int) -> str:
    """Return a picture as the API takes it."""
    file = io.BytesIO()
    Image.new("RGB", (width, height), "gray").save(file, format="PNG")
    return base64.b64encode(file.getvalue()).decode()


INPUT = {"route": "img2img", "init_images": [picture(384, 320)], "denoising_strength": 0.5}
CASES = {
    "width and height of 0": {**INPUT, "width": 0, "height": 0},
    "an input that is not resized": {**INPUT, "width": 128, "height": 128, "resize_mode": 0},
    "a script in process": {"alwayson_scripts": {"Sizes: enlarger": {"args": [True]}}},
    "a script in each batch": {"alwayson_scripts": {"Sizes: late enlarger": {"args": [True]}}},
}


@pytest.fixture(scope="module")
def plain_server(make_server):
    """A server that has learned plain jobs of 256 x 256."""
    server = make_server("sizes")
    server.install(ROOT / "extensions" / "zluda_sync", "zluda_sync")
    server.install(TEST_EXTENSIONS / "size_scripts", "size_scripts")
    server.start()
    server.set_options(zluda_sync_enabled=True, zluda_sync_mode="off", torch_sync=False)
    server.run_job(steps=2)
    server.set_options(zluda_sync_mode="run-ahead")
    for _ in range(2):
        server.run_job()
    return server


@pytest.mark.parametrize("case", CASES)
def test_what_is_computed_is_foreseen(plain_server, capsys, case):
    """After plain jobs, the first is planned by its true size, and the second knows it before it begins."""
    first, second = (Figures(plain_server.run_job(period_s=0.1, **CASES[case])) for _ in range(2))
    with capsys.disabled():
        for run, figures in (("first", first), ("second", second)):
            sys.stdout.write(f"\n{case:30}  {run:7}  {figures}")
    for figures, bar_bound, eta_bound in ((first, FIRST_BAR, FIRST_ETA), (second, LEARNED_BAR, LEARNED_ETA)):
        assert (0, 0) == (figures.falls, figures.early_full)
        assert figures.bar_error <= bar_bound
        assert figures.eta_error <= eta_bound


def test_a_plain_job_afterwards_is_as_it_was(plain_server):
    """None of them has taught anything of plain jobs."""
    figures = Figures(plain_server.run_job(period_s=0.1))
    assert figures.bar_error <= LEARNED_BAR
    assert figures.eta_error <= LEARNED_ETA
