"""The measured kinds of job, run for real and short on the CPU."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bench.campaigns.modes_plan import FULL_PLAN, Case
from bench.host.job import REQUEST_TITLE, WantedJob, run_job
from bench.host.unforeseen import unforeseen_passes
from modules import extensions, processing, script_callbacks, shared, webui

# diffusers turns a tensor into an array in a way that NumPy 2 warns of
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The host without an extension."""
    folder = tmp_path_factory.mktemp("host")
    (folder / "extensions").mkdir()
    arguments = ["--data-dir", str(folder), "--extensions-dir", str(folder / "extensions"), "--device", "cpu"]
    yield webui.start_host(arguments).app
    script_callbacks.clear_callbacks()
    extensions.extensions.clear()
    shared.opts.filename = ""
    shared.opts.data.clear()


def short(wanted: WantedJob) -> WantedJob:
    """The same kind of job, small and with two steps."""
    return replace(wanted, steps=2, size_px=64)


@pytest.mark.parametrize("case", FULL_PLAN.cases, ids=lambda case: case.name)
def test_each_kind_of_job_has_its_pictures_and_its_passes(app: Any, case: Case):
    """As many passes as the request tells, and one more where it does not tell all."""
    job = run_job(short(case.wanted), app=app)
    assert len(job.images) == case.wanted.batches
    assert len(job.measured.passes) == case.wanted.planned_passes + case.wanted.unforeseen
    assert [len(one.completed_s) for one in job.measured.passes[: case.wanted.planned_passes]] == [
        2
    ] * case.wanted.planned_passes


def test_a_record_knows_when_the_phases_began(app: Any):
    """At least the process, its pass, and the decode, each within the job and in order."""
    measured = run_job(short(WantedJob()), app=app).measured
    assert len(measured.phases_began_s) >= 3
    assert list(measured.phases_began_s) == sorted(measured.phases_began_s)
    assert measured.started_s <= measured.phases_began_s[0]
    assert measured.phases_began_s[-1] <= measured.ended_s


def test_a_picture_is_made_from_another(app: Any):
    """Pictures to begin with that differ give results that differ, with the same seed and prompt."""
    results = set()
    for grey in (0, 255):
        request = processing.StableDiffusionProcessingImg2Img(
            init_images=[Image.new("RGB", (64, 64), (grey,) * 3)],
            denoising_strength=0.3,
            steps=2,
            seed=7,
            width=64,
            height=64,
            do_not_save_samples=True,
        )
        [image] = processing.process_images(request).images
        results.add(image.tobytes())
    assert len(results) == 2


def test_an_unforeseen_pass_comes_as_a_detailer_s(app: Any):
    """Between the decode and the result: a job of its own, from picture to picture."""
    shared.state.state_history.clear()
    run_job(short(WantedJob(unforeseen=True)), app=app)
    began = [entry["job"] for entry in shared.state.state_history if entry["op"] == "begin"]
    one_pass = ["base", "params", "te encode", "inference", "vae decode"]
    assert began == [REQUEST_TITLE.lower(), "process", *one_pass, "detailer", "process", *one_pass]


def test_the_host_is_left_as_it_came(app: Any):
    """After an unforeseen pass its own function stands there again, also after an error."""
    before = processing.process_samples
    with pytest.raises(RuntimeError), unforeseen_passes():
        raise RuntimeError("the job failed")
    assert processing.process_samples is before


def test_nothing_is_saved(app: Any, tmp_path: Path):
    """Measuring leaves no pictures behind."""
    assert shared.opts.samples_save
    run_job(short(WantedJob(strength=0.5)), app=app)
    assert not list(Path(shared.opts.filename).parent.rglob("outputs/**/*.png"))
