"""How the model of moving shapes was made: its courses, one after the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shapes.course import Course
from shapes.moving_courses import train_autoencoder, train_denoiser
from shapes.moving_networks import build_sampler, build_text_encoder, build_tokenizer


@dataclass(frozen=True)
class MovingRecipe:
    """The courses, and how many films the latents are scaled by and the denoiser learns from."""

    autoencoder: Course
    calibration: int
    denoiser: Course
    films: int


MOVING_SHAPES = MovingRecipe(
    Course("moving_autoencoder", steps=1600, batch=3, rate=3e-3, seed=1),
    calibration=32,
    denoiser=Course("moving_denoiser", steps=2400, batch=6, rate=1.5e-3, seed=1),
    films=128,
)
#: So short that every line of it runs in a minute; its films are blots.
MOVING_TOY = MovingRecipe(
    Course("moving_autoencoder", steps=2, batch=1, rate=2e-3, seed=1),
    calibration=2,
    denoiser=Course("moving_denoiser", steps=2, batch=2, rate=1e-3, seed=1),
    films=2,
)


def train_moving(recipe: MovingRecipe, folder: Path, show: Callable[[float, str], None]) -> Any:
    """Return the trained pipeline; each course goes on from where an earlier run here had left it."""
    from diffusers import WanPipeline

    tokenizer, text_encoder = build_tokenizer(), build_text_encoder()
    vae = train_autoencoder(recipe.autoencoder, recipe.calibration, folder, show)
    denoiser = train_denoiser(recipe.denoiser, tokenizer, text_encoder, vae, recipe.films, folder, show)
    return WanPipeline(
        tokenizer=tokenizer,
        text_encoder=text_encoder,
        vae=vae.eval(),
        scheduler=build_sampler(),
        transformer=denoiser.eval(),
    )
