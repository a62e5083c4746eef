"""Fitted previews of colours that no picture before has had, by the autoencoder of the model that draws."""

from __future__ import annotations

import random
from pathlib import Path
from statistics import mean

import numpy as np
import pytest
import torch

from modules import default_model
from shapes.drawing import draw
from shapes.language import Shape
from zluda_sync.device.preview.projection import DecodedPair, Projection, ProjectionFit, shrink

CHANNELS = 4
#: A picture of a shape in the first colour on the second.
PALETTES = (
    ("red", "blue"), ("yellow", "purple"), ("green", "white"), ("black", "orange"), ("white", "black"),
    ("blue", "yellow"), ("purple", "green"), ("orange", "blue"), ("red", "white"), ("green", "red"),
)  # fmt: skip
#: Off by more, a colour of 0 to 255 is taken for another.
OTHER_COLOUR = 64.0


@pytest.fixture(scope="module")
def pairs() -> list[DecodedPair]:
    """One picture of each palette, with its latents."""
    diffusers = pytest.importorskip("diffusers")
    vae = diffusers.AutoencoderKL.from_pretrained(
        Path(default_model.__file__).with_name(default_model.FOLDER) / "vae"
    ).eval()
    made = []
    with torch.inference_mode():
        for colour, background in PALETTES:
            shape = Shape(colour, "circle", background=background)
            drawn = np.asarray(draw(shape, random.Random(0)).convert("RGB")).copy()
            latents = vae.encode(torch.from_numpy(drawn).permute(2, 0, 1)[None] / 127.5 - 1).latent_dist.mean
            picture = ((vae.decode(latents).sample[0].permute(1, 2, 0) + 1) * 127.5).clamp(0, 255)
            scaled = (latents * vae.config.scaling_factor)[0].clone()
            made.append(DecodedPair(scaled, shrink(picture, *scaled.shape[1:])))
    return made


def error_of(projection: Projection, pair: DecodedPair) -> float:
    """Return by how much the colours are off, root mean square of 0 to 255."""
    shown = (pair.latents.permute(1, 2, 0) @ projection.weights + projection.bias).clamp(0, 255)
    return float((shown - pair.picture).square().mean().sqrt())


def fit_of(pairs: list[DecodedPair]) -> ProjectionFit:
    """Return what has learned these pictures, one job each."""
    fit = ProjectionFit(CHANNELS)
    for pair in pairs:
        fit.learn([pair])
    return fit


@pytest.fixture(scope="module")
def prior(pairs: list[DecodedPair]) -> Projection:
    """As good as a host's own factors are: the right colours, none of them exact."""
    best = fit_of(pairs).solve()
    noise = torch.randn(CHANNELS, 3, generator=torch.Generator().manual_seed(0))
    return Projection(best.weights + 0.4 * best.weights.abs().mean() * noise, best.bias + 10.0)


@pytest.mark.parametrize("seed", range(10))
def test_no_palette_spoils_the_next(pairs, prior, seed):
    """In any order of ten, a new one is shown no worse than without having learned, never as another."""
    order = random.Random(seed).sample(pairs, len(pairs))
    for known in range(1, len(order)):
        learned = fit_of(order[:known]).solve(prior)
        errors = [error_of(learned, pair) for pair in order[known:]]
        assert max(errors) < OTHER_COLOUR
        assert mean(errors) <= mean(error_of(prior, pair) for pair in order[known:]) + 1.0


def test_what_was_seen_is_shown_better_than_before(pairs, prior):
    """The host's factors are where it begins, not where it stays."""
    learned = fit_of(pairs).solve(prior)
    assert mean(error_of(learned, pair) for pair in pairs) < mean(error_of(prior, pair) for pair in pairs) / 2


def test_without_anything_known_five_palettes_are_enough(pairs):
    """A model of which the host knows no colours."""
    learned = fit_of(pairs[:5]).solve()
    assert all(error_of(learned, pair) < OTHER_COLOUR for pair in pairs[5:])
