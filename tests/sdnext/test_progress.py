"""In the real SD.Next, its own progress fields say what the device has finished."""

from __future__ import annotations

import pytest

RUN_AHEAD_BOUND = {"every-step": 1, "run-ahead": 2}


@pytest.mark.parametrize("torch_sync", [False, True])
@pytest.mark.parametrize("mode", ["every-step", "run-ahead", "observe"])
def test_steps_are_reported_when_they_are_finished(server, mode, torch_sync):
    """Never ahead of the device and at most one step behind it, whatever the host's own sync is set to."""
    server.set_options(zluda_sync_enabled=True, zluda_sync_mode=mode, torch_sync=torch_sync)
    job = server.run_job()
    assert len(job.denoise_polls()) > 10
    assert job.step_error_max() <= 1
    assert 0 == job.leads()
    assert job.run_ahead_max() <= RUN_AHEAD_BOUND.get(mode, 12)


@pytest.mark.parametrize("mode", ["run-ahead", "observe"])
def test_the_hosts_own_synchronize_is_replaced(server, mode):
    """Our wait takes the place of the full synchronize, it does not come on top of it."""
    server.set_options(zluda_sync_enabled=True, zluda_sync_mode=mode, torch_sync=True)
    assert 0 == server.run_job().synchronized


def test_every_step_synchronizes_once_a_step(server):
    """One synchronize a step, not two."""
    server.set_options(zluda_sync_enabled=True, zluda_sync_mode="every-step", torch_sync=True)
    assert 12 == server.run_job().synchronized


def test_off_shows_the_defect(server):
    """Without us and without the host's sync, the bar is filled while the device has hardly begun."""
    if not server.can_switch_its_sync:
        pytest.skip("this version of SD.Next always synchronizes")
    server.set_options(zluda_sync_enabled=True, zluda_sync_mode="off", torch_sync=False)
    job = server.run_job()
    assert job.run_ahead_max() >= 6
    assert job.leads() > 0


def test_no_mode_changes_the_picture(server):
    """Waiting and watching leave every pixel as it is."""
    pictures = set()
    for mode in ("off", "every-step", "run-ahead", "observe"):
        server.set_options(zluda_sync_enabled=True, zluda_sync_mode=mode, torch_sync=False)
        pictures.update(server.run_job(steps=4, save_images=False).images)
    assert 1 == len(pictures)


def test_previews_are_of_finished_steps(server):
    """Pictures come while the device works, each of a step that is done."""
    server.set_options(zluda_sync_enabled=True, zluda_sync_mode="observe", torch_sync=False)
    job = server.run_job()
    shown = [poll for poll in job.denoise_polls() if poll.answer["live_preview"]]
    assert len({poll.answer["live_preview"] for poll in shown}) >= 6
    first = shown[0]
    assert first.answered_at_s >= job.loops[0][0]


@pytest.mark.parametrize("mode", ["every-step", "run-ahead", "observe"])
def test_each_image_and_pass_counts_from_its_own_beginning(server, mode):
    """Two images with a hires pass each: four loops, and the bar follows the device through all."""
    server.set_options(zluda_sync_enabled=True, zluda_sync_mode=mode, torch_sync=False)
    hires = {"enable_hr": True, "hr_scale": 1.5, "hr_second_pass_steps": 6, "hr_resize_mode": 1}
    job = server.run_job(steps=8, n_iter=2, denoising_strength=0.5, hr_upscaler="Latent Nearest", **hires)
    assert 4 == len(job.loops)
    assert 2 == len(job.images)
    for loop in (0, 2):
        assert job.step_error_max(loop) <= 1
        assert 0 == job.leads(loop)


def test_a_switched_off_extension_leaves_no_patch(server):
    """Unchecked, every name is the host's own, and a job leaves it so; checked again, it acts again."""
    server.set_options(zluda_sync_enabled=True, zluda_sync_mode="every-step")
    assert server.get("/async_device/patched")
    server.set_options(zluda_sync_enabled=False)
    assert [] == server.get("/async_device/patched")
    server.run_job(steps=3)
    assert [] == server.get("/async_device/patched")
    server.set_options(zluda_sync_enabled=True, zluda_sync_mode="off")
    assert [] == server.get("/async_device/patched")


def test_a_job_leaves_the_users_config_alone(server):
    """Nothing is written to config.json by generating."""
    server.set_options(zluda_sync_enabled=True, zluda_sync_mode="run-ahead", torch_sync=True)
    server.run_job(steps=3)
    before = server.config.read_bytes()
    server.run_job(steps=3)
    assert before == server.config.read_bytes()


def test_settings_for_one_request_hold_for_that_request(server):
    """``override_settings`` works, and leaves the user's settings as they were."""
    server.set_options(zluda_sync_enabled=True, zluda_sync_mode="observe", torch_sync=False)
    job = server.run_job(override_settings={"zluda_sync_mode": "every-step"})
    assert job.run_ahead_max() <= 1
    assert "observe" == server.get("/sdapi/v1/options?option=zluda_sync_mode").get(
        "zluda_sync_mode", "observe"
    )
    assert server.run_job().run_ahead_max() > 2


def test_a_bad_value_is_named_in_the_log_and_the_job_goes_on(server):
    """An unknown mode through the API: the default is used, the message names the field."""
    server.set_options(zluda_sync_enabled=True, zluda_sync_mode="fastest <b>")
    job = server.run_job(steps=3)
    assert 1 == len(job.images)
    assert "zluda_sync_mode" in server.log.read_text(errors="replace")
    server.set_options(zluda_sync_mode="every-step")
