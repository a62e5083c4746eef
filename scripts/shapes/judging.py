"""Measures which shape a picture shows, and in which colour, without being told the prompt."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from shapes.drawing import RGB, draw_mask
from shapes.language import SHAPES

SIDE = 128
"""Pictures are judged at this side, in pixels."""
LEAST_DIFFERENCE = 60.0
"""What differs so much from the background, of 441 at most, is no background."""
LEAST_AREA = 0.01
"""Less of the picture than this is no shape."""
TEMPLATE_SIDE = 32
BORDER = 2

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Finding:
    """What was measured, in the words of the language; empty where no shape was found."""

    shape: str = ""
    colour: str = ""


def judge(picture: Image.Image) -> Finding:
    """Return what a picture shows: the largest patch unlike its background, held against each shape."""
    pixels = np.asarray(picture.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BOX), dtype=np.float64)
    difference = np.linalg.norm(pixels - estimate_background(pixels), axis=2)
    patch = largest_patch(difference > LEAST_DIFFERENCE)
    if patch.mean() < LEAST_AREA:
        return Finding()
    # A soft edge is a mixture: the outline is halfway, and the colour is that of what differs most.
    patch = largest_patch(patch & (difference > np.quantile(difference[patch], 0.8) / 2))
    inside = patch & (difference >= np.median(difference[patch]))
    colour = np.median(pixels[inside], axis=0)
    nearest = min(RGB, key=lambda name: float(np.linalg.norm(colour - np.array(RGB[name]))))
    return Finding(match_shape(patch), nearest)


def estimate_background(pixels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the background of each row, (side, 1, 3): the median at the left and the right edge.

    A shape may touch one edge, so a straight line down the picture is laid through the rows' medians; a row
    that is far from it counts no more.
    """
    edges = np.concatenate([pixels[:, :BORDER], pixels[:, -BORDER:]], axis=1)
    rows = np.arange(len(pixels))
    candidates = [np.median(part, axis=1) for part in (edges, pixels[:, :BORDER], pixels[:, -BORDER:])]
    lines = [_fit_lines(rows, candidate) for candidate in candidates]
    errors = [np.abs(line - candidate).mean() for line, candidate in zip(lines, candidates, strict=True)]
    return lines[int(np.argmin(errors))][:, None, :]


def _fit_lines(rows: NDArray[np.int_], values: NDArray[np.float64]) -> NDArray[np.float64]:
    slope, start = np.polyfit(rows, values, 1)
    line: NDArray[np.float64] = rows[:, None] * slope + start
    return line


def largest_patch(mask: Mask) -> Mask:
    """Return the largest part of the mask that hangs together, side by side."""
    left, best = mask.copy(), np.zeros_like(mask)
    while left.any():
        first = tuple(int(number) for number in np.argwhere(left)[0])
        patch, waiting = np.zeros_like(mask), deque([first])
        left[first], patch[first] = False, True
        while waiting:
            row, column = waiting.popleft()
            for near in ((row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)):
                if 0 <= min(near) and max(near) < len(mask) and left[near]:
                    left[near], patch[near] = False, True
                    waiting.append(near)
        if patch.sum() > best.sum():
            best = patch
    return best


def match_shape(patch: Mask) -> str:
    """Return the shape that overlaps most with the patch, both made to fill the same square."""
    fitted = _fill_square(patch)
    overlap = {
        shape: (fitted & template).sum() / (fitted | template).sum()
        for shape, template in _templates().items()
    }
    return max(overlap, key=lambda shape: float(overlap[shape]))


@cache
def _templates() -> dict[str, Mask]:
    return {shape: _fill_square(np.asarray(draw_mask(shape, 256, 0.5, 0.5, 0.4)) > 127) for shape in SHAPES}


def _fill_square(mask: Mask) -> Mask:
    """Return the mask's part within its bounds, stretched alike in both directions to fill the template."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    cut = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    side = max(cut.shape)
    square = Image.new("L", (side, side))
    offset = ((side - cut.shape[1]) // 2, (side - cut.shape[0]) // 2)
    square.paste(Image.fromarray(cut.astype(np.uint8) * 255), offset)
    stretched = square.resize((TEMPLATE_SIDE, TEMPLATE_SIDE), Image.Resampling.BILINEAR)
    return np.asarray(stretched) > 127
