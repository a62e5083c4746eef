"""Teaches the parts of the model of moving shapes: the autoencoder to shrink films, the denoiser to film."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import torch
from torch import nn

from shapes.course import AVERAGE_DECAY, Course, Dice, take_course
from shapes.moving import FRAMES, SIDE_PX, draw_film, every_moving
from shapes.moving_networks import (
    LATENT_CHANNELS,
    STEPS_OF_NOISE,
    TOKENS,
)

#: Side of what the autoencoder learns from: it sees no further at any place of a whole film.
CROP_PX = 32
#: Frames of that: short at first, then so many that what it keeps of earlier chunks comes to matter.
SHORT_FRAMES, LONG_FRAMES = 5, 13
SHORT_MEMORY = 0.98
"""How slowly the averages of the second courses forget what the first have learned."""
COLOUR_WEIGHT = 0.1
"""How strongly the first three latent channels are led to be the film's colours, for true previews."""
SIZE_WEIGHT = 1e-3
WITHOUT_PROMPT = 0.1
LATENTS_PER_FRAME, LATENTS_PER_PIXEL = 4, 8


def train_autoencoder(course: Course, vae: Any, frames: int, folder: Path, show: Any) -> Any:
    """Return the autoencoder, trained on parts of films of so many frames."""

    def loss_of(vae: Any, dice: Dice) -> torch.Tensor:
        films = torch.stack([_draw_crop(dice.words, frames) for _ in range(course.batch)])
        means = vae.encode(films).latent_dist.mean
        spread = 0.05 * torch.randn(means.shape, generator=dice.noise)
        again = vae.decode(means + spread).sample
        colours = nn.functional.avg_pool3d(films[:, :, 1:], (LATENTS_PER_FRAME, *[LATENTS_PER_PIXEL] * 2))
        return (
            nn.functional.l1_loss(again, films)
            + nn.functional.mse_loss(again, films)
            + COLOUR_WEIGHT * nn.functional.mse_loss(means[:, :3, 1:], colours)
            + SIZE_WEIGHT * means[:, 3:].square().mean()
        )

    torch.manual_seed(course.seed)
    return take_course(course, vae, loss_of, folder, show, _decay(frames > SHORT_FRAMES))


def train_denoiser(
    course: Course,
    denoiser: Any,
    states: dict[str, torch.Tensor],
    vae: Any,
    films: int,
    folder: Path,
    show: Any,
) -> Any:
    """Return the denoiser, trained on so many films and their prompts, for classifier-free guidance too.

    The autoencoder is told mean and spread of the latents of those films.
    """
    raw, prompts = encode_films(vae, films, course.seed, show)
    vae.register_to_config(
        latents_mean=raw.mean((0, 2, 3, 4)).tolist(), latents_std=raw.std((0, 2, 3, 4)).tolist()
    )
    latents = normalize(vae, raw)

    def loss_of(denoiser: nn.Module, dice: Dice) -> torch.Tensor:
        chosen = [dice.words.randrange(len(prompts)) for _ in range(course.batch)]
        said = ["" if dice.words.random() < WITHOUT_PROMPT else prompts[index] for index in chosen]
        clean = latents[chosen]
        noise = torch.randn(clean.shape, generator=dice.noise)
        share = torch.sigmoid(torch.randn(course.batch, generator=dice.noise))
        of_noise = share[:, None, None, None, None]
        told = torch.stack([states[prompt] for prompt in said])
        noisy = (1 - of_noise) * clean + of_noise * noise
        flow = denoiser(noisy, share * STEPS_OF_NOISE, told).sample
        return nn.functional.mse_loss(flow, noise - clean)

    torch.manual_seed(course.seed)
    return take_course(course, denoiser, loss_of, folder, show, _decay(course.name.endswith("polish")))


def encode_prompts(tokenizer: Any, text_encoder: Any) -> dict[str, torch.Tensor]:
    """Return the states of each prompt of the language, and of none."""
    prompts = ["", *map(str, every_moving())]
    return {prompt: encode_prompt(tokenizer, text_encoder, prompt) for prompt in prompts}


@torch.no_grad()
def encode_films(
    vae: Any, count: int, seed: int, show: Any = lambda share, text: None
) -> tuple[torch.Tensor, list[str]]:
    """Return the latents of so many films, (count, 4, 5, 12, 12), as the VAE gives them; and the prompts."""
    generator, every = random.Random(seed), every_moving()
    latents, prompts = [], []
    for number in range(count):
        moving = every[number % len(every)]
        latents.append(vae.encode(draw_film(moving, generator)[None]).latent_dist.mean)
        prompts.append(str(moving))
        show(number / count, f"encoding films {number}/{count}")
    return torch.cat(latents), prompts


def normalize(vae: Any, latents: torch.Tensor) -> torch.Tensor:
    """Return latents as the pipeline computes them: of mean 0 and spread 1."""
    mean, spread = (
        torch.tensor(one).view(1, LATENT_CHANNELS, 1, 1, 1)
        for one in (vae.config.latents_mean, vae.config.latents_std)
    )
    return (latents - mean) / spread


@torch.no_grad()
def encode_prompt(tokenizer: Any, text_encoder: Any, prompt: str) -> torch.Tensor:
    """Return the states of a prompt as the pipeline gives them to the denoiser: (512, width)."""
    told = tokenizer(prompt, padding="max_length", max_length=TOKENS, truncation=True, return_tensors="pt")
    states = text_encoder(told.input_ids, told.attention_mask).last_hidden_state[0]
    length = int(told.attention_mask.sum())
    return torch.cat([states[:length], states.new_zeros(TOKENS - length, states.shape[1])])


def _decay(is_second: bool) -> float:
    return SHORT_MEMORY if is_second else AVERAGE_DECAY


def _draw_crop(generator: random.Random, frames: int) -> torch.Tensor:
    """Return any part of any film, (3, frames, 32, 32); every other one has the shape in it for certain."""
    film = draw_film(generator.choice(every_moving()), generator)
    start = generator.randrange(FRAMES - frames + 1)
    part = film[:, start : start + frames]
    if generator.random() < 0.5:
        left, top = (generator.randrange(SIDE_PX - CROP_PX + 1) for _ in range(2))
    else:
        differs = (part[:, frames // 2] - part[:, 0, :1, :1]).abs().sum(0) > 0.1
        rows, columns = (torch.nonzero(differs.any(1 - axis)).flatten().tolist() for axis in range(2))
        top, left = (
            min(max(0, generator.choice(places) - CROP_PX // 2), SIDE_PX - CROP_PX)
            for places in (rows, columns)
        )
    return part[:, :, top : top + CROP_PX, left : left + CROP_PX]
