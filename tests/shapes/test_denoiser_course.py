"""What counts in the pictures from which the denoiser learns."""

from __future__ import annotations

import torch

from shapes.denoiser_course import FOREGROUND_WEIGHT, LEAST_SHARE, find_foreground, weigh_alike, weigh_more


def build_latents(*sides: int) -> torch.Tensor:
    """Return even latents with one square of so many latents across in each, (count, 4, 32, 32)."""
    latents = torch.zeros(len(sides), 4, 32, 32)
    for picture, side in zip(latents, sides, strict=True):
        picture[2, 8 : 8 + side, 8 : 8 + side] = 2.0
    return latents


def test_the_foreground_reaches_a_little_beyond_the_shape():
    foreground = find_foreground(build_latents(4))
    assert (1, 1, 32, 32) == tuple(foreground.shape)
    assert 64 == foreground.sum() and 1 == foreground[0, 0, 6, 6] == foreground[0, 0, 13, 13]


def test_a_gradient_is_no_foreground():
    """It differs from row to row, and not along a row."""
    rows = torch.linspace(-2, 2, 32)[None, None, :, None].expand(1, 4, 32, 32)
    assert 0 == find_foreground(rows).sum()


def test_each_place_of_a_foreground_counts_more():
    weights = weigh_more(build_latents(4, 12))
    assert torch.isclose(weights.mean(), torch.tensor(1.0))
    assert torch.isclose(weights.max() / weights.min(), torch.tensor(FOREGROUND_WEIGHT))


def test_a_small_foreground_counts_as_much_as_a_large_one():
    latents = build_latents(8, 16)
    weights, foreground = weigh_alike(latents), find_foreground(latents)
    assert torch.allclose((weights * foreground).mean((1, 2, 3)), torch.tensor([0.5, 0.5]))
    assert torch.allclose(weights.mean((1, 2, 3)), torch.tensor([1.0, 1.0]))


def test_a_picture_that_is_all_background_stays_within_bounds():
    weights = weigh_alike(torch.zeros(1, 4, 32, 32))
    assert 0 < weights.min() and weights.max() <= 1 / (2 * LEAST_SHARE)
