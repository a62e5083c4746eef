"""What moves in the films from which the model of moving shapes learns, and how it is drawn."""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image

from shapes.drawing import DIRECTIONS, OVERSAMPLING, PLAIN_RGB, RGB, draw_mask

SHAPES = ("circle", "square", "triangle", "cross")
COLOURS = ("red", "green", "blue", "black")
#: Where a shape moves to, as the language of places has it.
WAYS = {"left": "left", "right": "right", "up": "top", "down": "bottom"}
#: Of a film: pixels of a side, and frames; four of them are one of the latents, the first is one by itself.
SIDE_PX, FRAMES = 96, 17
RADIUS, REACH = 0.2, 0.26
"""Half of a shape's side, and how far from the middle it begins and ends; shares of the picture's side."""
SPREAD = 0.03


@dataclass(frozen=True)
class Moving:
    """One film: "a red circle moving left"."""

    colour: str
    shape: str
    way: str

    def __str__(self) -> str:
        return f"a {self.colour} {self.shape} moving {self.way}"


def every_moving() -> list[Moving]:
    """Return all that the language has, in order."""
    return [Moving(colour, shape, way) for colour in COLOURS for shape in SHAPES for way in WAYS]


def draw_film(moving: Moving, generator: random.Random, frames: int = FRAMES) -> torch.Tensor:
    """Return the film as (3, frames, 96, 96) in -1..1; where just the shape is, the generator says."""
    along = DIRECTIONS[WAYS[moving.way]]
    aside = tuple(generator.uniform(-SPREAD, SPREAD) for _ in along)
    radius = RADIUS * (1 + generator.uniform(-SPREAD, SPREAD))
    side = SIDE_PX * OVERSAMPLING
    pictures = []
    for frame in range(frames):
        share = (2 * frame / max(1, frames - 1) - 1) * REACH
        x, y = (0.5 + share * one + off for one, off in zip(along, aside, strict=True))
        picture = Image.new("RGB", (side, side), PLAIN_RGB)
        picture.paste(RGB[moving.colour], mask=draw_mask(moving.shape, side, x, y, radius))
        pictures.append(np.asarray(picture.resize((SIDE_PX, SIDE_PX), Image.Resampling.BOX)))
    return torch.from_numpy(np.stack(pictures)).permute(3, 0, 1, 2) / 127.5 - 1
