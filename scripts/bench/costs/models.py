"""What it costs to follow a model: its modules are walked through when it is first seen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn

from bench.costs.cost import Pair, Round, plain_python, repeated
from zluda_sync.core.wishes.control import Control
from zluda_sync.pipeline.exit_points import ExitPoints

MODULE_COUNTS = (100, 1_000, 10_000, 100_000)
BLOCKS = 20


def build_model(modules: int) -> nn.Module:
    """Return a model of so many modules in twenty blocks."""
    model = nn.Module()
    of_block = modules // BLOCKS - 1
    model.blocks = nn.ModuleList(
        nn.Sequential(*(nn.Identity() for _ in range(of_block))) for _ in range(BLOCKS)
    )
    return model


def _walk_round(modules: int) -> Round:
    points, model = ExitPoints(Control(), lambda: True), build_model(modules)

    def follow() -> None:
        points.install([model])
        points.remove()

    return repeated(follow, 1, modules)


@contextmanager
def open_models(modules: int, fewer: int | None) -> Iterator[Pair]:
    """A context with a model that is followed, per module; held against one of fewer, or plain Python."""
    yield Pair(_walk_round(modules), plain_python if fewer is None else _walk_round(fewer))


@contextmanager
def open_known_model(modules: int) -> Iterator[Pair]:
    """A context with a look at a model that is followed already, as it comes with each phase."""
    points, model = ExitPoints(Control(), lambda: True), build_model(modules)
    points.install([model])
    yield Pair(repeated(lambda: points.install([model]), 20), plain_python)
    points.close()
