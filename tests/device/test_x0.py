"""The predicted x0 is what the scheduler itself predicts, from what a step leaves behind."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from diffusers import (
    DPMSolverMultistepScheduler,
    EulerDiscreteScheduler,
    FlowMatchEulerDiscreteScheduler,
)

from zluda_sync.device.preview.ring import StepFrame
from zluda_sync.device.preview.x0 import V_PREDICTION, predict_x0

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
STEPS = 6


def run(scheduler, predict, tells_prediction=True):
    """Run a loop; return for each step its frame, the frame before, and the true x0."""
    scheduler.set_timesteps(STEPS)
    generator = torch.Generator().manual_seed(5)
    latents = torch.randn(1, 4, 8, 8, generator=generator) * getattr(scheduler, "init_noise_sigma", 1.0)
    seen, previous = [], None
    for step, timestep in enumerate(scheduler.timesteps):
        prediction = predict(latents, generator)
        output = scheduler.step(prediction, timestep, latents)
        latents = output.prev_sample
        frame = StepFrame(
            step,
            latents,
            prediction if tells_prediction else None,
            scheduler.sigmas[scheduler.step_index - 1],
            scheduler.sigmas[scheduler.step_index],
        )
        seen.append((frame, previous, getattr(output, "pred_original_sample", None)))
        previous = frame
    return seen


def noise(latents, generator):
    return torch.randn(latents.shape, generator=generator)


@pytest.mark.parametrize("kind", ["epsilon", "v_prediction"])
def test_eulers_x0_is_the_schedulers_own(kind):
    """From the prediction and the sigmas of each step, noise and velocity alike."""
    scheduler = EulerDiscreteScheduler(prediction_type=kind)
    for frame, previous, x0 in run(scheduler, noise):
        found = predict_x0(frame, previous, V_PREDICTION if kind == "v_prediction" else kind, scheduler)
        assert torch.allclose(x0, found, atol=1e-3, rtol=1e-3)


def test_a_flows_x0_is_where_the_line_ends():
    """Velocity is the same at all noise levels of a straight flow."""
    truth = torch.full((1, 4, 8, 8), 0.5)
    scheduler = FlowMatchEulerDiscreteScheduler()
    start = torch.Generator().manual_seed(5)
    first = torch.randn(1, 4, 8, 8, generator=start)
    for frame, previous, _ in run(scheduler, lambda latents, generator: first - truth):
        assert torch.allclose(truth, predict_x0(frame, previous, "flow_prediction", scheduler), atol=1e-4)


def test_two_steps_tell_what_no_callback_does():
    """Most pipelines do not give their prediction: the line through two steps is the same."""
    scheduler = EulerDiscreteScheduler()
    (_, *later) = run(scheduler, noise, tells_prediction=False)
    for frame, previous, x0 in later:
        assert torch.allclose(x0, predict_x0(frame, previous, "epsilon", scheduler), atol=1e-3, rtol=1e-3)


def test_fresh_noise_between_two_steps_tells_nothing():
    """Stochastic samplers do not go along a line: better the latents than a worse guess."""
    scheduler = FlowMatchEulerDiscreteScheduler(stochastic_sampling=True)
    for frame, previous, _ in run(scheduler, noise, tells_prediction=False):
        assert predict_x0(frame, previous, "flow_prediction", scheduler) is frame.latents


def test_a_multistep_solver_keeps_its_x0():
    """DPM++ 2M has converted the prediction already."""
    scheduler = DPMSolverMultistepScheduler(algorithm_type="dpmsolver++")
    ((frame, previous, _), *_) = run(scheduler, noise)
    assert predict_x0(frame, previous, "epsilon", scheduler) is scheduler.model_outputs[-1]


@pytest.mark.parametrize(
    "changes",
    [
        {"sigma": None},
        {"noise_pred": torch.zeros(2, 4, 8, 8)},
        {"noise_pred": "no tensor"},
        {"noise_pred": None},
    ],
)
def test_without_what_it_takes_the_latents_are_shown(changes):
    """No sigmas, a prediction of another shape, or a first step without any."""
    values = {"step": 0, "latents": torch.ones(1, 4, 8, 8), "sigma": 2.0, "sigma_next": 1.0, **changes}
    frame = StepFrame(**values)
    assert predict_x0(frame, None, "epsilon", SimpleNamespace()) is frame.latents
