"""What `run_host.py --once` reports and writes."""

from __future__ import annotations

import hashlib
from pathlib import Path

from PIL import Image

from bench.host.job import FinishedJob, WantedJob
from bench.host.once import build_report, save_pictures
from bench.truth.measured_job import MeasuredJob

RED, BLUE = (255, 0, 0), (0, 0, 255)


def test_the_report_has_exactly_the_documented_keys():
    """Clients read them by name."""
    job = FinishedJob([Image.new("RGB", (2, 2), RED)], MeasuredJob(0.0, 1.0))
    assert list(build_report(job, "observe", WantedJob(steps=7))) == [
        "mode",
        "steps",
        "total_s",
        "bar_error_mean",
        "bar_error_max",
        "falls",
        "early_full_s",
        "eta_error_mean",
        "eta_coverage",
        "step_error_max",
        "lead_samples",
        "run_ahead_max",
        "previews",
        "preview_lag_max",
        "image_sha256",
    ]


def test_the_digest_is_of_the_raw_pixels_of_all_pictures_in_order():
    """Neither the file format nor the picture's mode matters."""
    pictures = [Image.new("RGB", (1, 1), RED), Image.new("RGBA", (1, 1), BLUE)]
    expected = hashlib.sha256(bytes([*RED, *BLUE])).hexdigest()
    assert FinishedJob(pictures, MeasuredJob(0.0, 1.0)).image_sha256 == expected


def test_every_picture_gets_a_file_of_its_own(tmp_path: Path):
    """The first has the name that was asked for."""
    pictures = [Image.new("RGB", (1, 1), RED), Image.new("RGB", (1, 1), BLUE)]
    files = save_pictures(pictures, tmp_path / "out.png")
    assert [file.name for file in files] == ["out.png", "out-2.png"]
    colours = []
    for file in files:
        with Image.open(file) as picture:
            colours.append(picture.getpixel((0, 0)))
    assert colours == [RED, BLUE]
