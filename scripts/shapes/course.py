"""One course of training: a network, a loss, so many steps; it can be left and taken up again at any time."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file

WARM_UP_STEPS = 100
LEVEL_SHARE = 0.6
"""After this share of the steps the rate falls evenly, to the lowest."""
LOWEST_SHARE = 0.03
AVERAGE_DECAY = 0.998
SAVE_EVERY = 200


@dataclass(frozen=True)
class Course:
    """What has to be known to repeat it: its length, its batches, its highest learning rate, its seed."""

    name: str
    steps: int
    batch: int
    rate: float
    seed: int

    def rate_at(self, step: int) -> float:
        """Return the learning rate of a step, counted from 0."""
        rising = min(1.0, (step + 1) / WARM_UP_STEPS)
        falling = (1 - step / self.steps) / (1 - LEVEL_SHARE)
        return self.rate * rising * max(LOWEST_SHARE, min(1.0, falling))


@dataclass(frozen=True)
class Dice:
    """All chance in one step: the same in each run, whatever ran before."""

    words: random.Random
    noise: torch.Generator
    share_done: float
    """Of the course, 0 to 1."""

    @classmethod
    def of_step(cls, course: Course, step: int) -> Dice:
        """Return the dice of one step of a course."""
        number = (course.seed << 32) + step
        return cls(random.Random(number), torch.Generator().manual_seed(number), step / course.steps)


def take_course(
    course: Course,
    network: torch.nn.Module,
    loss_of: Callable[[torch.nn.Module, Dice], torch.Tensor],
    folder: Path,
    show: Callable[[float, str], None],
    decay: float = AVERAGE_DECAY,
) -> torch.nn.Module:
    """Train the network, from where an earlier run had saved it, and return its running average.

    Args:
        course: how long, how fast.
        network: is changed.
        loss_of: returns the loss of one batch, a scalar.
        folder: where `NAME.safetensors` is kept: the state of training, of which nothing is needed later.
        show: is told the share of the steps done, 0 to 1, and the loss.
        decay: of the average; a short course on a network that is trained already has to forget sooner.

    Raises:
        ValueError: what was saved is of another recipe.
    """
    average = torch.optim.swa_utils.AveragedModel(
        network, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(decay), use_buffers=True
    )
    optimizer = torch.optim.AdamW(network.parameters(), lr=course.rate, betas=(0.9, 0.99), weight_decay=0.01)
    saved = _Saved(folder / f"{course.name}.safetensors", course, network, average, optimizer)
    network.train()
    smooth = None
    for step in range(saved.load(), course.steps):
        for group in optimizer.param_groups:
            group["lr"] = course.rate_at(step)
        optimizer.zero_grad()
        loss = loss_of(network, Dice.of_step(course, step))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        average.update_parameters(network)
        smooth = loss.item() if smooth is None else 0.98 * smooth + 0.02 * loss.item()
        show((step + 1) / course.steps, f"{course.name} {step + 1}/{course.steps}  loss {smooth:.4f}")
        if (step + 1) % SAVE_EVERY == 0 or step + 1 == course.steps:
            saved.save(step + 1)
    return average.module.eval()


class _Saved:
    """The state of a course in a file: the network, its average, and what the optimizer remembers."""

    def __init__(self, file: Path, course: Course, network: Any, average: Any, optimizer: Any) -> None:
        self._file, self._course, self._optimizer = file, course, optimizer
        self._modules = {"network": network, "average": average}

    def save(self, step: int) -> None:
        """Write the state after so many steps; a run that is cut off leaves the one before."""
        tensors = {
            f"{name}.{key}": tensor.contiguous()
            for name, module in self._modules.items()
            for key, tensor in module.state_dict().items()
        }
        for number, state in self._optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{number}.{key}": tensor for key, tensor in state.items()}
        self._file.parent.mkdir(parents=True, exist_ok=True)
        unfinished = self._file.with_suffix(".part")
        save_file(tensors, unfinished, {"step": str(step), "course": str(asdict(self._course))})
        unfinished.replace(self._file)

    def load(self) -> int:
        """Take up what was saved and return how many steps are done, 0 if nothing was saved."""
        if not self._file.exists():
            return 0
        with safe_open(self._file, "pt") as saved:
            told = saved.metadata()
            if told["course"] != str(asdict(self._course)):
                raise ValueError(f'"{self._file}" is of another recipe: remove it, or choose another folder')
            # Copies: the optimizer keeps what it is given, and Windows replaces no file that is mapped.
            tensors = {key: saved.get_tensor(key).clone() for key in saved.keys()}  # noqa: SIM118 - no dict
        for name, module in self._modules.items():
            module.load_state_dict(_below(tensors, name))
        states: dict[int, dict[str, torch.Tensor]] = {}
        for key, tensor in _below(tensors, "optimizer").items():
            number, what = key.split(".", 1)
            states.setdefault(int(number), {})[what] = tensor
        groups = self._optimizer.state_dict()["param_groups"]
        self._optimizer.load_state_dict({"state": states, "param_groups": groups})
        return int(told["step"])


def _below(tensors: dict[str, torch.Tensor], name: str) -> dict[str, torch.Tensor]:
    start = f"{name}."
    return {key.removeprefix(start): tensor for key, tensor in tensors.items() if key.startswith(start)}
