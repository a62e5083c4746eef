"""The model of moving shapes: its recipe from the first word to the folder, and what is published."""

from __future__ import annotations

import hashlib
import random

import pytest
import torch
from diffusers import WanPipeline

from bench.commands.environment import REPOSITORY
from shapes.course import Course
from shapes.moving import FRAMES, SIDE_PX, Moving, draw_film, every_moving
from shapes.moving_courses import encode_prompt
from shapes.moving_networks import TEXT_WIDTH, build_text_encoder, build_tokenizer
from shapes.moving_recipe import MOVING_SHAPES, MOVING_TOY, train_moving
from shapes.publishing import CHECKSUMS, LARGEST_BYTES, publish

pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation:DeprecationWarning", "ignore:CUDA initialization:UserWarning"
)
PUBLISHED = REPOSITORY / "modules" / "moving_shapes"


def test_the_toy_goes_all_the_way_and_films(tmp_path):
    """The folder is an ordinary one of Wan's kind, and what is trained already is taken up."""
    shown: list[str] = []
    toy = train_moving(MOVING_TOY, tmp_path / "state", lambda share, text: shown.append(text))
    assert any("polish" in text for text in shown)
    publish(toy, tmp_path / "model")
    pipeline = WanPipeline.from_pretrained(tmp_path / "model", local_files_only=True)
    pipeline.set_progress_bar_config(disable=True)
    film = pipeline(
        "a red circle moving left",
        num_inference_steps=1,
        height=32,
        width=32,
        num_frames=5,
        output_type="np",
        max_sequence_length=512,
    ).frames
    assert (1, 5, 32, 32, 3) == film.shape
    shown.clear()
    train_moving(MOVING_TOY, tmp_path / "state", lambda share, text: shown.append(text))
    assert not [text for text in shown if text.startswith("moving_")]


def test_toy_and_model_take_the_same_courses():
    """What the toy's test has run is what the model's training runs."""
    names = [
        [course.name for course in vars(recipe).values() if isinstance(course, Course)]
        for recipe in (MOVING_TOY, MOVING_SHAPES)
    ]
    assert names[0] == names[1]


@pytest.mark.parametrize(
    ("way", "axis", "sign"), [("left", 1, -1), ("right", 1, 1), ("up", 0, -1), ("down", 0, 1)]
)
def test_a_shape_moves_where_the_prompt_says(way, axis, sign):
    """Its middle does, from the first frame to the last."""
    film = draw_film(Moving("red", "square", way), random.Random(1))
    assert (3, FRAMES, SIDE_PX, SIDE_PX) == film.shape
    first, last = (_middle(film[:, frame]) for frame in (0, -1))
    assert sign * (last[axis] - first[axis]) > 0.4 * SIDE_PX
    assert abs(last[1 - axis] - first[1 - axis]) < 2


def _middle(picture: torch.Tensor) -> tuple[float, float]:
    differs = (picture - picture[:, :1, :1]).abs().sum(0) > 0.3
    rows, columns = torch.nonzero(differs).float().mean(0).tolist()
    return rows, columns


def test_prompts_are_told_apart_by_an_encoder_that_was_never_trained():
    """Each word of the language is one token, and another state."""
    tokenizer, encoder = build_tokenizer(), build_text_encoder()
    prompts = [str(moving) for moving in every_moving()[:8]]
    assert all(6 == len(tokenizer(prompt).input_ids) for prompt in prompts)
    states = [encode_prompt(tokenizer, encoder, prompt) for prompt in prompts]
    assert all((512, TEXT_WIDTH) == tuple(one.shape) for one in states)
    nearest = min((a - b).abs().max().item() for i, a in enumerate(states) for b in states[:i])
    assert nearest > 0.01


def test_the_published_model_is_whole_and_small():
    """Every file is as it was published, none is missing from the list, and all are small together."""
    listed = dict(
        reversed(line.split("  ", 1)) for line in (PUBLISHED / CHECKSUMS).read_text("utf-8").splitlines()
    )
    files = {file.relative_to(PUBLISHED).as_posix(): file for file in PUBLISHED.rglob("*") if file.is_file()}
    assert set(files) == {*listed, CHECKSUMS, "README.md"}
    for name, checksum in listed.items():
        assert checksum == hashlib.sha256(files[name].read_bytes()).hexdigest(), name
    assert sum(file.stat().st_size for file in files.values()) < LARGEST_BYTES
