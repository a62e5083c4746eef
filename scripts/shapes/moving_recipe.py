"""How the model of moving shapes was made: its courses, one after the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shapes.course import Course
from shapes.moving_courses import (
    LONG_FRAMES,
    SHORT_FRAMES,
    encode_prompts,
    train_autoencoder,
    train_denoiser,
)
from shapes.moving_networks import (
    build_autoencoder,
    build_denoiser,
    build_sampler,
    build_text_encoder,
    build_tokenizer,
)


@dataclass(frozen=True)
class MovingRecipe:
    """The courses, in the order in which they are taken, and how many films the denoiser learns from."""

    autoencoder: Course
    denoiser: Course
    films: int
    autoencoder_long: Course
    denoiser_polish: Course
    films_of_polish: int


MOVING_SHAPES = MovingRecipe(
    Course("moving_autoencoder", steps=1600, batch=3, rate=3e-3, seed=1),
    denoiser=Course("moving_denoiser", steps=2400, batch=6, rate=1.5e-3, seed=1),
    films=128,
    autoencoder_long=Course("moving_autoencoder_long", steps=450, batch=1, rate=1.5e-3, seed=2),
    denoiser_polish=Course("moving_denoiser_polish", steps=700, batch=6, rate=1e-3, seed=2),
    films_of_polish=64,
)
#: So short that every line of it runs in a minute; its films are blots.
MOVING_TOY = MovingRecipe(
    Course("moving_autoencoder", steps=2, batch=1, rate=2e-3, seed=1),
    denoiser=Course("moving_denoiser", steps=2, batch=2, rate=1e-3, seed=1),
    films=1,
    autoencoder_long=Course("moving_autoencoder_long", steps=1, batch=1, rate=1e-3, seed=2),
    denoiser_polish=Course("moving_denoiser_polish", steps=2, batch=2, rate=1e-3, seed=2),
    films_of_polish=1,
)


def train_moving(recipe: MovingRecipe, folder: Path, show: Callable[[float, str], None]) -> Any:
    """Return the trained pipeline; each course goes on from where an earlier run here had left it."""
    from diffusers import WanPipeline

    tokenizer, text_encoder = build_tokenizer(), build_text_encoder()
    states = encode_prompts(tokenizer, text_encoder)
    vae = train_autoencoder(recipe.autoencoder, build_autoencoder(), SHORT_FRAMES, folder, show)
    denoiser = train_denoiser(recipe.denoiser, build_denoiser(), states, vae, recipe.films, folder, show)
    vae = train_autoencoder(recipe.autoencoder_long, vae, LONG_FRAMES, folder, show)
    denoiser = train_denoiser(
        recipe.denoiser_polish, denoiser, states, vae, recipe.films_of_polish, folder, show
    )
    return WanPipeline(
        tokenizer=tokenizer,
        text_encoder=text_encoder,
        vae=vae.eval(),
        scheduler=build_sampler(),
        transformer=denoiser.eval(),
    )
