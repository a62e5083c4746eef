"""Draws the simple scenes: a thing on some ground, under the sky of a time of day."""

from __future__ import annotations

import random

from PIL import Image, ImageDraw

from shapes.gradient import draw_gradient
from shapes.language import Scene

Colour = tuple[int, int, int]

#: The sky from its top to the horizon.
SKIES: dict[str, tuple[Colour, Colour]] = {
    "by day": ((70, 140, 235), (190, 220, 250)),
    "at sunset": ((110, 60, 140), (250, 150, 70)),
    "at night": ((10, 12, 40), (40, 50, 100)),
}
#: The sun, or the moon: its colour, and its centre as shares of the side.
LIGHTS: dict[str, tuple[Colour, float, float]] = {
    "by day": ((255, 235, 90), 0.8, 0.18),
    "at sunset": ((255, 220, 110), 0.8, 0.5),
    "at night": ((235, 235, 220), 0.8, 0.18),
}
GROUND_COLOURS: dict[str, Colour] = {
    "grass": (70, 160, 60),
    "sand": (225, 195, 130),
    "snow": (240, 245, 250),
    "water": (40, 100, 170),
}
#: How much light is left for what is not the sky.
BRIGHTNESS = {"by day": 1.0, "at sunset": 0.8, "at night": 0.45}
HORIZON = 0.62
LIGHT_RADIUS = 0.08


def draw_scene(scene: Scene, generator: random.Random, side: int) -> Image.Image:
    """Return the scene as a square RGB picture; how far right the thing stands, the generator says."""
    horizon = round(HORIZON * side)
    picture = Image.new("RGB", (side, side), _lit(GROUND_COLOURS[scene.ground], scene.time))
    pencil = ImageDraw.Draw(picture)
    picture.paste(draw_gradient(*SKIES[scene.time], side, horizon), (0, 0))
    colour, right, down = LIGHTS[scene.time]
    pencil.ellipse(_box(right, down, LIGHT_RADIUS, side), fill=colour)
    pencil.rectangle((0, horizon, side, side), fill=_lit(GROUND_COLOURS[scene.ground], scene.time))
    THINGS[scene.thing](_Brush(pencil, side, 0.4 + generator.uniform(-0.03, 0.03), scene.time))
    return picture


class _Brush:
    """Paints polygons and discs around a thing's place; all lengths are shares of the picture's side."""

    def __init__(self, pencil: ImageDraw.ImageDraw, side: int, right: float, time: str) -> None:
        self._pencil, self._side, self._right, self._time = pencil, side, right, time

    def polygon(self, colour: Colour, *points: tuple[float, float]) -> None:
        """Points are right of the thing's middle, and down from the picture's top."""
        corners = [((self._right + x) * self._side, y * self._side) for x, y in points]
        self._pencil.polygon(corners, fill=_lit(colour, self._time))

    def disc(self, colour: Colour, right: float, down: float, radius: float) -> None:
        """One disc."""
        box = _box(self._right + right, down, radius, self._side)
        self._pencil.ellipse(box, fill=_lit(colour, self._time))


def _house(brush: _Brush) -> None:
    brush.polygon((230, 205, 160), (-0.17, 0.48), (0.17, 0.48), (0.17, 0.76), (-0.17, 0.76))
    brush.polygon((190, 60, 50), (-0.22, 0.48), (0, 0.28), (0.22, 0.48))
    brush.polygon((120, 70, 40), (-0.05, 0.6), (0.05, 0.6), (0.05, 0.76), (-0.05, 0.76))


def _tree(brush: _Brush) -> None:
    brush.polygon((120, 75, 40), (-0.04, 0.5), (0.04, 0.5), (0.04, 0.78), (-0.04, 0.78))
    brush.disc((35, 115, 50), 0.0, 0.38, 0.19)


def _mountain(brush: _Brush) -> None:
    brush.polygon((125, 120, 125), (-0.36, HORIZON), (0, 0.18), (0.36, HORIZON))
    brush.polygon((245, 245, 250), (-0.1, 0.3), (0, 0.18), (0.1, 0.3))


def _boat(brush: _Brush) -> None:
    brush.polygon((245, 240, 230), (-0.01, 0.26), (-0.01, 0.62), (0.2, 0.62))
    brush.polygon((150, 60, 40), (-0.24, 0.65), (0.24, 0.65), (0.15, 0.77), (-0.15, 0.77))


THINGS = {"house": _house, "tree": _tree, "mountain": _mountain, "boat": _boat}


def _box(right: float, down: float, radius: float, side: int) -> tuple[float, float, float, float]:
    left, top = side * (right - radius), side * (down - radius)
    return left, top, left + 2 * side * radius, top + 2 * side * radius


def _lit(colour: Colour, time: str) -> Colour:
    red, green, blue = (round(BRIGHTNESS[time] * part) for part in colour)
    return red, green, blue
