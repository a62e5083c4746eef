"""The session: when it acts, and that it leaves nothing behind."""

from __future__ import annotations

import logging
import threading
import weakref
from types import SimpleNamespace

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modules import devices, processing_args, processing_diffusers, shared
from tests.options import DEPTH, ENABLED, MODE
from zluda_sync.core.phase import Phase


def set_options(**values):
    """Set our options in the host, as its settings page does."""
    shared.opts.data.update(values)


def test_on_zluda_the_session_acts(bench):
    """Checked by default: nothing needs to be set."""
    bench.session.reconcile()
    assert bench.session.is_acting


@pytest.mark.parametrize("backend", ["cpu", "cuda", "rocm", "ipex", "directml", ""])
def test_on_anything_else_nothing_is_installed(bench, monkeypatch, backend):
    """By default the extension acts on ZLUDA, and elsewhere not before it is known to be needed."""
    monkeypatch.setattr(devices, "backend", backend)
    bench.session.begin_job()
    assert not bench.session.is_acting


@pytest.mark.parametrize("values", [{ENABLED: False}, {MODE: "off"}])
def test_switched_off_nothing_is_installed(bench, values):
    """Unchecked or off: every name is the host's own, during a job too."""
    original = processing_args.diffusers_callback
    set_options(**values)
    bench.session.begin_job()
    assert not bench.session.is_acting
    assert processing_args.diffusers_callback is original


def test_switching_off_takes_the_patches_out_at_once(bench):
    """No restart, and a running job goes on with the host's own figures."""
    bench.begin("observe")
    bench.step(0)
    wrapped = processing_args.diffusers_callback
    set_options(**{ENABLED: False})
    bench.session.reconcile()
    assert not bench.session.is_acting
    wrapped(bench.pipe, 1, 0, {})
    assert [2] == bench.polled("sampling_step")


def test_every_patch_says_why_it_is_there(bench):
    """The table is also the documentation of what is touched."""
    bench.session.reconcile()
    assert all(patch.reason for patch in bench.session.patches.patches)
    assert len(bench.session.patches.patches) >= 12


def test_a_host_without_a_needed_name_runs_as_it_came(bench, monkeypatch, caplog):
    """An older SD.Next is named with the remedy, and nothing is half-installed."""
    monkeypatch.delattr(processing_args, "diffusers_callback_legacy")
    with caplog.at_level(logging.ERROR, logger="sd"):
        bench.session.begin_job()
    assert not bench.session.is_acting
    assert "diffusers_callback_legacy" in caplog.text


def test_a_bad_setting_is_said_once_and_the_job_is_followed(bench, caplog):
    """The default is used; ten jobs do not fill the log."""
    set_options(**{MODE: "fastest", DEPTH: 99})
    with caplog.at_level(logging.WARNING, logger="sd"):
        for _ in range(10):
            bench.session.begin_job()
            bench.session.end_job()
    assert ["zluda_sync_mode", "zluda_sync_depth"] == [
        field for record in caplog.records for field in (MODE, DEPTH) if field in record.getMessage()
    ]
    assert bench.session.is_acting


def test_a_mode_for_one_request_does_not_outlive_it(bench):
    """``override_settings`` are in the options while the job begins, and gone when the next one does."""
    set_options(**{MODE: "observe"})
    bench.session.begin_job()
    bench.session.end_job()
    set_options(**{MODE: "every-step"})
    bench.session.begin_job()
    assert "every-step" == bench.session.snapshot().mode.value


def test_closing_ends_the_watcher(bench):
    """No thread of ours outlives the extension."""
    bench.begin("observe")
    bench.step(0)
    bench.session.close()
    assert not bench.session._tracker.threads.watcher.is_running


def test_closing_ends_a_check_of_the_card_while_it_can_still_be_followed(bench, monkeypatch):
    """It is called off by the self-test's end, and uses the tracker until it has ended."""
    session, told = bench.session, list[str]()
    for name, part, end in (
        ("self-test", session.self_testing, "close"),
        ("check", session.card_checking, "close"),
        ("tracker", session._tracker, "stop"),
    ):
        ended = getattr(part, end)
        monkeypatch.setattr(part, end, lambda name=name, ended=ended: (told.append(name), ended()))
    session.close()
    assert ["self-test", "check", "tracker"] == told


def test_settings_changed_from_many_threads_leave_the_host_as_it_came(bench):
    """The page, the API and the job itself reconcile at the same time."""

    def flip(is_enabled):
        for _ in range(20):
            set_options(**{ENABLED: is_enabled})
            bench.session.reconcile()

    threads = [threading.Thread(target=flip, args=(index % 2 == 0,)) for index in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20.0)
    set_options(**{ENABLED: False})
    bench.session.reconcile()
    assert not bench.session.is_acting


def test_a_poller_keeps_no_tensor_alive(bench):
    """The thread of a client outlives the job; the latents do not."""
    bench.begin("observe")
    bench.polled("current_latent")  # from now on those of steps are kept
    bench.step(0)
    bench.finish()
    tracked = bench.session._jobs.current
    frame = weakref.ref(tracked._passes[0].frames.finished_frame(1))
    release = threading.Event()

    def poll():
        latents = bench.state.current_latent
        del latents
        release.wait(20.0)

    poller = threading.Thread(target=poll)
    poller.start()
    bench.session.end_job()
    del tracked
    assert frame() is None
    release.set()
    poller.join(20.0)


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.sampled_from(["begin", "end", "on", "off", "step", "loop", "phase", "finish", "poll", "stop"]),
        max_size=25,
    )
)
def test_any_order_of_events_keeps_the_figures_sane_and_leaves_the_host_as_it_came(bench, events):
    """Clients never read a step beyond what is finished or the total, and nothing stays installed."""
    index = 0
    for event in events:
        if event == "begin":
            bench.session.begin_job()
        elif event == "end":
            bench.session.end_job()
        elif event in ("on", "off"):
            set_options(**{ENABLED: event == "on", MODE: "observe"})
            bench.session.reconcile()
        elif event == "step":
            bench.step(index) if not bench.state.interrupted else None
            index += 1
        elif event == "loop":
            bench.begin_loop()
            index = 0
        elif event == "phase":
            bench.state.begin("VAE Decode")
        elif event == "finish":
            bench.device.finish()
        elif event == "stop":
            bench.state.interrupt()
        step, total = bench.polled("sampling_step", "sampling_steps")
        snapshot = bench.session.snapshot()
        if snapshot is not None and snapshot.pass_index is not None:
            assert snapshot.completed <= snapshot.launched
            assert step <= max(total, snapshot.launched)
    set_options(**{ENABLED: False})
    bench.session.reconcile()
    assert not bench.session.is_acting


def test_what_a_script_changes_after_the_job_has_begun_is_planned(bench, monkeypatch):
    """Dynamic prompts set the number of images in process(): the label counts them, the plan has them."""
    request = SimpleNamespace(steps=4, width=64, height=64, n_iter=1, batch_size=1, iteration=0)
    monkeypatch.setattr(processing_diffusers, "process_diffusers", lambda p: [bench.step(0)])
    bench.begin("observe", processing=request)
    assert 1 == bench.session.snapshot().images
    request.n_iter = 4
    processing_diffusers.process_diffusers(request)
    assert 4 == bench.session.snapshot().images
    assert bench.session.snapshot().label.startswith("Image 1/4: ")
    bench.session.close()


def test_what_is_computed_corrects_the_plan(bench):
    """The latents of the first step say 128 x 64, whatever the request says; so does what follows."""
    request = SimpleNamespace(steps=4, width=64, height=64, n_iter=2, batch_size=1, iteration=0)
    bench.begin("observe", processing=request)
    bench.step(0, latents=torch.zeros(1, 4, 8, 16))
    assert {128 * 64} == {part.pixels for part in bench.session._jobs.current.job.parts}


def test_a_size_that_changes_between_images_changes_what_follows(bench):
    """A script gives the second image another size: what has begun keeps its own."""
    request = SimpleNamespace(steps=4, width=64, height=64, n_iter=3, batch_size=1, iteration=0)
    bench.begin("observe", processing=request)
    job = bench.session._jobs.current
    bench.state.begin("TE Encode")
    job.announce_loop(4)
    for index in range(4):
        bench.step(index, latents=torch.zeros(1, 4, 8, 8))
    bench.state.begin("VAE Decode")
    request.iteration, request.width, request.steps = 1, 128, 6
    job.begin_image()
    parts = job.job.parts
    assert {64 * 64} == {part.pixels for part in parts if part.began_at_s is not None}
    assert {128 * 64} == {part.pixels for part in parts if part.image == 2}
    assert 6 == next(part.steps for part in parts if (part.phase, part.image) == (Phase.DENOISE, 2))


def test_a_hires_pass_does_not_change_what_was_asked_for(bench):
    """In a hires pass the host puts that pass's strength in the place of the request's, and takes it back."""
    request = SimpleNamespace(
        steps=4, width=64, height=64, n_iter=2, batch_size=1, iteration=0, denoising_strength=0.7,
        enable_hr=True, hr_upscaler="Latent",
    )  # fmt: skip
    bench.begin("observe", processing=request)
    job = bench.session._jobs.current
    job.announce_loop(4)
    before = job.job.shape
    request.is_hr_pass, request.denoising_strength = True, 0.2
    job.announce_loop(4)
    assert before is job.job.shape


def test_a_size_that_the_host_finds_out_by_itself_is_planned(bench):
    """A width of 0 means that of the input picture, which the host looks at after the job has begun."""
    request = SimpleNamespace(steps=4, width=0, height=0, n_iter=1, batch_size=1, iteration=0)
    bench.begin("observe", processing=request)
    request.width, request.height = 64, 32
    bench.session._jobs.current.announce_loop(4)
    assert {64 * 32} == {part.pixels for part in bench.session._jobs.current.job.parts}
