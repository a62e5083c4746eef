"""Teaches the UNet to find the picture of a prompt in noise."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from shapes.autoencoder_course import encode, to_tensor
from shapes.course import Course, Dice, take_course
from shapes.drawing import draw
from shapes.language import draw_subject
from shapes.networks import build_denoiser, build_noise_schedule
from shapes.text_course import WITHOUT_PROMPT, say, tokenize

ENCODED_AT_ONCE = 16
WEIGHTED_FROM = 0.3
"""After this share of the course, when backgrounds are known, what stands before them counts more."""
FOREGROUND_WEIGHT = 5.0
LEAST_DIFFERENCE = 0.5
"""Latents that are so far from those at the edges of their row are foreground, in standard deviations."""
LEAST_SHARE = 0.1
"""A foreground, or background, that takes less of the picture counts as if it took so much."""
REACH = 5
"""Latents across, in which a foreground's surroundings belong to it."""


def train_denoiser(
    course: Course,
    polish: Course,
    tokenizer: Any,
    text_encoder: Any,
    vae: Any,
    pictures: int,
    folder: Path,
    show: Any,
) -> Any:
    """Return the UNet, trained on so many pictures and their prompts, for classifier-free guidance too."""
    latents, prompts = encode_pictures(vae, pictures, course.seed, folder, show)
    states = encode_prompts(tokenizer, text_encoder, {*prompts, ""})
    schedule = build_noise_schedule()

    def loss_of(unet: nn.Module, dice: Dice, weigh: Callable[[torch.Tensor], torch.Tensor]) -> torch.Tensor:
        chosen = [dice.words.randrange(len(prompts)) for _ in range(course.batch)]
        said = ["" if dice.words.random() < WITHOUT_PROMPT else prompts[index] for index in chosen]
        clean = latents[chosen].float()
        noise = torch.randn(clean.shape, generator=dice.noise)
        times = torch.randint(0, schedule.config.num_train_timesteps, (course.batch,), generator=dice.noise)
        noisy = schedule.add_noise(clean, noise, times)
        told = torch.stack([states[prompt] for prompt in said])
        errors = unet(noisy, times, told).sample - schedule.get_velocity(clean, noise, times)
        return (weigh(clean) * errors.square()).mean()

    def loss_of_course(unet: nn.Module, dice: Dice) -> torch.Tensor:
        return loss_of(unet, dice, weigh_more if dice.share_done >= WEIGHTED_FROM else torch.ones_like)

    def loss_of_polish(unet: nn.Module, dice: Dice) -> torch.Tensor:
        return loss_of(unet, dice, weigh_alike)

    torch.manual_seed(course.seed)
    unet = take_course(course, build_denoiser(), loss_of_course, folder, show)
    return take_course(polish, unet, loss_of_polish, folder, show)


@torch.no_grad()
def encode_prompts(tokenizer: Any, text_encoder: Any, prompts: set[str]) -> dict[str, torch.Tensor]:
    """Return the text encoder's states of each prompt: (tokens, width)."""
    states: dict[str, torch.Tensor] = {}
    known = sorted(prompts)
    for start in range(0, len(known), ENCODED_AT_ONCE):
        part = known[start : start + ENCODED_AT_ONCE]
        states |= zip(part, text_encoder(tokenize(tokenizer, part)).last_hidden_state, strict=True)
    return states


def find_foreground(latents: torch.Tensor) -> torch.Tensor:
    """Return 1 where a latent is unlike its row's edges, or near such a one: (count, 1, height, width)."""
    edges = latents[..., [0, -1]].mean(-1, keepdim=True)
    differs = ((latents - edges).abs() > LEAST_DIFFERENCE).any(1, keepdim=True).float()
    return nn.functional.max_pool2d(differs, REACH, stride=1, padding=REACH // 2)


def weigh_more(latents: torch.Tensor) -> torch.Tensor:
    """Return weights of mean 1 in which each place of the foreground counts more: outlines are few."""
    weights = 1 + (FOREGROUND_WEIGHT - 1) * find_foreground(latents)
    return weights / weights.mean()


def weigh_alike(latents: torch.Tensor) -> torch.Tensor:
    """Return weights by which a small shape counts as much as a large one: half of its picture."""
    foreground = find_foreground(latents)
    share = foreground.mean((1, 2, 3), keepdim=True).clamp(LEAST_SHARE, 1 - LEAST_SHARE)
    return foreground / (2 * share) + (1 - foreground) / (2 * (1 - share))


@torch.no_grad()
def encode_pictures(
    vae: Any, count: int, seed: int, folder: Path, show: Any
) -> tuple[torch.Tensor, list[str]]:
    """Return the latents of so many pictures, (count, 4, 32, 32) in half precision, and their prompts.

    They are kept in the folder: the encoder is slower than the step of training that needs them.
    """
    generator, prompts, subjects = random.Random(seed), [], []
    for _ in range(count):
        subjects.append(draw_subject(generator))
        prompts.append(say(subjects[-1], generator))
    file = folder / f"latents-{count}-{seed}.safetensors"
    if file.exists():
        return load_file(file)["latents"], prompts
    parts = []
    for start in range(0, count, ENCODED_AT_ONCE):
        pictures = [
            to_tensor(draw(subject, generator)) for subject in subjects[start : start + ENCODED_AT_ONCE]
        ]
        parts.append(encode(vae, torch.stack(pictures)).half())
        show(start / count, f"encoding pictures {start}/{count}")
    latents = torch.cat(parts)
    unfinished = file.with_suffix(".part")
    save_file({"latents": latents}, unfinished)
    unfinished.replace(file)
    return latents, prompts
