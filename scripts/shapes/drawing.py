"""Draws what a prompt says: the pictures from which the model of shapes learns."""

from __future__ import annotations

import math
import random

from PIL import Image, ImageDraw

from shapes.gradient import draw_gradient
from shapes.language import Scene, Shape, Subject
from shapes.scenes import draw_scene

SIZE_PX = 256
#: Drawn so many times as large and made small again, for smooth edges.
OVERSAMPLING = 2

RGB = {
    "red": (220, 40, 40),
    "orange": (245, 145, 30),
    "yellow": (250, 225, 50),
    "green": (50, 165, 70),
    "blue": (45, 90, 220),
    "purple": (145, 60, 185),
    "white": (250, 250, 250),
    "black": (20, 20, 20),
}
PLAIN_RGB = (200, 200, 205)
"""The background that is not said."""

#: Half of a shape's side, as a share of the picture's.
RADII = {"small": 0.14, "": 0.23, "large": 0.34}
LARGEST_SHIFT = 0.24
MARGIN = 0.03
DIRECTIONS = {"": (0, 0), "left": (-1, 0), "right": (1, 0), "top": (0, -1), "bottom": (0, 1)}
#: How far seeds differ: in place, as a share of the picture's side; in size, as a share of the size.
PLACE_SPREAD, SIZE_SPREAD = 0.02, 0.05


def draw(subject: Subject, generator: random.Random) -> Image.Image:
    """Return the subject as an RGB picture of 256 x 256; where just it is, the generator says."""
    side = SIZE_PX * OVERSAMPLING
    if isinstance(subject, Scene):
        large = draw_scene(subject, generator, side)
    else:
        large = draw_background(subject, side)
        radius = RADII[subject.size] * (1 + generator.uniform(-SIZE_SPREAD, SIZE_SPREAD))
        shift = min(LARGEST_SHIFT, 0.5 - RADII[subject.size] - MARGIN)
        x, y = (
            0.5 + direction * shift + generator.uniform(-PLACE_SPREAD, PLACE_SPREAD)
            for direction in DIRECTIONS[subject.place]
        )
        large.paste(RGB[subject.colour], mask=draw_mask(subject.shape, side, x, y, radius))
    return large.resize((SIZE_PX, SIZE_PX), Image.Resampling.BOX)


def draw_background(shape: Shape, side: int) -> Image.Image:
    """Return one colour, or a gradient from the top to the bottom."""
    start = RGB.get(shape.background, PLAIN_RGB)
    if not shape.background_end:
        return Image.new("RGB", (side, side), start)
    return draw_gradient(start, RGB[shape.background_end], side, side)


def draw_mask(shape: str, side: int, x: float, y: float, radius: float) -> Image.Image:
    """Return where a shape is: 255 inside, 0 outside. Centre and radius are shares of the side."""
    mask = Image.new("L", (side, side))
    pencil = ImageDraw.Draw(mask)
    x, y, radius = x * side, y * side, radius * side

    def box(scale: float) -> tuple[float, float, float, float]:
        return (x - scale * radius, y - scale * radius, x + scale * radius, y + scale * radius)

    def polygon(*points: tuple[float, float]) -> None:
        pencil.polygon([(x + radius * right, y + radius * down) for right, down in points], fill=255)

    if shape == "circle":
        pencil.ellipse(box(1), fill=255)
    elif shape == "ring":
        pencil.ellipse(box(1), fill=255)
        pencil.ellipse(box(0.55), fill=0)
    elif shape == "square":
        pencil.rectangle(box(0.88), fill=255)
    elif shape == "triangle":
        polygon((0, -1), (1, 0.85), (-1, 0.85))
    elif shape == "diamond":
        polygon((0, -1), (0.8, 0), (0, 1), (-0.8, 0))
    elif shape == "cross":
        arm = 0.3
        polygon((-arm, -1), (arm, -1), (arm, 1), (-arm, 1))
        polygon((-1, -arm), (1, -arm), (1, arm), (-1, arm))
    elif shape == "star":
        polygon(*(_on_circle(number * math.pi / 5, 0.42 if number % 2 else 1.0) for number in range(10)))
    else:
        raise ValueError(f"{shape!r} is no shape of the language")
    return mask


def _on_circle(angle: float, radius: float) -> tuple[float, float]:
    return radius * math.sin(angle), -radius * math.cos(angle)
