"""The hooks: all three kinds of pipeline are counted, and the host's callback is left in charge."""

from __future__ import annotations

import inspect
import logging

import pytest
import torch
from diffusers import DiffusionPipeline

from modules import devices, processing_args, processing_callbacks, shared
from zluda_sync.host import acting as acting_module
from zluda_sync.host.job import followed
from zluda_sync.host.job.followed import HostJob


class SilentPipeline(DiffusionPipeline):
    """A pipeline that calls nobody back; it only draws its progress bar."""

    def loop(self, steps: int, by_update: bool):
        if by_update:
            with self.progress_bar(total=steps) as bar:
                for step in range(steps):
                    yield step
                    bar.update()
        else:
            yield from self.progress_bar(range(steps))


@pytest.mark.parametrize("kind", ["step-end", "legacy"])
def test_callbacks_are_counted(bench, kind):
    """Each call of either callback is one step."""
    bench.begin("observe")
    step = bench.step if kind == "step-end" else bench.legacy_step
    for index in range(3):
        step(index)
    bench.finish()
    assert 3 == bench.session.snapshot().completed
    assert [3] == bench.polled("sampling_step")


@pytest.mark.parametrize("by_update", [True, False])
@pytest.mark.parametrize("is_drawn", [True, False])
def test_pipelines_without_callback_are_counted_by_their_bar(bench, by_update, is_drawn):
    """The progress bar is the only sign of a step, drawn or not, updated or iterated."""
    pipe = SilentPipeline()
    pipe.set_progress_bar_config(disable=not is_drawn)
    bench.begin("observe")
    seen = [bench.session.snapshot().launched for _ in pipe.loop(3, by_update)]
    bench.finish()
    snapshot = bench.session.snapshot()
    assert [0, 1, 2] == seen
    assert (3, 3) == (snapshot.completed, snapshot.launched)
    if by_update is False or is_drawn:
        assert 3 == snapshot.total


def test_the_host_is_asked_for_no_frame_while_nobody_looks(bench, monkeypatch):
    """Its fields stand on the way of each step; most steps of most jobs have no preview."""
    monkeypatch.setattr(followed, "find_frame", lambda *args: pytest.fail("asked"))
    bench.begin("observe")
    for index in range(3):
        bench.step(index)
    assert 3 == bench.session.snapshot().launched


def test_a_bar_beside_a_callback_counts_nothing_twice(bench):
    """diffusers calls back and then moves its bar."""
    pipe = SilentPipeline()
    bench.begin("observe")
    for index in pipe.loop(3, by_update=True):
        bench.step(index)
    assert 3 == bench.session.snapshot().launched


def test_a_host_that_counts_by_itself_is_followed(bench):
    """Video tabs raise the host's counter without any callback of ours."""
    bench.begin("observe")
    for _ in range(3):
        bench.state.step()
    bench.finish()
    assert 3 == bench.session.snapshot().completed


def test_a_host_that_counts_by_itself_is_shown_what_is_finished(bench):
    """Three steps written, two finished: two are shown, not three."""
    bench.begin("observe")
    for _ in range(3):
        bench.state.step()
    bench.finish(2)
    assert [2] == bench.polled("sampling_step")


def test_a_bar_that_moves_before_the_callback_counts_nothing_twice(bench):
    """Some pipelines move their bar first and then call back."""
    pipe = SilentPipeline()
    bench.begin("observe")
    with pipe.progress_bar(total=3) as bar:
        for index in range(3):
            bar.update()
            bench.legacy_step(index)
    bench.finish()
    assert [3, 3] == bench.polled("sampling_step", "sampling_steps")
    assert 3 == bench.session.snapshot().launched


def test_a_bar_that_cannot_be_followed_is_left_alone(bench, monkeypatch):
    """A pipeline with a bar of its own kind runs as ever."""

    class Bar:
        __slots__ = ("total",)

        def update(self, n=1):
            return n

    bench.begin("observe")
    hooks = bench.session._plan._hooks
    switch = type("On", (), {"is_on": True})()
    assert 1 == hooks.wrap_progress_bar(lambda pipe: Bar(), switch)(None).update()


def test_an_error_while_a_job_is_opened_never_reaches_the_pipeline(bench, monkeypatch):
    """A step outside any job opens one; if that fails, the pipeline goes on."""
    bench.session.reconcile()

    def fail(host):
        raise RuntimeError("no device")

    monkeypatch.setattr(acting_module, "accelerator_of", fail)
    bench.step(0)
    bench.state.sampling_step = None
    bench.state.sampling_step = 0


def test_switching_off_releases_a_host_that_waits(bench):
    """The user unticks the box in mid-wait: the job goes on at once."""
    waiting = bench.wait_in_second_step()
    assert waiting.is_alive()
    shared.opts.data["zluda_sync_enabled"] = False
    bench.session.reconcile()
    waiting.join(20.0)
    assert not waiting.is_alive()


def test_a_thread_beside_the_job_does_not_take_it_over(bench):
    """Another pipeline on another thread counts nothing into this job."""
    bench.begin("observe")
    bench.step(0)
    bench.in_thread(lambda: bench.step(0))
    assert 1 == bench.session.snapshot().launched


def test_second_order_samplers_are_counted_by_their_callbacks(bench):
    """Heun announces 4 steps and calls back 7 times: the pass has 7."""
    bench.pipe.num_timesteps = 7
    bench.begin("observe")
    for index in range(7):
        bench.step(index)
    bench.finish()
    assert [7, 7] == bench.polled("sampling_step", "sampling_steps")


def test_stop_passes_through(bench):
    """The host signals Stop by an AssertionError from its callback, and we are not in its way."""
    bench.begin("observe")
    bench.step(0)
    bench.state.interrupt()
    with pytest.raises(AssertionError, match="Interrupted"):
        bench.step(1)
    assert 2 == bench.session.snapshot().launched


def test_the_callback_returns_what_the_host_returns(bench):
    """diffusers goes on with the very dictionary that the host gave back."""
    bench.begin("observe")
    kwargs = {"latents": torch.zeros(1, 4, 2, 2), "prompt_embeds": torch.zeros(1)}
    assert processing_args.diffusers_callback(bench.pipe, 0, 0, kwargs) is kwargs


@pytest.mark.parametrize("name", ["diffusers_callback", "diffusers_callback_legacy"])
def test_signatures_are_kept(bench, name):
    """Whoever inspects the callback finds the host's parameters."""
    before = inspect.signature(getattr(processing_args, name))
    bench.begin("observe")
    assert before == inspect.signature(getattr(processing_args, name))


def test_our_marker_comes_before_the_hosts_callback(bench):
    """What the host does in its callback is no part of the step."""
    bench.begin("observe")
    order = []
    bench.device.call = order.append
    bench.state.current_image = None
    original_step = type(bench.state).step
    try:
        type(bench.state).step = lambda self, n=1: (order.append("host"), original_step(self, n))
        bench.step(0)
    finally:
        type(bench.state).step = original_step
    assert order.index("record") < order.index("host")


def test_the_wait_comes_before_the_hosts_callback(bench):
    """A Stop pressed during the wait is seen by the host right after it, not a step later."""
    outcome = []
    waiting = bench.wait_in_second_step(outcome)
    bench.device.finish(1)
    bench.state.interrupt()
    waiting.join(20.0)
    assert ["Interrupted..."] == outcome


def test_the_hosts_own_synchronize_is_off_while_we_wait(bench):
    """The host asks its backend only to synchronize; it is told another name, and only there."""
    bench.begin("observe")
    assert processing_callbacks.devices.backend not in {"cuda", "zluda", "rocm", "ipex"}
    assert "zluda" == devices.backend
    assert processing_callbacks.devices.device is devices.device
    bench.session.end_job()
    assert "zluda" == processing_callbacks.devices.backend


def test_an_error_of_ours_never_reaches_the_pipeline(bench, monkeypatch, caplog):
    """It is logged once with its traceback; the job goes on with the host's own figures and synchronize."""

    def fail(*args):
        raise RuntimeError("a bug of ours")

    bench.begin("observe")
    monkeypatch.setattr(HostJob, "settle_step", fail)
    with caplog.at_level(logging.ERROR, logger="sd"):
        for index in range(3):
            bench.step(index)
    assert 1 == len([record for record in caplog.records if record.levelno >= logging.ERROR])
    assert "a bug of ours" in caplog.text
    assert "Traceback" in caplog.text
    assert [3] == bench.polled("sampling_step")
    assert "zluda" == processing_callbacks.devices.backend


def test_without_any_rung_the_host_is_as_it_came_for_this_job(bench, caplog):
    """No way to learn of completions: said once, and no figure is invented."""
    bench.begin("every-step")
    bench.device.failing = {"synchronize", "current_stream", "Event"}
    with caplog.at_level(logging.WARNING, logger="sd"):
        processing_args.diffusers_callback(bench.pipe, 0, 0, {})
        processing_args.diffusers_callback(bench.pipe, 1, 0, {})
    assert [2] == bench.polled("sampling_step")
    assert "no way is left" in caplog.text
