"""Which way a kind of pipeline is followed, found by its signature and never by its name."""

from __future__ import annotations

import inspect
from enum import Enum
from typing import Any


class Way(str, Enum):
    """How the steps of a pipeline are learned of."""

    STEP_END = "step-end callback"
    LEGACY = "legacy callback"
    BLOCKS = "blocks of its loop"
    BAR = "progress bar"
    NONE = "no steps are told"


def find_way(kind: type) -> Way:
    """Return how pipelines of a class tell of their steps.

    A bar counts whatever else does not: all of diffusers' pipelines have one.
    """
    parameters = inspect.signature(kind.__call__).parameters
    if "callback_on_step_end" in parameters:
        return Way.STEP_END
    if "callback" in parameters and "callback_steps" in parameters:
        return Way.LEGACY
    if hasattr(kind, "default_blocks_name"):
        return Way.BLOCKS
    return Way.BAR if hasattr(kind, "progress_bar") else Way.NONE


def find_loop_blocks(pipe: Any) -> list[Any]:
    """Return the blocks of a modular pipeline that are denoising loops, at any depth."""
    found, waiting = [], [getattr(pipe, "_blocks", None)]
    while waiting:
        block = waiting.pop()
        if hasattr(block, "loop_step") and hasattr(block, "progress_bar"):
            found.append(block)
        waiting += list((getattr(block, "sub_blocks", None) or {}).values())
    return found


def find_inner_pipelines(pipe: Any) -> list[Any]:
    """Return the pipelines that a pipeline runs by itself, such as the prior of a combined one."""
    return [
        value
        for value in getattr(pipe, "__dict__", {}).values()
        # Of the class: that of an object looks into it, and may fail.
        if callable(value) and hasattr(type(value), "progress_bar") and hasattr(type(value), "components")
    ]
