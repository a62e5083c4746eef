"""The host's progress fields: other threads see what the device has finished, the job sees its own."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from modules import shared

LATENTS_FIELDS = ("current_latent", "current_noise_pred", "current_sigma", "current_sigma_next")


def test_other_threads_see_completed_steps_and_the_job_its_own(bench):
    """Three steps are queued, one is finished: clients read 1, the host's own code 3."""
    bench.begin("observe")
    for index in range(3):
        bench.step(index)
    bench.finish(1)
    assert [1, 4] == bench.polled("sampling_step", "sampling_steps")
    assert 3 == bench.state.sampling_step


def test_the_total_is_known_before_the_first_step_is_finished(bench):
    """A client sees 0 of 4 while the first step is in flight."""
    bench.begin("observe")
    bench.step(0)
    assert [0, 4] == bench.polled("sampling_step", "sampling_steps")


@pytest.mark.parametrize("mode", ["every-step", "run-ahead", "observe"])
def test_the_last_step_is_shown_as_soon_as_it_is_finished(bench, mode):
    """The bar of the pass gets full."""
    bench.device.finishes_on_wait = True
    bench.begin(mode)
    for index in range(4):
        bench.device.finish()
        bench.step(index)
    bench.finish()
    assert [4, 4] == bench.polled("sampling_step", "sampling_steps")


def test_a_pass_is_shown_until_the_device_has_finished_it(bench):
    """The host is in VAE decode while steps are still in flight: the pass stays, under its name and clock."""
    bench.begin("observe")
    started_at = bench.state.time_start
    for index in range(4):
        bench.step(index)
    bench.finish(2)
    bench.state.end()
    bench.state.begin("VAE Decode")
    assert ["Inference", 2, 4, started_at] == bench.polled(
        "job", "sampling_step", "sampling_steps", "time_start"
    )
    bench.finish()
    assert ["VAE Decode", 0, 0] == bench.polled("job", "sampling_step", "sampling_steps")


def test_a_settings_page_that_resets_the_state_does_not_disturb_the_pass(bench):
    """``wrap_gradio_call`` begins a phase of its own in mid-run, on its own thread."""
    bench.begin("observe")
    bench.step(0)
    bench.step(1)
    bench.finish(1)
    bench.in_thread(lambda: bench.state.begin("settings"))
    assert ["Inference", 1, 4] == bench.polled("job", "sampling_step", "sampling_steps")
    bench.finish()
    assert ["Inference", 2, 4] == bench.polled("job", "sampling_step", "sampling_steps")


def test_only_latents_of_finished_steps_are_shown(bench):
    """What is in flight is nobody's to read but the job's."""
    bench.begin("observe")
    bench.step(0)
    assert [None] == bench.polled("current_latent")
    bench.step(1)
    bench.step(2)
    bench.finish(2)
    (latents,) = bench.polled("current_latent")
    assert 1.0 == latents.mean().item()
    assert 2.0 == bench.state.current_latent.mean().item()


def test_latents_and_noise_prediction_belong_to_the_same_step(bench):
    """Who has read the latents of a step gets the prediction of that step, though more is finished."""
    bench.begin("observe")
    bench.polled("current_latent")  # from now on those of steps are kept
    for index in range(3):
        bench.step(index, noise_pred=torch.full((1, 4, 2, 2), 10.0 + index))
    bench.finish(1)

    def read_while_the_device_goes_on():
        latents = bench.state.current_latent
        bench.finish(3)
        return latents.mean().item(), bench.state.current_noise_pred.mean().item()

    assert (0.0, 10.0) == bench.in_thread(read_while_the_device_goes_on)


def test_who_reads_for_the_first_time_gets_the_hosts_latents_if_all_is_finished(bench):
    """Nothing was kept for nobody; in mid-flight there is nothing to show, as before the first step."""
    bench.begin("observe")
    bench.step(0)
    bench.step(1)
    bench.finish(1)
    assert [None] == bench.polled("current_latent")
    bench.session._previews._latents_read_at_s = None  # long ago
    bench.finish()
    (latents,) = bench.polled("current_latent")
    assert 1.0 == latents.mean().item()


def test_latents_that_a_pipeline_overwrites_are_not_torn(bench):
    """It goes on in the same memory; what is shown of a step is what that step left."""
    bench.begin("observe")
    bench.polled("current_latent")
    latents = torch.zeros(1, 4, 2, 2)
    for index in range(3):
        bench.step(index, latents=latents.fill_(index))
    bench.finish(1)
    assert 0.0 == bench.polled("current_latent")[0].mean().item()
    bench.finish(2)
    assert 1.0 == bench.polled("current_latent")[0].mean().item()


def test_the_prediction_of_a_clip_is_of_the_frame_that_the_latents_show(bench):
    """The host keeps one frame of the latents and all of the prediction: alone, it could not add them."""
    bench.begin("observe")
    bench.polled("current_latent")
    clip = torch.arange(5.0).reshape(1, 1, 5, 1, 1).expand(1, 4, 5, 2, 2)
    bench.step(0, latents=clip[:, :, 2], noise_pred=clip)
    bench.finish()
    latents, prediction = bench.polled("current_latent", "current_noise_pred")
    assert torch.equal(latents, prediction)


def test_the_step_never_exceeds_the_total_a_thread_reads_next(bench):
    """``/sdapi/v1/progress`` adds to the total until it is not below the step; that must end."""
    bench.begin("observe")
    for index in range(4):
        bench.step(index)
    bench.finish()

    def read_over_the_change_of_pass():
        step = bench.state.sampling_step
        bench.pipe.num_timesteps = 2
        bench.in_thread(lambda: (bench.begin_loop(), bench.step(0)))
        return step, bench.state.sampling_steps

    step, total = bench.in_thread(read_over_the_change_of_pass)
    assert step <= total


def test_a_new_loop_counts_from_its_own_beginning(bench):
    """The second image of a batch begins at 0, not where the first ended."""
    bench.begin("observe")
    for index in range(4):
        bench.step(index)
    bench.finish()
    bench.begin_loop()
    bench.step(0)
    assert [0, 4] == bench.polled("sampling_step", "sampling_steps")


def test_a_host_that_counts_on_over_images_is_followed(bench):
    """Before September 2025 there was one begin a job, and counts ran on: 4 of 8, then 5 of 8."""
    bench.begin("observe")
    bench.state.sampling_steps = 8
    for index in range(4):
        bench.step(index)
    bench.finish()
    bench.step(0)
    bench.finish()
    assert [5, 8] == bench.polled("sampling_step", "sampling_steps")


def test_writes_of_other_threads_reach_the_host(bench):
    """A field is a window, not a wall: what is written is there once the job is over."""
    bench.begin("observe")
    bench.step(0)
    bench.in_thread(lambda: setattr(bench.state, "sampling_steps", 77))
    bench.session.end_job()
    assert 77 == bench.state.sampling_steps


@pytest.mark.parametrize("name", LATENTS_FIELDS)
def test_class_attributes_read_as_before(bench, name):
    """Code that looks at the class, not at the state, finds the host's default."""
    bench.begin("observe")
    assert getattr(type(bench.state), name) is None


def test_after_the_job_the_hosts_own_values_are_shown(bench):
    """No figure of ours outlives the job."""
    bench.begin("observe")
    bench.step(0)
    bench.session.end_job()
    assert [1] == bench.polled("sampling_step")
    assert bench.polled("current_latent")[0] is bench.state.current_latent


def test_a_host_that_replaces_its_state_in_mid_job_is_followed(bench, monkeypatch):
    """Until April 2025 an upscale put a copy of the state aside and another in its place."""
    bench.begin("observe")
    for index in range(4):
        bench.step(index)
    bench.finish()
    replaced = type(bench.state)()
    monkeypatch.setattr(shared, "state", replaced)
    bench.state = replaced
    bench.begin_loop()
    replaced.sampling_steps = 4
    bench.step(0)
    bench.finish()
    assert [1, 4] == bench.polled("sampling_step", "sampling_steps")
    assert bench.polled("current_latent")[0] is not None


def test_a_thread_that_was_shown_an_earlier_job_sees_the_total_of_this_one(bench):
    """Servers answer by a few threads, which outlive every job; some clients ask for the total first."""
    with ThreadPoolExecutor(1) as pool:

        def polled(name):
            return pool.submit(getattr, bench.state, name).result(20.0)

        bench.begin("observe")
        for index in range(4):
            bench.step(index)
        bench.finish()
        assert 4 == polled("sampling_step")
        bench.session.end_job()
        bench.pipe.num_timesteps = 2
        bench.begin("observe")
        bench.step(0)
        assert 2 == polled("sampling_steps")
