"""The schedule of training, and the sampler that draws by it."""

from __future__ import annotations

import pytest
import torch

from shapes.networks import build_noise_schedule, build_sampler

# diffusers turns a tensor into an array in a way that NumPy 2 warns of
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

STEPS = 20


def draw(scheduler, noise: torch.Tensor) -> torch.Tensor:
    """Return what becomes of the noise, by a denoiser that is as good as any here."""
    scheduler.set_timesteps(STEPS)
    latents = noise * scheduler.init_noise_sigma
    for timestep in scheduler.timesteps:
        seen = scheduler.scale_model_input(latents, timestep)
        latents = scheduler.step(torch.tanh(seen).roll(1, -1), timestep, latents).prev_sample
    return latents


def test_the_sampler_draws_what_ddim_draws():
    """Step by step, to far less than a grey level: the pictures and their quality are the same."""
    noise = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(1))
    expected = draw(build_noise_schedule(), noise)
    assert 0.1 < expected.std()
    assert torch.allclose(expected, draw(build_sampler(), noise), atol=1e-3)
