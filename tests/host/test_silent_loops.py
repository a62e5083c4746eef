"""Pipelines that call nobody back, through the hooks of the host: their latents, previews, and Stop."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from bench.tiny_pipelines import build
from bench.tiny_pipelines.own_loops import OwnBarPipeline, OwnLoop
from modules import processing_args, shared
from tests.pipeline.tracked import QUIET
from zluda_sync.core.errors import Interrupted
from zluda_sync.device.preview.queue import JobPreviews
from zluda_sync.device.preview.ring import StepFrame
from zluda_sync.host.job.followed import HostJob
from zluda_sync.pipeline import loop_outputs

pytestmark = QUIET
#: One that is followed by its bar, by the blocks of its loop, by its own bar, and one that packs what it has.
SILENT = ["DiTPipeline", "FluxModularPipeline", "OwnBarPipeline", "PackedLoopPipeline"]


class Steps:
    """What truly comes out of each step of a pipeline, and what is done after it."""

    def __init__(self, pipe: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        self.latents: list[torch.Tensor] = []
        self.then: Any = lambda step: None
        scheduler = getattr(pipe, "scheduler", None)
        kind, name = (type(scheduler), "step") if scheduler is not None else (OwnLoop, "advance")
        own = getattr(kind, name)

        def step(*args: Any, **kwargs: Any) -> Any:
            output = own(*args, **kwargs)
            self.latents.append(output if isinstance(output, torch.Tensor) else output[0])
            self.then(len(self.latents) - 1)
            return output

        monkeypatch.setattr(kind, name, step)


@pytest.fixture
def silent(bench, monkeypatch):
    """Makes a silent pipeline the host's model, and says what its steps give."""

    def load(name: str) -> tuple[Any, Steps]:
        tiny = build(name)
        tiny.pipe.set_progress_bar_config(disable=True)
        monkeypatch.setattr(shared, "sd_model", tiny.pipe, raising=False)
        return tiny, Steps(tiny.pipe, monkeypatch)

    return load


def offered(monkeypatch: pytest.MonkeyPatch) -> list[StepFrame]:
    """Return what is offered for previews from now on."""
    frames: list[StepFrame] = []
    queue = JobPreviews.queue_preview

    def queue_preview(self: Any, ledger: Any, frame: StepFrame, *args: Any, **kwargs: Any) -> bool:
        frames.append(frame)
        return queue(self, ledger, frame, *args, **kwargs)

    monkeypatch.setattr(JobPreviews, "queue_preview", queue_preview)
    return frames


@pytest.mark.parametrize("is_drawn", [True, False])
@pytest.mark.parametrize("name", SILENT)
def test_each_step_tells_its_latents(bench, silent, monkeypatch, name, is_drawn):
    """They are those that its scheduler has given, or its loop has computed."""
    tiny, steps = silent(name)
    tiny.pipe.set_progress_bar_config(disable=not is_drawn)
    noted: list[Any] = []
    own = HostJob.pass_bar_step

    def pass_bar_step(job: HostJob, output: Any) -> None:
        noted.append(output.latents)
        own(job, output)
        assert job.run.newest_pass.newest_latents() is output.latents

    monkeypatch.setattr(HostJob, "pass_bar_step", pass_bar_step)
    bench.begin("observe")
    tiny.pipe(**tiny.arguments)
    assert tiny.steps == len(noted) == len(steps.latents)
    assert all(told is true for told, true in zip(noted, steps.latents, strict=True))
    bench.finish()
    assert tiny.steps == bench.session.snapshot().completed


@pytest.mark.parametrize("name", SILENT)
def test_somebody_who_looks_is_shown_each_step(bench, silent, monkeypatch, name):
    """One frame for each step, in order; the picture is there once the device has finished."""
    tiny, _ = silent(name)
    frames = offered(monkeypatch)
    bench.begin("observe")
    bench.session._previews.look()
    tiny.pipe(**tiny.arguments)
    assert list(range(tiny.steps)) == [frame.step for frame in frames]
    assert None is bench.session._previews.look()
    bench.finish()
    preview = bench.session._previews.look()
    assert preview is not None
    assert preview.step < tiny.steps


def test_nothing_is_made_while_nobody_looks(bench, silent, monkeypatch):
    """Neither a preview, nor what it would be made of."""
    tiny, _ = silent("DiTPipeline")
    frames = offered(monkeypatch)
    monkeypatch.setattr(loop_outputs, "_sigmas_of", pytest.fail)
    bench.begin("observe")
    tiny.pipe(**tiny.arguments)
    assert [] == frames
    assert 0 == len(bench.session._jobs.current._passes[-1].frames)


def test_who_reads_the_hosts_latents_gets_those_of_the_finished_step(bench, silent):
    """In the shape in which the host has them, though this loop packs them."""
    tiny, steps = silent("PackedLoopPipeline")
    bench.begin("observe")
    bench.polled("current_latent")
    tiny.pipe(**tiny.arguments)
    bench.finish(2)
    (shown,) = bench.polled("current_latent")
    assert (1, 4, 8, 8) == tuple(shown.shape)
    torch.testing.assert_close(shown.sum(), steps.latents[1].sum())


def test_what_an_earlier_pass_has_left_with_the_host_is_not_shown(bench, silent, monkeypatch):
    """The host's own latents are of a pass that called back."""
    tiny, steps = silent("OwnBarPipeline")
    frames = offered(monkeypatch)
    bench.begin("observe")
    bench.session._previews.look()
    bench.step(0)
    earlier = bench.state.current_latent
    bench.begin_loop()
    frames.clear()
    tiny.pipe(**tiny.arguments)
    assert all(frame.latents is not earlier for frame in frames)
    assert all(frame.latents is true for frame, true in zip(frames, steps.latents, strict=True))


@pytest.mark.parametrize("name", SILENT)
def test_stop_acts_at_the_next_move_of_the_bar(bench, silent, name):
    """The step that is queued is the last; the scheduler is as it was."""
    tiny, steps = silent(name)
    kind = type(getattr(tiny.pipe, "scheduler", None))
    steps.then = lambda step: bench.in_thread(bench.state.interrupt) if step == 1 else None
    bench.begin("observe")
    bench.session._jobs.current.run.begin_call()
    with pytest.raises(Interrupted):
        tiny.pipe(**tiny.arguments)
    assert 2 == len(steps.latents)
    assert type(getattr(tiny.pipe, "scheduler", None)) is kind


def test_an_error_of_the_loop_leaves_its_scheduler_as_it_was(bench, silent):
    """It is the loop's own, and gets out."""
    tiny, steps = silent("DiTPipeline")
    kind, before = type(tiny.pipe.scheduler), dict(vars(tiny.pipe.scheduler))
    steps.then = lambda step: 1 / 0
    bench.begin("observe")
    with pytest.raises(ZeroDivisionError):
        tiny.pipe(**tiny.arguments)
    assert type(tiny.pipe.scheduler) is kind
    assert before.keys() == vars(tiny.pipe.scheduler).keys()


def test_an_error_of_ours_never_reaches_the_loop(bench, silent, monkeypatch):
    """It goes on, counted by its bar, or not at all."""

    def fail(*_: Any) -> Any:
        raise RuntimeError("a bug of ours")

    tiny, steps = silent("DiTPipeline")
    monkeypatch.setattr(loop_outputs, "_read_told", fail)
    bench.begin("observe")
    tiny.pipe(**tiny.arguments)
    assert tiny.steps == len(steps.latents)
    tiny, steps = silent("DiTPipeline")
    monkeypatch.setattr(loop_outputs, "_find_schedulers", fail)
    bench.session.end_job()
    bench.begin("observe")
    tiny.pipe(**tiny.arguments)
    assert tiny.steps <= len(steps.latents)


def test_a_model_that_makes_its_own_bar_is_followed_and_left_as_it_came(bench, silent):
    """Its class replaces the method that all others inherit."""
    tiny, _ = silent("OwnBarPipeline")
    own = vars(OwnBarPipeline)["progress_bar"]
    bench.begin("observe")
    assert vars(OwnBarPipeline)["progress_bar"] is not own
    tiny.pipe(**tiny.arguments)
    assert tiny.steps == bench.session.snapshot().launched
    bench.session.close()
    assert vars(OwnBarPipeline)["progress_bar"] is own


def test_a_bar_made_through_the_class_below_counts_nothing_twice(bench, silent, monkeypatch):
    """A class that makes bars of its own asks diffusers for them, and one of ours is enough."""
    made: list[Any] = []

    def progress_bar(self: Any, items: Any, desc: str) -> Any:
        made.append(super(OwnLoop, self).progress_bar(items))
        return made[-1]

    monkeypatch.setattr(OwnBarPipeline, "progress_bar", progress_bar)
    tiny, steps = silent("OwnBarPipeline")
    tiny.pipe.set_progress_bar_config(disable=False)
    bench.begin("observe")
    tiny.pipe(**tiny.arguments)
    assert tiny.steps == bench.session.snapshot().launched == len(steps.latents)
    assert tiny.pipe.progress_bar(range(1), desc="") is made[-1]
    assert 1 == len({id(bar) for bar in made[1:]})


@pytest.mark.parametrize("end", ["end_job", "close"])
def test_a_bar_that_nobody_closes_leaves_nothing_behind_the_job(bench, silent, end):
    """Its loop may have ended long before."""
    tiny, _ = silent("DiTPipeline")
    kind = type(tiny.pipe.scheduler)
    bench.begin("observe")
    bar = tiny.pipe.progress_bar(total=4)
    bar.update()
    assert type(tiny.pipe.scheduler) is not kind
    getattr(bench.session, end)()
    assert type(tiny.pipe.scheduler) is kind
    bar.close()


def test_a_loop_that_calls_back_keeps_its_scheduler(bench, silent):
    """Its latents come with the callback."""
    tiny, steps = silent("StableDiffusionPipeline")
    kinds: list[type] = []
    steps.then = lambda step: kinds.append(type(tiny.pipe.scheduler))
    bench.begin("observe")
    tiny.pipe(**tiny.arguments, callback_on_step_end=processing_args.diffusers_callback)
    assert {type(tiny.pipe.scheduler)} == set(kinds)
    assert tiny.steps == bench.session.snapshot().launched
