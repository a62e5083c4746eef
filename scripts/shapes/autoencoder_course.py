"""Teaches the autoencoder to make pictures small and large again."""

from __future__ import annotations

import math
import random
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import nn

from shapes.course import Course, Dice, take_course
from shapes.drawing import SIZE_PX, draw
from shapes.language import draw_subject
from shapes.networks import LATENT_CHANNELS, LATENT_SPREAD_LOG, build_autoencoder

#: The side of the crops it learns from at first, by the share of the course until which they are so small.
CROPS_PX = {0.6: 64, 1.0: 128}
#: The side at which it then learns whole pictures, whose averages are unlike a crop's.
WHOLE_PX = 128
CROPS_COLOUR_WEIGHT, WHOLE_COLOUR_WEIGHT = 0.3, 0.1
"""How strongly the first three latent channels are led to be the picture's colours, for true previews."""
SIZE_WEIGHT = 1e-3
"""How strongly the free channel is kept small."""


def to_tensor(picture: Image.Image) -> torch.Tensor:
    """Return an RGB picture as (3, height, width) in -1..1."""
    return torch.from_numpy(np.asarray(picture).copy()).permute(2, 0, 1) / 127.5 - 1


def draw_pictures(generator: random.Random, count: int) -> torch.Tensor:
    """Return whole pictures of subjects of training: (count, 3, 256, 256) in -1..1."""
    return torch.stack([to_tensor(draw(draw_subject(generator), generator)) for _ in range(count)])


def crop(picture: torch.Tensor, side: int, generator: random.Random) -> torch.Tensor:
    """Return any square of the picture."""
    left, top = (generator.randrange(SIZE_PX - side + 1) for _ in range(2))
    return picture[:, top : top + side, left : left + side]


def train_autoencoder(crops: Course, whole: Course, calibration: int, folder: Path, show: Any) -> Any:
    """Return the trained autoencoder.

    Its latents are of mean 0 and variance 1 in each channel, over so many pictures as `calibration` says.
    """

    def loss_of_crops(vae: nn.Module, dice: Dice) -> torch.Tensor:
        side = next(side for share, side in CROPS_PX.items() if dice.share_done < share)
        pictures = draw_pictures(dice.words, crops.batch)
        pictures = torch.stack([crop(picture, side, dice.words) for picture in pictures])
        return loss_of(vae, pictures, CROPS_COLOUR_WEIGHT, dice)

    def loss_of_whole(vae: nn.Module, dice: Dice) -> torch.Tensor:
        pictures = draw_pictures(dice.words, whole.batch)
        pictures = nn.functional.avg_pool2d(pictures, SIZE_PX // WHOLE_PX)
        return loss_of(vae, pictures, WHOLE_COLOUR_WEIGHT, dice)

    torch.manual_seed(crops.seed)
    vae = take_course(crops, build_autoencoder(), loss_of_crops, folder, show)
    vae = take_course(whole, vae, loss_of_whole, folder, show)
    return calibrate(vae, draw_pictures(random.Random(whole.seed), calibration))


def loss_of(vae: Any, pictures: torch.Tensor, colour_weight: float, dice: Dice) -> torch.Tensor:
    """Return how unlike the pictures are after the way through the latents, and how unruly those are."""
    means = vae.quant_conv(vae.encoder(pictures))[:, :LATENT_CHANNELS]
    spread = math.exp(LATENT_SPREAD_LOG / 2) * torch.randn(means.shape, generator=dice.noise)
    again = vae.decoder(vae.post_quant_conv(means + spread))
    colours = nn.functional.avg_pool2d(pictures, 8)
    return (
        nn.functional.l1_loss(again, pictures)
        + nn.functional.mse_loss(again, pictures)
        + colour_weight * nn.functional.mse_loss(means[:, :3], colours)
        + SIZE_WEIGHT * means[:, 3:].square().mean()
    )


@torch.no_grad()
def calibrate(vae: Any, pictures: torch.Tensor) -> Any:
    """Scale the latents to mean 0 and variance 1, inside the VAE, and give them their spread; return the VAE.

    The two 1 x 1 convolutions around the latents take it up, so a pipeline's `scaling_factor` stays 1.
    """
    latents = torch.cat([encode(vae, part) for part in pictures.split(16)])
    mean, scale = latents.mean((0, 2, 3)), latents.std((0, 2, 3))
    inward, outward = vae.quant_conv, vae.post_quant_conv
    outward.bias += outward.weight[..., 0, 0] @ mean
    outward.weight *= scale[None, :, None, None]
    inward.weight[:LATENT_CHANNELS] /= scale[:, None, None, None]
    inward.bias[:LATENT_CHANNELS] = (inward.bias[:LATENT_CHANNELS] - mean) / scale
    inward.weight[LATENT_CHANNELS:] = 0
    inward.bias[LATENT_CHANNELS:] = LATENT_SPREAD_LOG
    return vae


@torch.no_grad()
def encode(vae: Any, pictures: torch.Tensor) -> torch.Tensor:
    """Return the latents' means: (count, 4, height / 8, width / 8)."""
    return vae.encode(pictures).latent_dist.mean
