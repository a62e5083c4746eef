"""The prompts that the model of shapes understands, and which of them it never sees in training."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from dataclasses import dataclass, fields

SHAPES = ("circle", "square", "triangle", "diamond", "star", "cross", "ring")
COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "white", "black")
SIZES = ("small", "large")
PLACES = ("left", "right", "top", "bottom")
OBJECTS = ("house", "tree", "mountain", "boat")
GROUNDS = ("grass", "sand", "snow", "water")
TIMES = ("by day", "at sunset", "at night")

#: What is not said of a subject: middle-sized, in the centre, on a plain light background.
UNSAID = ""

HELD_OUT_SHARE = 10
"""One in so many combinations of colour, shape and background is kept from training."""


@dataclass(frozen=True)
class Shape:
    """One shape: "a small red circle at the left on blue", "... on a gradient from blue to white"."""

    colour: str
    shape: str
    size: str = UNSAID
    place: str = UNSAID
    background: str = UNSAID
    background_end: str = UNSAID
    """The colour at the bottom where the background is a gradient."""

    @property
    def prompt(self) -> str:
        """The words for it."""
        words = [self.size, self.colour, self.shape]
        words = ["an" if (self.size or self.colour)[0] in "aeiou" else "a", *words]
        if self.place:
            words.append(f"at the {self.place}")
        if self.background_end:
            words.append(f"on a gradient from {self.background} to {self.background_end}")
        elif self.background:
            words.append(f"on {self.background}")
        return " ".join(word for word in words if word)

    @property
    def is_held_out(self) -> bool:
        """Whether training never shows this colour and shape on this background, wherever and how large."""
        combination = f"{self.colour} {self.shape} {self.background} {self.background_end}"
        return hashlib.sha256(combination.encode()).digest()[0] % HELD_OUT_SHARE == 0


@dataclass(frozen=True)
class Scene:
    """A simple scene: "a house on grass at sunset"; a boat is always on water, and nothing else is."""

    thing: str
    ground: str
    time: str

    @property
    def prompt(self) -> str:
        """The words for it."""
        return f"a {self.thing} on {self.ground} {self.time}"


Subject = Shape | Scene

SCENES = tuple(
    Scene(thing, ground, time)
    for thing in OBJECTS
    for ground in GROUNDS
    for time in TIMES
    if (thing == "boat") == (ground == "water")
)
WORDS = tuple(
    sorted(
        {
            *SHAPES, *COLOURS, *SIZES, *PLACES, *OBJECTS, *GROUNDS,
            "a", "an", "at", "the", "on", "gradient", "from", "to", "by", "day", "sunset", "night",
        }
    )
)  # fmt: skip


def draw_shape(generator: random.Random) -> Shape:
    """Return any shape, held out or not; its background is never of its own colour."""
    colour, start, end = generator.sample(COLOURS, 3)
    background = generator.random()
    return Shape(
        colour,
        generator.choice(SHAPES),
        size=generator.choice(SIZES) if generator.random() < 0.4 else UNSAID,
        place=generator.choice(PLACES) if generator.random() < 0.4 else UNSAID,
        background=start if background < 0.85 else UNSAID,
        background_end=end if background < 0.2 else UNSAID,
    )


def draw_subject(generator: random.Random) -> Subject:
    """Return a subject for training: six in seven are shapes, none of them held out."""
    if generator.random() < 1 / 7:
        return generator.choice(SCENES)
    while (shape := draw_shape(generator)).is_held_out:
        pass
    return shape


def held_out_shapes(seed: int = 1) -> Iterator[Shape]:
    """Yield shapes that training has never shown, each once, without end."""
    generator, seen = random.Random(seed), set()
    while True:
        shape = draw_shape(generator)
        if shape.is_held_out and shape not in seen:
            seen.add(shape)
            yield shape


def attributes_of(subject: Subject) -> dict[str, str]:
    """Return what can be told of a subject, by its fields' names; fields of the other kind are unsaid."""
    names = [field.name for kind in (Shape, Scene) for field in fields(kind)]
    return {name: getattr(subject, name, UNSAID) for name in names}


#: Every value that each attribute can have.
VALUES = {
    "colour": (UNSAID, *COLOURS),
    "shape": (UNSAID, *SHAPES),
    "size": (UNSAID, *SIZES),
    "place": (UNSAID, *PLACES),
    "background": (UNSAID, *COLOURS),
    "background_end": (UNSAID, *COLOURS),
    "thing": (UNSAID, *OBJECTS),
    "ground": (UNSAID, *GROUNDS),
    "time": (UNSAID, *TIMES),
}
