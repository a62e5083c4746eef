"""Previews without the host's own sync: what is called a miss, and hostile work that changes no picture."""

from __future__ import annotations

import diffusers
import pytest
import torch

from bench.campaigns.unsynced import find_misses
from bench.host import unsynced_work
from bench.host.unsynced_work import GARBAGE, EulerDiscreteScheduler, wrapped_step

# diffusers turns a tensor into an array in a way that NumPy 2 warns of
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

ROW = {
    "mode": "observe",
    "method": "fitted",
    "offload": "-",
    "sampler": "Heun",
    "previews": 9,
    "torn": 0,
    "early": 0,
    "pictures": "same",
}
SPOILED = {"kind": "one step off", "made": 5, "found": 5}
TIME = {"who": "run-ahead", "ratio": 1.004}


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"torn": 1}, "1 torn"),
        ({"early": 2}, "2 early"),
        ({"previews": 0}, "no preview"),
        ({"pictures": "1 OTHER"}, "another picture"),
    ],
)
def test_each_false_preview_is_a_miss(changes, named):
    """With what it was made by."""
    assert [] == find_misses([ROW], [SPOILED], [TIME])
    (line,) = find_misses([ROW | changes], [SPOILED], [TIME])
    assert line == f"observe, fitted, offload -, Heun: {named}"


def test_a_judge_that_overlooks_one_is_a_miss():
    """Its zeros would say nothing."""
    assert ["one step off: 4 of 5 were found"] == find_misses([ROW], [SPOILED | {"found": 4}], [TIME])


@pytest.mark.parametrize(("who", "misses"), [("run-ahead", 1), ("observe", 1), ("every-step", 0)])
def test_time_is_a_miss_where_nothing_should_wait(who, misses):
    """Every-step waits by what it is."""
    assert misses == len(find_misses([ROW], [SPOILED], [{"who": who, "ratio": 1.006}]))


def run_loop(scheduler, steps=5, after_step=lambda latents: None):
    """Denoise as a pipeline without guidance does, with a model that answers with a share of its input."""
    scheduler.set_timesteps(steps)
    latents = torch.randn(1, 4, 2, 2, generator=torch.Generator().manual_seed(1)) * scheduler.init_noise_sigma
    for timestep in scheduler.timesteps:
        model_input = scheduler.scale_model_input(latents, timestep)
        latents = scheduler.step(0.3 * model_input, timestep, latents, return_dict=False)[0]
        after_step(latents)
    return latents


def test_the_hostile_sampler_goes_where_eulers_goes_in_one_tensor():
    """The very tensor of the last callback, and no other picture."""
    left = []
    result = run_loop(EulerDiscreteScheduler(), after_step=left.append)
    assert {id(result)} == {id(latents) for latents in left}
    assert torch.allclose(result, run_loop(diffusers.EulerDiscreteScheduler()))


@pytest.mark.parametrize("kind", list(unsynced_work.SAMPLERS.values()), ids=lambda kind: kind.__name__)
def test_what_a_step_gives_can_be_replaced_for_a_while(kind):
    """As an offload does; afterwards the class is as it was."""
    before, plain = dict(vars(kind)), run_loop(kind(), steps=4)
    moved = []

    def move(scheduler, sample, left):
        moved.append(left.clone())
        if sample is not getattr(scheduler, "sample", None):
            sample.fill_(GARBAGE)
        return moved[-1]

    with wrapped_step(kind, move):
        result = run_loop(kind(), steps=4)
    assert result is moved[-1]
    assert "Ancestral" in kind.__name__ or torch.equal(plain, result)
    assert before == dict(vars(kind))
