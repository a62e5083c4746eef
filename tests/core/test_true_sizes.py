"""True sizes: what is computed corrects the plan, whatever the request says."""

from __future__ import annotations

import pytest

from tests.virtual_clock import VirtualClock
from zluda_sync.core.learning.durations import Durations
from zluda_sync.core.phase import BASE, DETAIL, HIRES, Phase
from zluda_sync.core.progress.job import Job
from zluda_sync.core.progress.shape import JobShape, PassShape
from zluda_sync.core.progress.true_sizes import pixels_of_latents
from zluda_sync.core.steps.policy import SyncMode

HIRES_SHAPE = JobShape(images=2, passes=(PassShape(BASE, 4, 64, 64), PassShape(HIRES, 4, 128, 128)))


def pixels(job, image):
    """Return the pixels of each part of an image, by phase and role."""
    return {part.kind: part.pixels for part in job.parts if part.image == image}


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [
        ((1, 4, 64, 64), (1, 4, 128, 128), 4),
        ((1, 4, 64, 64), (3, 4, 64, 64), 3),
        ((1, 1024, 64), (1, 4096, 64), 4),
        ((1, 16, 64, 64), (1, 1024, 64), 1),
        ((1, 16, 9, 40, 40), (1, 16, 18, 40, 40), 2),
        ((1, 9, 16, 40, 40), (1, 16, 9, 40, 40), 1),
    ],
    ids=["larger", "more", "packed", "packed or not", "more frames", "frames first"],
)
def test_sizes_are_in_proportion_to_what_is_computed(one, other, ratio):
    """The same work has the same size however it is packed; four times the values are four times as large."""
    assert ratio * pixels_of_latents(one) == pixels_of_latents(other)


def test_latents_of_stable_diffusion_are_as_large_as_their_picture():
    """Where the scale is known, a size is what one thinks it is."""
    assert 512 * 768 == pixels_of_latents((1, 4, 96, 64))


def test_what_a_pass_computes_corrects_it_and_what_follows():
    """The input has twice as many pixels as was asked for: so have the hires pass, the decode and image 2."""
    job = Job(SyncMode.OBSERVE, HIRES_SHAPE, clock=VirtualClock())
    before = pixels(job, 1)
    part, _ledger = job.begin_pass()
    job.correct_size(part, 2 * 64 * 64)
    assert {kind: 2 * size for kind, size in before.items()} == pixels(job, 1)
    assert (2 * 64 * 64, 2 * 128 * 128) == (part.pixels, pixels(job, 0)[Phase.SAVE, BASE])


def test_each_pass_is_as_large_as_it_is_seen_to_be():
    """A hires pass of fixed size does not grow with its base, and tells nothing of that of the next image."""
    job = Job(SyncMode.OBSERVE, HIRES_SHAPE, clock=VirtualClock())
    base, _ = job.begin_pass()
    job.correct_size(base, 2 * 64 * 64)
    hires, _ = job.begin_pass(HIRES)
    job.correct_size(hires, 128 * 128)
    assert (2 * 64 * 64, 128 * 128) == (base.pixels, hires.pixels)
    later = pixels(job, 1)
    assert (2 * 64 * 64, 128 * 128) == (later[Phase.DENOISE, BASE], later[Phase.DENOISE, HIRES])
    assert 128 * 128 == later[Phase.DECODE, BASE] == pixels(job, 0)[Phase.DECODE, BASE]


def test_another_batch_leaves_the_images_before_it_alone():
    """The last batch has fewer pictures: what was made before keeps its size."""
    job = Job(SyncMode.OBSERVE, HIRES_SHAPE, clock=VirtualClock())
    first, _ = job.begin_pass()
    job.correct_size(first, 4 * 64 * 64)
    job.begin_part(Phase.DECODE)
    second, _ = job.begin_pass(image=1)
    job.correct_size(second, 64 * 64)
    made = pixels(job, 0)
    assert (4 * 64 * 64, 4 * 128 * 128) == (made[Phase.DENOISE, BASE], made[Phase.DECODE, BASE])
    assert 128 * 128 == pixels(job, 1)[Phase.DECODE, BASE]


def test_what_was_seen_of_another_batch_is_no_measure():
    """The second image is twice as large as the first: so its hires pass will be, too."""
    job = Job(SyncMode.OBSERVE, HIRES_SHAPE, clock=VirtualClock())
    for image, size in ((0, 64 * 64), (1, 2 * 64 * 64)):
        base, _ = job.begin_pass(image=image)
        job.correct_size(base, size)
        if image == 0:
            hires, _ = job.begin_pass(HIRES)
            job.correct_size(hires, 128 * 128)
    assert 2 * 128 * 128 == pixels(job, 1)[Phase.DENOISE, HIRES]


def test_a_detail_is_no_measure_of_the_rest():
    """The crop of a face is small: the next image is as large as it was."""
    job = Job(SyncMode.OBSERVE, HIRES_SHAPE, clock=VirtualClock())
    base, _ = job.begin_pass()
    job.correct_size(base, 64 * 64)
    before = pixels(job, 1)
    detail, _ = job.begin_pass(DETAIL)
    job.correct_size(detail, 32 * 32)
    assert before == pixels(job, 1)
    assert 32 * 32 == detail.pixels


def test_a_true_size_outlasts_a_new_plan():
    """A script adds images after the first step: of the size that was seen, not the one asked for."""
    job = Job(SyncMode.OBSERVE, JobShape(passes=(PassShape(BASE, 4, 64, 64),)), clock=VirtualClock())
    part, _ = job.begin_pass()
    job.correct_size(part, 3 * 64 * 64)
    job.replan(JobShape(images=2, passes=(PassShape(BASE, 4, 64, 64),)))
    assert {3 * 64 * 64} == set(pixels(job, 1).values())
    job.replan(JobShape(images=3, passes=(PassShape(BASE, 4, 32, 32),)))
    assert {32 * 32} == set(pixels(job, 2).values())
    assert 3 * 64 * 64 == part.pixels


def test_true_steps_outlast_a_new_plan():
    """An image of 20 steps looped 10 times: so will those that a script adds."""
    shape = JobShape(passes=(PassShape(BASE, 20, 64, 64),))
    job = Job(SyncMode.OBSERVE, shape, clock=VirtualClock())
    part, _ = job.begin_pass()
    job.expect_total(part, 10)
    job.replan(JobShape(images=3, passes=shape.passes))
    assert [10, 10] == [one.steps for one in job.parts if one.phase is Phase.DENOISE and one is not part][-2:]


def learn(durations, shape, latents, steps, step_s):
    """Teach a job with one pass that computes these latents."""
    clock = VirtualClock()
    job = Job(SyncMode.OBSERVE, shape, durations.memory_for(shape), clock)
    part, ledger = job.begin_pass()
    job.expect_total(part, steps)
    job.correct_size(part, pixels_of_latents(latents))
    for step in range(steps):
        ledger.record_launch()
        clock.pass_time(step_s)
        ledger.record_completion(step)
    job.deliver()
    durations.learn(shape, job.parts)


def planned(durations, shape):
    """Return steps and pixels of the pass that a job is planned with."""
    job = Job(SyncMode.OBSERVE, shape, durations.memory_for(shape))
    return next((part.steps, part.pixels) for part in job.parts if part.phase is Phase.DENOISE)


def test_what_came_of_a_request_is_planned_the_next_time():
    """The very same request: the true size and the true steps, before a step was made."""
    durations, shape = Durations(), JobShape(source="image", strength=0.5)
    learn(durations, shape, (1, 16, 64, 64), 11, 0.5)
    assert (11, pixels_of_latents((1, 16, 64, 64))) == planned(durations, shape)


def test_a_models_own_scale_holds_for_other_sizes():
    """Latents with four times the values for a picture: so it will be at twice the width."""
    durations = Durations()
    learn(durations, JobShape(passes=(PassShape(BASE, 20, 512, 512),)), (1, 1024, 64), 20, 0.5)
    wider = JobShape(passes=(PassShape(BASE, 10, 1024, 512),))
    assert (10, pixels_of_latents((1, 2048, 64))) == planned(durations, wider)


def test_what_a_script_did_to_sizes_is_not_expected_without_it():
    """A script has doubled the size: a plain job of another size is planned as it was asked for."""
    durations = Durations()
    learn(durations, JobShape(scripts="doubler"), (1, 4, 128, 128), 20, 0.5)
    plain = JobShape(passes=(PassShape(BASE, 20, 640, 640),))
    assert (20, 640 * 640) == planned(durations, plain)


def test_a_script_that_slows_the_steps_has_times_of_its_own():
    """The same work at the same size takes twice as long with it: neither learns from the other."""
    durations, plain, scripted = Durations(), JobShape(), JobShape(scripts="slow")
    kind, size = (Phase.DENOISE, BASE), pixels_of_latents((1, 4, 64, 64))
    for shape, step_s in ((plain, 0.5), (scripted, 1.0), (plain, 0.5), (scripted, 1.0)):
        learn(durations, shape, (1, 4, 64, 64), 20, step_s)
    found = [durations.find(shape, kind, size).unit_s for shape in (plain, scripted)]
    assert [0.5, 1.0] == pytest.approx(found)


def test_a_script_that_slows_nothing_learns_for_everybody():
    """Durations are kept by what was computed, not by who asked."""
    durations, plain, scripted = Durations(), JobShape(), JobShape(scripts="prompts")
    learn(durations, plain, (1, 4, 64, 64), 20, 0.5)
    known = len(durations)
    learn(durations, scripted, (1, 4, 64, 64), 20, 0.52)
    assert known == len(durations)
