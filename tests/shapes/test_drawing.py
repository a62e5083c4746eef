"""Pictures that are drawn, and the judge that measures pictures: each is held against the other."""

from __future__ import annotations

import random

import numpy as np
import pytest
from PIL import Image

from shapes.drawing import RGB, SIZE_PX, draw
from shapes.judging import Finding, judge, largest_patch
from shapes.language import COLOURS, PLACES, SCENES, SHAPES, SIZES, Shape, draw_shape


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("colour", COLOURS)
def test_the_judge_finds_what_was_drawn(shape, colour):
    background = "white" if colour == "black" else "black"
    picture = draw(Shape(colour, shape, background=background), random.Random(1))
    assert ("RGB", (SIZE_PX, SIZE_PX)) == (picture.mode, picture.size)
    assert Finding(shape, colour) == judge(picture)


def test_the_judge_is_right_wherever_and_however_large():
    """Only a small shape on a gradient through colours like its own may escape it."""
    generator = random.Random(2)
    asked = [draw_shape(generator) for _ in range(150)]
    found = [judge(draw(shape, generator)) for shape in asked]
    right = [(a.shape, a.colour) == (f.shape, f.colour) for a, f in zip(asked, found, strict=True)]
    assert sum(right) >= 148


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("size", ["", *SIZES])
def test_a_shape_is_where_its_prompt_says(size, place):
    picture = np.asarray(draw(Shape("white", "square", size, place, "black"), random.Random(1)))[..., 0] > 127
    down, right = (axis.mean() / SIZE_PX - 0.5 for axis in np.nonzero(picture))
    shift = {"left": -right, "right": right, "top": -down, "bottom": down}[place]
    across = down if place in ("left", "right") else right
    assert shift > 0.08 and abs(across) < 0.03


def test_sizes_are_told_apart_by_their_area():
    areas = [
        (np.asarray(draw(Shape("white", "circle", size, background="black"), random.Random(1))) > 127).mean()
        for size in ("small", "", "large")
    ]
    assert areas[0] * 2 < areas[1] < areas[2] / 1.7


def test_a_gradient_goes_from_the_top_to_the_bottom():
    picture = draw(Shape("red", "star", "small", "", "blue", "white"), random.Random(1))
    assert np.allclose(picture.getpixel((3, 0)), RGB["blue"], atol=4)
    assert np.allclose(picture.getpixel((3, SIZE_PX - 1)), RGB["white"], atol=4)


def test_every_scene_is_a_picture_of_its_own():
    assert len(SCENES) == len({draw(scene, random.Random(1)).tobytes() for scene in SCENES}) == 30


def test_seeds_differ():
    shape = Shape("red", "circle", background="blue")
    assert draw(shape, random.Random(1)).tobytes() != draw(shape, random.Random(2)).tobytes()


@pytest.mark.parametrize("picture", ["even", "noise"])
def test_where_there_is_no_shape_none_is_found(picture):
    even = np.full((SIZE_PX, SIZE_PX, 3), 90, np.uint8)
    noise = np.random.default_rng(1).integers(0, 255, (SIZE_PX, SIZE_PX, 3), np.uint8)
    found = judge(Image.fromarray(even if picture == "even" else noise))
    assert Finding() == found


def test_a_blot_beside_the_shape_does_not_count():
    mask = np.zeros((8, 8), bool)
    mask[0, 0], mask[4:7, 4:7] = True, True
    assert 9 == largest_patch(mask).sum() and not largest_patch(mask)[0, 0]


def test_no_shape_of_another_name_is_drawn():
    with pytest.raises(ValueError, match="'heart' is no shape"):
        draw(Shape("red", "heart"), random.Random(1))
