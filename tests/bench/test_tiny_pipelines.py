"""The tiny pipelines: each is built, called, and takes the steps that it says."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from bench.tiny_pipelines import FAMILIES, LEFT_OUT, TinyPipeline, build, every_class, names

QUICK = [
    "StableDiffusionPipeline",
    "StableDiffusionXLImg2ImgPipeline",
    "FluxPipeline",
    "WanPipeline",
    "FluxModularPipeline",
]
"""One of each kind; the others take half a minute together."""

SEVERAL_SCHEDULERS = {"SkyReelsV2DiffusionForcingPipeline", "LTX2Pipeline"}
"""They step a copy of the scheduler for each frame, or for the sound beside the video."""

#: diffusers and transformers warn of what they themselves still use.
pytestmark = [
    pytest.mark.filterwarnings(f"ignore::{kind}")
    for kind in ("DeprecationWarning", "FutureWarning", "UserWarning")
]


def call(tiny: TinyPipeline) -> tuple[Any, int]:
    """Return what a call gives, and how often a scheduler has stepped meanwhile."""
    steps = 0

    def count(step: Any) -> Any:
        def counting_step(*args: Any, **kwargs: Any) -> Any:
            nonlocal steps
            steps += 1
            return step(*args, **kwargs)

        return counting_step

    kinds = {type(part) for part in tiny.pipe.components.values() if hasattr(part, "set_timesteps")}
    with pytest.MonkeyPatch.context() as patch:
        for kind in kinds:
            patch.setattr(kind, "step", count(kind.step))
        result = tiny.pipe(**tiny.arguments)
    return result, steps


def what_is_wrong(name: str) -> str:
    """Build and call one; the answer is empty where it does what it says."""
    tiny = build(name)
    if type(tiny.pipe).__name__ != name.partition(" ")[0]:
        return f"it is a {type(tiny.pipe).__name__}"
    result, steps = call(tiny)
    if name in SEVERAL_SCHEDULERS and steps % tiny.steps == 0:
        steps = tiny.steps
    if steps != tiny.steps:
        return f"{steps} steps, not {tiny.steps}"
    # A modular pipeline returns its output itself.
    fields = {"image": "images", "video": "frames", "audio": "audios"}
    output = getattr(result, fields.get(tiny.produces, ""), result)
    return "" if len(output) else "nothing comes out"


@pytest.mark.parametrize("name", QUICK)
def test_a_tiny_pipeline_takes_its_steps(name: str):
    """What it says of its loop is what its scheduler sees."""
    assert what_is_wrong(name) == ""


@pytest.mark.parametrize("family", FAMILIES)
def test_the_other_tiny_pipelines_take_their_steps(family: str):
    """So do all the others of the family."""
    others = [name for name in names([family]) if name not in QUICK]
    assert others
    assert {name: problem for name in others if (problem := what_is_wrong(name))} == {}


def test_building_again_gives_the_same_weights_and_leaves_the_generator_alone():
    """Its seed is fixed, and torch's own generator goes on as if nothing had been built."""
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    first = build(QUICK[0]).pipe.unet.state_dict()
    assert expected == torch.rand(1)
    second = build(QUICK[0]).pipe.unet.state_dict()
    assert [name for name in first if not torch.equal(first[name], second[name])] == []


def test_every_pipeline_class_is_found():
    """All that diffusers exports is told apart, and what needs another package is named with it."""
    classes = every_class()
    assert len(classes.standard) > 200
    assert len(classes.modular) > 20
    assert {"StableDiffusionPipeline", "LEditsPPPipelineStableDiffusion"} <= set(classes.standard)
    assert "FluxModularPipeline" in classes.modular
    assert not set(classes.standard) & set(classes.skipped)
    assert {name: why for name, why in classes.skipped.items() if not why.startswith("needs ")} == {}


def test_a_tiny_pipeline_is_named_by_its_class():
    """What stands before the bracket is the class, so that tables can be joined; none of them is left out."""
    kinds = {name.partition(" ")[0] for name in names()}
    classes = every_class()
    assert kinds <= {*classes.standard, *classes.modular}
    assert not kinds & set(LEFT_OUT)


def test_what_is_left_out_is_a_class_of_diffusers():
    """Each is one that the installed diffusers has, or would have with another package."""
    classes = every_class()
    assert set(LEFT_OUT) <= {*classes.standard, *classes.skipped}
