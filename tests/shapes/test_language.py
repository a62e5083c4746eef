"""The language of the default model: what can be said, and what training never shows."""

from __future__ import annotations

import random
from itertools import islice

import pytest

from shapes.language import SCENES, VALUES, WORDS, Scene, Shape, attributes_of, draw_subject, held_out_shapes
from shapes.networks import build_tokenizer
from shapes.text_course import tokenize


@pytest.mark.parametrize(
    ("subject", "prompt"),
    [
        (Shape("red", "circle", background="blue"), "a red circle on blue"),
        (Shape("orange", "star"), "an orange star"),
        (Shape("orange", "star", size="small", place="top"), "a small orange star at the top"),
        (
            Shape("black", "ring", place="left", background="blue", background_end="white"),
            "a black ring at the left on a gradient from blue to white",
        ),
        (Scene("boat", "water", "at night"), "a boat on water at night"),
    ],
)
def test_a_subject_is_said_in_plain_words(subject, prompt):
    assert prompt == subject.prompt


def test_training_never_shows_what_is_held_out():
    """Not in another size or place either."""
    generator = random.Random(7)
    held_out = {_combination(shape) for shape in islice(held_out_shapes(), 200)}
    trained = [draw_subject(generator) for _ in range(3000)]
    shapes = [subject for subject in trained if isinstance(subject, Shape)]
    assert held_out and not held_out & {_combination(shape) for shape in shapes}
    assert 0.1 < 1 - len(shapes) / len(trained) < 0.2


def test_the_held_out_prompts_are_the_same_each_time_and_unlike_each_other():
    first, again = (list(islice(held_out_shapes(), 50)) for _ in range(2))
    assert first == again and 50 == len(set(first))


def test_everything_that_can_be_told_has_a_value():
    """The text encoder learns to tell them apart by these lists."""
    generator = random.Random(3)
    for subject in [*SCENES, *(draw_subject(generator) for _ in range(500))]:
        told = attributes_of(subject)
        assert list(VALUES) == list(told)
        assert all(value in VALUES[name] for name, value in told.items())


def test_each_word_is_one_token_and_other_words_are_letters():
    """Between a start and an end, whatever the word; the prompt is padded with ends, or cut."""
    tokenizer = build_tokenizer()
    assert all(3 == len(tokenizer(word).input_ids) for word in WORDS)
    assert (
        "a red circle on xylo"
        == tokenizer.decode(tokenizer("A red  circle on xylo").input_ids, skip_special_tokens=True).strip()
    )
    tokens = tokenize(tokenizer, ["", "red " * 100])
    assert (2, tokenizer.model_max_length) == tuple(tokens.shape)
    assert {tokenizer.eos_token_id} == set(tokens[0, 1:].tolist())


def test_every_prompt_of_the_language_fits():
    tokenizer = build_tokenizer()
    longest = Shape("orange", "triangle", "small", "left", "yellow", "purple").prompt
    assert len(tokenizer(longest).input_ids) <= tokenizer.model_max_length - 6


def _combination(shape):
    return shape.colour, shape.shape, shape.background, shape.background_end
