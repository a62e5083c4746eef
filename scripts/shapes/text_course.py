"""Teaches the text encoder to tell prompts apart, before any picture is seen.

Learned together with the pictures, "circle" and "square" would stay all but the same for a long time: in the
loss of a picture, the outline is little beside the colours.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import torch
from torch import nn

from shapes.course import Course, Dice, take_course
from shapes.language import UNSAID, VALUES, Subject, attributes_of, draw_subject
from shapes.networks import TEXT_WIDTH, build_text_encoder

WITHOUT_ARTICLE = WITHOUT_PROMPT = 0.1
"""Shares of the prompts in which the article, or everything, is left out."""


class TextReader(nn.Module):
    """A text encoder, and for each attribute a linear layer that reads its value off the padding's states."""

    def __init__(self, vocabulary: int) -> None:
        super().__init__()
        self.encoder = build_text_encoder(vocabulary)
        self.heads = nn.ModuleDict(
            {name: nn.Linear(TEXT_WIDTH, len(values)) for name, values in VALUES.items()}
        )

    def forward(self, tokens: torch.Tensor, position: int) -> dict[str, torch.Tensor]:
        """Return the scores of each attribute's values: (batch, values), read at one token of the padding."""
        states = self.encoder(tokens).last_hidden_state[:, position]
        return {name: head(states) for name, head in self.heads.items()}


def say(subject: Subject, generator: random.Random) -> str:
    """Return the prompt as a user may type it, now and then without its article."""
    return subject.prompt.split(" ", 1)[1] if generator.random() < WITHOUT_ARTICLE else subject.prompt


def tokenize(tokenizer: Any, prompts: list[str]) -> torch.Tensor:
    """Return the prompts as a pipeline would give them to the text encoder: (batch, tokens)."""
    padded = tokenizer(
        prompts,
        padding="max_length",
        max_length=tokenizer.model_max_length,
        truncation=True,
        return_tensors="pt",
    )
    return padded.input_ids


def train_text_encoder(course: Course, tokenizer: Any, folder: Path, show: Any) -> Any:
    """Return the trained text encoder."""

    def loss_of(reader: nn.Module, dice: Dice) -> torch.Tensor:
        subjects = [draw_subject(dice.words) for _ in range(course.batch)]
        told = [attributes_of(subject) for subject in subjects]
        prompts = [say(subject, dice.words) for subject in subjects]
        for index in range(course.batch):
            if dice.words.random() < WITHOUT_PROMPT:
                prompts[index], told[index] = "", dict.fromkeys(VALUES, UNSAID)
        tokens = tokenize(tokenizer, prompts)
        position = dice.words.choice((-1, -1, -2, -4, -6))
        losses = [
            nn.functional.cross_entropy(
                scores, torch.tensor([VALUES[name].index(values[name]) for values in told])
            )
            for name, scores in reader(tokens, position).items()
        ]
        return torch.stack(losses).mean()

    torch.manual_seed(course.seed)
    reader: Any = take_course(course, TextReader(len(tokenizer)), loss_of, folder, show)
    return reader.encoder
