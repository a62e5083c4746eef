"""How the model in the repository was made: its courses, one after the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shapes.autoencoder_course import train_autoencoder
from shapes.course import Course
from shapes.denoiser_course import train_denoiser
from shapes.networks import build_tokenizer
from shapes.publishing import build_pipeline
from shapes.text_course import train_text_encoder


@dataclass(frozen=True)
class Recipe:
    """The courses, and how many pictures the latents are scaled by and the denoiser learns from."""

    text_encoder: Course
    autoencoder_crops: Course
    autoencoder_whole: Course
    calibration: int
    denoiser: Course
    denoiser_polish: Course
    pictures: int


SHAPES_MODEL = Recipe(
    Course("text_encoder", steps=800, batch=64, rate=2e-3, seed=1),
    Course("autoencoder", steps=2000, batch=8, rate=2e-3, seed=1),
    Course("autoencoder_whole", steps=1500, batch=8, rate=5e-4, seed=2),
    calibration=256,
    denoiser=Course("denoiser", steps=8000, batch=16, rate=1e-3, seed=1),
    denoiser_polish=Course("denoiser_polish", steps=1000, batch=16, rate=5e-4, seed=2),
    pictures=8_000,
)
#: So short that every line of it runs in a minute; its pictures are blots.
TOY = Recipe(
    Course("text_encoder", steps=4, batch=8, rate=2e-3, seed=1),
    Course("autoencoder", steps=5, batch=2, rate=2e-3, seed=1),
    Course("autoencoder_whole", steps=2, batch=2, rate=1e-3, seed=2),
    calibration=4,
    denoiser=Course("denoiser", steps=4, batch=2, rate=1e-3, seed=1),
    denoiser_polish=Course("denoiser_polish", steps=2, batch=2, rate=5e-4, seed=2),
    pictures=8,
)


def train(recipe: Recipe, folder: Path, show: Callable[[float, str], None]) -> Any:
    """Return the trained pipeline; each course goes on from where an earlier run here had left it."""
    tokenizer = build_tokenizer()
    text_encoder = train_text_encoder(recipe.text_encoder, tokenizer, folder, show)
    vae = train_autoencoder(
        recipe.autoencoder_crops, recipe.autoencoder_whole, recipe.calibration, folder, show
    )
    unet = train_denoiser(
        recipe.denoiser,
        recipe.denoiser_polish,
        tokenizer,
        text_encoder,
        vae,
        recipe.pictures,
        folder,
        show,
    )
    return build_pipeline(tokenizer, text_encoder, vae, unet)
