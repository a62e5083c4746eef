"""Which samplers let the host run ahead of the device: the defect is seen with those alone."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator

import pytest

from modules import extensions, processing, processing_diffusers, script_callbacks, shared, webui
from modules.emulated_device import QUEUE, DeviceQueue

# diffusers turns a tensor into an array in a way that NumPy 2 warns of
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

STEPS = 6


@pytest.fixture(scope="module", autouse=True)
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The host as it comes, with its own model, on a fast device and without an extension."""
    folder = tmp_path_factory.mktemp("samplers")
    (folder / "extensions").mkdir()
    places = ("--data-dir", str(folder), "--extensions-dir", str(folder / "extensions"))
    webui.start_host(
        [*places, "--device", "emulated", "--step-ms", "1", "--encode-ms", "1", "--decode-ms", "1"]
    )
    yield
    script_callbacks.clear_callbacks()
    extensions.extensions.clear()
    shared.opts.filename = ""
    shared.opts.data.clear()


def count_waits(patch: pytest.MonkeyPatch, **job: object) -> list[int]:
    """Run a job; return how often its thread waited for the device between one step's launch and the next."""
    queueing, waits, wait = threading.current_thread(), [0], DeviceQueue.wait
    before_launch: list[int] = []

    def counted(queue: DeviceQueue, *args: object, **kwargs: object) -> bool:
        waits[0] += queue is QUEUE and threading.current_thread() is queueing
        return wait(queue, *args, **kwargs)

    patch.setattr(DeviceQueue, "wait", counted)
    handle = shared.sd_model.unet.register_forward_pre_hook(lambda *_: before_launch.append(waits[0]))
    common = {"prompt": "a red circle on blue", "seed": 1, "steps": STEPS, "width": 64, "height": 64}
    try:
        processing.process_images(
            processing.StableDiffusionProcessingTxt2Img(**common, do_not_save_samples=True, **job)
        )
    finally:
        handle.remove()
    return [after - before for before, after in itertools.pairwise(before_launch)]


@pytest.mark.parametrize("sampler", list(processing_diffusers.SAMPLERS))
def test_a_sampler_waits_in_each_step_or_in_none(monkeypatch, sampler):
    """But for the first, in which some look for where they begin; the page names those that do."""
    _first, *later = count_waits(monkeypatch, sampler_name=sampler)
    assert STEPS - 2 <= len(later)
    assert (sampler in processing_diffusers.READING_BACK) == (min(later) > 0) == (max(later) > 0)


def test_the_default_sampler_waits_in_no_step():
    """With another one the default job would not show how far a host runs ahead."""
    assert "Default" not in processing_diffusers.READING_BACK


@pytest.mark.parametrize("cfg_scale", [1.0, 2.0], ids=["without guidance", "with guidance"])
def test_a_job_waits_between_its_passes_and_in_no_step(monkeypatch, cfg_scale):
    """There the host fetches the latents; within a pass nothing of it waits."""
    waits = count_waits(monkeypatch, enable_hr=True, hr_scale=1.5, cfg_scale=cfg_scale)
    assert 2 * STEPS - 1 <= len(waits)
    assert [STEPS - 1] == [index for index, count in enumerate(waits) if count]
