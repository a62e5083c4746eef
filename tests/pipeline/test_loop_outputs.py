"""What a step has left of a loop that calls nobody back: told by its scheduler, else read from the loop."""

from __future__ import annotations

import copy
import gc
import weakref
from types import SimpleNamespace
from typing import Any

import diffusers
import pytest
import torch

from tests.pipeline.tracked import QUIET
from zluda_sync.device.preview.x0 import predict_x0
from zluda_sync.pipeline.loop_outputs import LoopOutput, LoopOutputs

pytestmark = QUIET
SHAPE = (1, 4, 8, 8)
BETAS = {"num_train_timesteps": 100}


class Loop:
    """Has a bar, and calls nobody back."""

    def __init__(self, **parts: Any) -> None:
        vars(self).update(parts)

    def progress_bar(self) -> None:
        """What makes it a pipeline."""

    def __call__(self) -> None:
        """Take nothing."""


class Caller(Loop):
    """The same, with a callback."""

    def __call__(self, callback_on_step_end: Any = None) -> None:  # type: ignore[override]
        """Take a callback."""


def tensor(shape: tuple[int, ...] = SHAPE) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(7))


def begun(kind: Any, **settings: Any) -> Any:
    """Return a scheduler that is about to make the steps of a loop."""
    scheduler = kind(**settings)
    scheduler.set_timesteps(4)
    return scheduler


def shown(output: LoopOutput | None) -> torch.Tensor:
    """Return what a preview shows of a step."""
    assert output is not None
    (frame,), details = output.build_frames(0, are_wanted=True), output.build_details()
    return predict_x0(frame, None, details.prediction_type, details.scheduler)


@pytest.mark.parametrize(
    "kind",
    ["DDIM", "DDPM", "PNDM", "EulerDiscrete", "HeunDiscrete", "DPMSolverMultistep", "UniPCMultistep", "LCM"],
)
@pytest.mark.parametrize("is_tuple", [False, True])
def test_a_scheduler_tells_what_it_has_given(kind, is_tuple):
    """The newest step's, whichever form it gives it in, and once."""
    scheduler = begun(getattr(diffusers, f"{kind}Scheduler"))
    outputs, latents = LoopOutputs(Loop(scheduler=scheduler)), tensor()
    for timestep in scheduler.timesteps[:2]:
        given = scheduler.step(tensor(), timestep, sample=latents, return_dict=not is_tuple)
        latents = given[0] if is_tuple else given.prev_sample
    output = outputs.take()
    assert output is not None
    assert output.latents is latents
    assert output.scheduler is scheduler
    assert outputs.take().latents is latents  # the loop's own now
    outputs.end()


@pytest.mark.parametrize("is_tuple", [False, True])
@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("EulerDiscrete", {}),
        ("EulerDiscrete", {"prediction_type": "v_prediction"}),
        ("FlowMatchEulerDiscrete", {}),
        ("FlowMatchEulerDiscrete", {"shift": 3.0}),
        ("DPMSolverMultistep", {}),
        ("UniPCMultistep", {}),
    ],
)
def test_a_preview_shows_the_picture_that_the_model_predicts(kind, settings, is_tuple):
    """Not the latents, in which there is noise still: a model that knows the picture predicts it at once."""
    scheduler = begun(getattr(diffusers, f"{kind}Scheduler"), **settings)
    outputs, picture, latents = LoopOutputs(Loop(scheduler=scheduler)), tensor(), 3 * tensor().flip(-1)
    for index, timestep in enumerate(scheduler.timesteps[:3]):
        sigma = scheduler.sigmas[index]
        if "Multistep" in kind:
            scale, noise = scheduler._sigma_to_alpha_sigma_t(sigma)
            prediction = (latents - scale * picture) / noise
        elif settings.get("prediction_type") == "v_prediction":
            root = (sigma**2 + 1) ** 0.5
            prediction = (latents / (sigma**2 + 1) - picture) * root / sigma
        else:
            prediction = (latents - picture) / sigma
        latents = scheduler.step(prediction, timestep, latents, return_dict=not is_tuple)[0]
        torch.testing.assert_close(shown(outputs.take()), picture, atol=1e-3, rtol=1e-3)
        assert index or not torch.allclose(latents, picture, atol=0.05)
    outputs.end()


def test_nothing_is_built_while_nobody_looks():
    """A frame is made for those who look."""
    assert () == LoopOutput(tensor()).build_frames(0, are_wanted=False)


def test_of_two_calls_in_a_step_the_second_counts():
    """As samplers of second order make them."""
    scheduler = begun(diffusers.HeunDiscreteScheduler)
    outputs, given = LoopOutputs(Loop(scheduler=scheduler)), tensor()
    for timestep in scheduler.timesteps[:3]:
        given = scheduler.step(model_output=tensor(), timestep=timestep, sample=given).prev_sample
    assert outputs.take().latents is given
    outputs.end()


def test_of_several_schedulers_the_one_counts_that_was_called_last():
    """A pipeline of two stages has one for each."""
    first, second = begun(diffusers.DDIMScheduler), begun(diffusers.DDPMScheduler)
    outputs = LoopOutputs(Loop(prior_scheduler=first, decoder_scheduler=second))
    first.step(tensor(), 50, tensor())
    given = second.step(tensor(), second.timesteps[0], tensor()).prev_sample
    assert outputs.take().latents is given
    given = first.step(tensor(), 50, tensor()).prev_sample
    assert outputs.take().latents is given
    outputs.end()


def test_methods_beside_step_tell_too():
    """Of a sampler that corrects, and then predicts."""
    scheduler = diffusers.ScoreSdeVeScheduler()
    scheduler.set_timesteps(4)
    scheduler.set_sigmas(4)
    outputs = LoopOutputs(Loop(scheduler=scheduler))
    given = scheduler.step_correct(tensor(), tensor()).prev_sample
    assert outputs.take().latents is given
    given = scheduler.step_pred(tensor(), torch.tensor(1.0), tensor()).prev_sample
    assert outputs.take().latents is given
    outputs.end()


def test_the_scheduler_of_a_modular_loop_is_found_with_its_components():
    """The block that makes the bar has none itself."""
    components = Loop(scheduler=begun(diffusers.FlowMatchEulerDiscreteScheduler))
    outputs = LoopOutputs(Loop())
    given = components.scheduler.step(tensor(), components.scheduler.timesteps[0], tensor()).prev_sample
    assert outputs.take().latents is given
    outputs.end()
    assert type(components.scheduler) is diffusers.FlowMatchEulerDiscreteScheduler


def test_a_scheduler_in_the_loops_own_variables_is_found():
    """Some pipelines make one for each call."""
    own = begun(diffusers.DDIMScheduler)
    outputs = LoopOutputs(Loop())
    given = own.step(tensor(), 50, tensor()).prev_sample
    assert outputs.take().latents is given
    outputs.end()


@pytest.mark.parametrize("name", ["latents", "latent", "sample", "x", "img"])
@pytest.mark.parametrize("shape", [SHAPE, (1, 4, 3, 8, 8), (1, 16, 16)])
def test_a_loop_without_a_scheduler_is_read(name, shape):
    """By what such loops call what they compute: pictures, films, packed ones."""
    scope: dict[str, Any] = {"outputs": LoopOutputs(Loop()), "value": tensor(shape)}
    exec(f"def run():\n    {name} = value\n    taken = outputs.take()\n    return taken, {name}", scope)
    output, value = scope["run"]()
    assert output.latents is value
    assert output.scheduler is None


@pytest.mark.parametrize("value", [torch.zeros(1, 8), torch.zeros(SHAPE, dtype=torch.long), "latents", None])
def test_what_is_no_picture_is_not_taken_for_one(value):
    """Embeddings, tokens, and whatever else has such a name."""
    outputs = LoopOutputs(Loop())
    latents = value
    assert None is outputs.take()
    assert latents is value


def test_the_state_of_a_modular_loop_without_a_scheduler_is_read():
    """It holds what the step computes."""
    block_state = SimpleNamespace(latents=tensor())
    assert LoopOutputs(Loop()).take().latents is block_state.latents


@pytest.mark.parametrize("kind", [diffusers.DDIMScheduler, diffusers.FlowMatchEulerDiscreteScheduler])
def test_a_scheduler_is_left_as_it_was(kind):
    """Its class, its attributes, and all that is known of it meanwhile."""
    scheduler = begun(kind)
    before, own = dict(vars(scheduler)), type(scheduler)
    outputs = LoopOutputs(Loop(scheduler=scheduler))
    assert before.keys() == vars(scheduler).keys()
    assert isinstance(scheduler, own)
    assert (own.__name__, own.__module__, own.__doc__) == (
        type(scheduler).__name__,
        type(scheduler).__module__,
        type(scheduler).__doc__,
    )
    outputs.end()
    outputs.end()
    assert type(scheduler) is own
    assert before == vars(scheduler)


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_a_copy_in_the_middle_of_a_loop_is_of_its_own_class(copied):
    """And steps by itself: some pipelines make one for each view."""
    scheduler = begun(diffusers.FlowMatchEulerDiscreteScheduler)
    outputs = LoopOutputs(Loop(scheduler=scheduler))
    other = copied(scheduler)
    assert type(other) is diffusers.FlowMatchEulerDiscreteScheduler
    other.step(tensor(), other.timesteps[0], tensor())
    assert (None, 1) == (scheduler.step_index, other.step_index)
    outputs.end()


def test_a_step_that_somebody_has_replaced_before_is_put_back():
    """That of the one object, not of its class."""
    scheduler = begun(diffusers.DDIMScheduler)
    own = scheduler.step

    def replaced(*args: Any, **kwargs: Any) -> Any:
        return own(*args, **kwargs)

    scheduler.step = replaced
    outputs = LoopOutputs(Loop(scheduler=scheduler))
    given = scheduler.step(tensor(), 50, tensor()).prev_sample
    assert outputs.take().latents is given
    outputs.end()
    assert scheduler.step is replaced
    assert type(scheduler) is diffusers.DDIMScheduler


def test_a_step_that_somebody_wraps_meanwhile_stays_theirs():
    """Ours passes through from then on, and keeps nothing."""
    scheduler = begun(diffusers.DDIMScheduler)
    outputs = LoopOutputs(Loop(scheduler=scheduler))
    ours = scheduler.step

    def theirs(*args: Any, **kwargs: Any) -> Any:
        return ours(*args, **kwargs)

    scheduler.step = theirs
    given = scheduler.step(tensor(), 50, tensor()).prev_sample
    assert outputs.take().latents is given
    outputs.end()
    assert scheduler.step is theirs
    gone = weakref.ref(scheduler.step(tensor(), 50, tensor()).prev_sample)
    assert None is gone()


@pytest.mark.parametrize("is_inner_first", [True, False])
def test_loops_within_one_another_leave_nothing_in_either_order(is_inner_first):
    """The bar of the outer one may be closed by whoever holds it."""
    scheduler = begun(diffusers.DDIMScheduler)
    loops = [LoopOutputs(Loop(scheduler=scheduler)) for _ in range(2)]
    for loop in reversed(loops) if is_inner_first else loops:
        loop.end()
    assert type(scheduler) is diffusers.DDIMScheduler


def test_a_loop_whose_bar_moves_after_its_end_goes_on():
    """Something else was begun in the middle of it."""
    scheduler = begun(diffusers.DDIMScheduler)
    outputs = LoopOutputs(Loop(scheduler=scheduler))
    outputs.end()
    outputs.take()
    given = scheduler.step(tensor(), 50, tensor()).prev_sample
    assert outputs.take().latents is given
    outputs.end()


def test_a_loop_that_calls_back_is_left_alone_until_its_bar_tells_of_a_step():
    """Nobody may have given it a callback."""
    scheduler = begun(diffusers.DDIMScheduler)
    outputs = LoopOutputs(Caller(scheduler=scheduler))
    assert type(scheduler) is diffusers.DDIMScheduler
    given = scheduler.step(tensor(), 50, tensor()).prev_sample
    assert None is outputs.take()
    given = scheduler.step(tensor(), 50, tensor()).prev_sample
    assert outputs.take().latents is given
    outputs.end()
    assert type(scheduler) is diffusers.DDIMScheduler


def test_nothing_of_a_step_is_kept_once_it_was_taken_or_the_loop_is_over():
    """Neither by us nor by the frame whose variables were read."""
    scheduler = begun(diffusers.DDIMScheduler)
    gc.disable()
    try:
        outputs = LoopOutputs(Loop(scheduler=scheduler))
        for finish in (outputs.take, outputs.end):
            given = scheduler.step(tensor(), 50, tensor()).prev_sample
            gone = weakref.ref(given)
            finish()
            del given
            assert None is gone()
        without = LoopOutputs(Loop())
        latents = tensor()
        gone = weakref.ref(latents)
        assert without.take().latents is latents
        del latents
        assert None is gone()
    finally:
        gc.enable()


def test_the_variables_of_a_loop_are_as_they_were():
    """What the loop itself has asked for with ``locals()`` is not emptied."""
    latents, other = tensor(), 3
    mine = locals()
    assert LoopOutputs(Loop()).take().latents is latents
    assert 3 == mine["other"] == other
    assert locals()["latents"] is latents


def test_an_error_of_a_scheduler_is_its_own():
    """It passes through, and the step before is not told again."""
    scheduler = begun(diffusers.DDIMScheduler)
    outputs = LoopOutputs(Loop(scheduler=scheduler))
    with pytest.raises(TypeError):
        scheduler.step()
    assert None is outputs.take()
    outputs.end()
