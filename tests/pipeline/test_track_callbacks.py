"""The user's own callbacks under `track`: they run unchanged, and after ours; and the callback of ours."""

from __future__ import annotations

import logging
from typing import Any

import pytest
import torch
from diffusers.callbacks import MultiPipelineCallbacks
from diffusers.callbacks import PipelineCallback as DiffusersCallback

from bench.tiny_pipelines import build
from tests.pipeline.tracked import QUIET, BareLoop
from zluda_sync import track
from zluda_sync.core.steps.policy import SyncMode
from zluda_sync.pipeline.callback import PipelineCallback

pytestmark = QUIET
CPU = torch.device("cpu")


@pytest.fixture
def quiet_home(tmp_path, monkeypatch):
    """A cache folder of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def build_quiet(name: str) -> Any:
    tiny = build(name)
    tiny.pipe.set_progress_bar_config(disable=True)
    return tiny


def call_alone_and_tracked(name: str, folder: Any, **arguments: Any) -> tuple[Any, Any]:
    """Return the picture of a call without and with us, of the same noise."""
    pictures = []
    for is_tracked in (False, True):
        tiny = build_quiet(name)
        given = {**tiny.arguments, **arguments, "generator": torch.Generator().manual_seed(3)}
        if is_tracked:
            with track(tiny.pipe, folder=folder):
                pictures.append(tiny.pipe(**given).images[0])
        else:
            pictures.append(tiny.pipe(**given).images[0])
    return pictures[0], pictures[1]


def test_a_step_end_callback_gets_what_it_asked_for_and_ours_comes_first(tmp_path):
    """Nothing more, nothing less; and the step is counted by then."""
    tiny, seen = build_quiet("StableDiffusionPipeline"), []

    def own(pipe: Any, step: int, timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        assert pipe is tiny.pipe
        seen.append((step, sorted(tensors), job.progress.launched))
        return tensors

    asked = ["prompt_embeds"]
    with track(tiny.pipe, folder=tmp_path) as job:
        tiny.pipe(**tiny.arguments, callback_on_step_end=own, callback_on_step_end_tensor_inputs=asked)
    assert [(step, ["prompt_embeds"], step + 1) for step in range(4)] == seen
    assert ["prompt_embeds"] == asked


def test_what_a_callback_changes_is_changed(tmp_path):
    """The picture is that of the same call alone."""

    def own(pipe: Any, step: int, timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        return {"latents": tensors["latents"] * 0.5} if step == 1 else {}

    alone, tracked = call_alone_and_tracked("StableDiffusionPipeline", tmp_path, callback_on_step_end=own)
    plain, _ = call_alone_and_tracked("StableDiffusionPipeline", tmp_path)
    assert alone.tobytes() == tracked.tobytes() != plain.tobytes()


class Recorder(DiffusersCallback):
    """A callback of diffusers' own kind, which says by itself what it wants."""

    def __init__(self, wants: list[str]) -> None:
        super().__init__(cutoff_step_ratio=None, cutoff_step_index=0)
        self.wants = wants
        self.seen: list[list[str]] = []

    @property
    def tensor_inputs(self) -> list[str]:
        return self.wants

    def callback_fn(self, pipeline: Any, step_index: int, timestep: Any, callback_kwargs: Any) -> Any:
        self.seen.append(sorted(callback_kwargs))
        return callback_kwargs


def test_callbacks_of_diffusers_own_kinds_say_by_themselves_what_they_want(tmp_path):
    """One, and several in one."""
    one, other = Recorder(["latents"]), Recorder(["prompt_embeds"])
    for own, expected in ((one, ["latents"]), (MultiPipelineCallbacks([one, other]), None)):
        tiny = build_quiet("StableDiffusionPipeline")
        with track(tiny.pipe, folder=tmp_path):
            tiny.pipe(**tiny.arguments, callback_on_step_end=own)
        if expected is not None:
            assert [expected] * 4 == one.seen
    assert [["latents", "prompt_embeds"]] * 4 == other.seen == one.seen[4:]


def test_tensors_that_a_pipeline_does_not_have_are_its_own_error(tmp_path):
    """Word for word."""
    tiny = build_quiet("StableDiffusionPipeline")
    messages = []
    wrong = {"callback_on_step_end": lambda *_: {}, "callback_on_step_end_tensor_inputs": ["colour"]}
    with pytest.raises(ValueError, match="colour") as alone:
        tiny.pipe(**tiny.arguments, **wrong)
    with track(tiny.pipe, folder=tmp_path), pytest.raises(ValueError, match="colour") as tracked:
        tiny.pipe(**tiny.arguments, **wrong)
    messages += [str(alone.value), str(tracked.value)]
    assert messages[0] == messages[1]


@pytest.mark.parametrize("every", [1, 2, 3])
def test_a_legacy_callback_runs_as_often_as_alone(every, tmp_path):
    """By the steps that it says; ours counts them all."""
    runs = []
    for is_tracked in (False, True):
        tiny, seen = build_quiet("PixArtSigmaPipeline"), []
        runs.append(seen)
        given = {
            **tiny.arguments,
            "callback": lambda step, timestep, latents, seen=seen: seen.append((step, tuple(latents.shape))),
            "callback_steps": every,
        }
        if is_tracked:
            with track(tiny.pipe, folder=tmp_path) as job:
                tiny.pipe(**given)
            assert (4, 4) == (job.progress.completed, job.progress.total)
        else:
            tiny.pipe(**given)
    assert runs[0] == runs[1] != []


@pytest.mark.parametrize("every", [0, None, "two"])
def test_a_wrong_number_of_callback_steps_is_the_pipelines_own_error(every, tmp_path):
    """It is not put right in silence."""
    tiny = build_quiet("StableDiffusionUpscalePipeline")
    with track(tiny.pipe, folder=tmp_path), pytest.raises(ValueError, match="callback_steps"):
        tiny.pipe(**tiny.arguments, callback_steps=every)


def test_a_legacy_callback_of_a_sampler_that_evaluates_twice_runs_as_often_as_alone(tmp_path):
    """Which of its evaluations are due is not told: the bar counts there."""
    from diffusers import HeunDiscreteScheduler

    runs = []
    for is_tracked in (False, True):
        tiny, seen = build_quiet("StableDiffusionUpscalePipeline"), []
        tiny.pipe.scheduler = HeunDiscreteScheduler.from_config(tiny.pipe.scheduler.config)
        runs.append(seen)
        given = {
            **tiny.arguments,
            "callback": lambda step, *_, seen=seen: seen.append(step),
            "callback_steps": 2,
        }
        if is_tracked:
            with track(tiny.pipe, folder=tmp_path) as job:
                tiny.pipe(**given)
            assert job.progress.completed >= 3
        else:
            tiny.pipe(**given)
    assert runs[0] == runs[1]


def test_an_error_of_the_users_callback_is_the_users(tmp_path):
    """It leaves the call as it does alone."""
    tiny = build_quiet("StableDiffusionPipeline")
    error = KeyError("mine")

    def own(*_: Any) -> Any:
        raise error

    with track(tiny.pipe, folder=tmp_path) as job, pytest.raises(KeyError) as caught:
        tiny.pipe(**tiny.arguments, callback_on_step_end=own)
    assert error is caught.value
    assert 1 == job.progress.completed


def test_an_inner_pipeline_calls_the_users_callback_back_once_a_step(tmp_path):
    """Those of a combined pipeline hand it on; nothing is counted twice."""
    seen: list[int] = []

    def own(pipe: Any, step: int, timestep: Any, tensors: Any) -> Any:
        seen.append(step)
        return tensors

    tiny = build_quiet("KandinskyV22CombinedPipeline")
    with track(tiny.pipe, folder=tmp_path) as job:
        tiny.pipe(**tiny.arguments, callback_on_step_end=own)
    assert [0, 1, 2, 3] == seen
    assert [3, 4] == [part.ledger.launched for part in job._call._newest.run.job.passes]


@pytest.mark.usefixtures("quiet_home")
def test_our_own_callback_tells_of_the_loop_alone():
    """Behind each step, up to the last, and anew in another call."""
    told: list[Any] = []
    tiny, callback = build_quiet("StableDiffusionPipeline"), PipelineCallback(told.append)
    assert callback.progress is None
    for _ in range(2):
        told.clear()
        tiny.pipe(**tiny.arguments, callback_on_step_end=callback)
        assert [(1, 4), (2, 4), (3, 4), (4, 4)] == [(one.completed, one.total) for one in told]
        assert 1.0 == callback.progress.fraction
    assert SyncMode.EVERY_STEP is callback.progress.mode


@pytest.mark.usefixtures("quiet_home")
def test_our_own_callback_stops_a_loop_and_raises_nothing():
    """The pipeline skips the rest and decodes what there is; another call runs whole."""
    tiny = build_quiet("StableDiffusionPipeline")

    def press(progress: Any) -> None:
        if progress.completed == 2 and not pressed:
            pressed.append(progress)
            callback.stop()

    pressed: list[Any] = []
    callback = PipelineCallback(press)
    assert 1 == len(tiny.pipe(**tiny.arguments, callback_on_step_end=callback).images)
    assert 2 == callback.progress.completed and 1.0 > callback.progress.fraction
    tiny.pipe(**tiny.arguments, callback_on_step_end=callback)
    assert 4 == callback.progress.completed


@pytest.mark.usefixtures("quiet_home")
def test_an_error_of_the_listener_of_our_own_callback_is_logged_once(caplog):
    """The call goes on without it."""
    tiny = build_quiet("StableDiffusionPipeline")
    callback = PipelineCallback(lambda _progress: 1 / 0)
    with caplog.at_level(logging.ERROR):
        tiny.pipe(**tiny.arguments, callback_on_step_end=callback)
    assert 4 == callback.progress.completed
    assert 1 == len(caplog.records)


@pytest.mark.usefixtures("quiet_home")
def test_our_own_callback_within_a_tracked_pipeline_is_one_of_the_users(tmp_path):
    """Each counts for itself."""
    tiny, callback = build_quiet("StableDiffusionPipeline"), PipelineCallback()
    with track(tiny.pipe, folder=tmp_path) as job:
        tiny.pipe(**tiny.arguments, callback_on_step_end=callback)
    assert 4 == callback.progress.completed == job.progress.completed


def test_a_callback_that_only_looks_like_diffusers_own_is_given_what_was_asked(tmp_path):
    """An attribute of that name alone says nothing, as it does in diffusers."""
    seen: list[list[str]] = []

    class Own:
        tensor_inputs = ["prompt_embeds"]

        def __call__(self, pipe: Any, step: int, timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
            seen.append(sorted(tensors))
            return tensors

    with track(loop := BareLoop(CPU), folder=tmp_path):
        loop(num_inference_steps=1, callback_on_step_end=Own())
    assert [["latents"]] == seen
