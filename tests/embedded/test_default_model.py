"""The model that the embedded host brings, as it is in the repository."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from diffusers import DDIMScheduler, StableDiffusionPipeline

from modules.default_model import find_default_model
from shapes.judging import Finding, judge
from shapes.networks import build_sampler, build_tokenizer
from shapes.publishing import CARD, LARGEST_BYTES

# diffusers turns a tensor into an array in a way that NumPy 2 warns of
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.fixture(scope="module")
def folder() -> Path:
    """The model's folder, checked as the host checks it."""
    return Path(find_default_model())


@pytest.fixture(scope="module")
def pipeline(folder):
    """The model as a user of diffusers would load it."""
    pipeline = StableDiffusionPipeline.from_pretrained(
        folder, local_files_only=True, use_safetensors=True, torch_dtype=torch.float32
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def test_it_is_small_and_has_a_card(folder):
    files = [file for file in folder.rglob("*") if file.is_file()]
    assert sum(file.stat().st_size for file in files) <= LARGEST_BYTES
    assert "apache-2.0" in (folder / CARD).read_text(encoding="utf-8")
    assert {".safetensors", ".json", ".txt", ".md", ".sha256"} >= {file.suffix for file in files}


def test_its_tokenizer_is_the_recipes(pipeline):
    prompt = "a small red circle at the left on a gradient from blue to white"
    assert build_tokenizer()(prompt).input_ids == pipeline.tokenizer(prompt).input_ids


def test_its_sampler_is_the_recipes(pipeline):
    """With all that another sampler needs which is chosen in its place."""
    private = ("_class_name", "_diffusers_version", "_use_default_values")
    expected = {key: value for key, value in build_sampler().config.items() if key not in private}
    assert type(build_sampler()) is type(pipeline.scheduler)
    assert expected == {key: value for key, value in pipeline.scheduler.config.items() if key in expected}
    assert DDIMScheduler.from_config(pipeline.scheduler.config).config.clip_sample is False


@pytest.mark.parametrize(
    ("prompt", "found"),
    [
        ("a red circle on blue", Finding("circle", "red")),
        ("a yellow star on purple", Finding("star", "yellow")),
        ("a black square on green", Finding("square", "black")),
    ],
)
def test_it_draws_what_the_readme_says(pipeline, prompt, found):
    """In twenty steps, as the host does it by default."""
    generator = torch.Generator().manual_seed(1)
    picture = pipeline(
        prompt, num_inference_steps=20, guidance_scale=2.0, height=256, width=256, generator=generator
    ).images[0]
    assert found == judge(picture)
