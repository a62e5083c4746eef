"""The recipe of the default model, from the first word to the folder that is published."""

from __future__ import annotations

import random

import pytest
import torch
from diffusers import StableDiffusionPipeline

from modules.default_model import find_default_model
from modules.errors import HostError
from shapes import publishing
from shapes.autoencoder_course import calibrate, draw_pictures, encode
from shapes.networks import LATENT_SPREAD_LOG, build_autoencoder, build_tokenizer
from shapes.publishing import CARD, CHECKSUMS, publish
from shapes.recipe import SHAPES_MODEL, TOY, train
from shapes.text_course import tokenize

# diffusers turns a tensor into an array in a way that NumPy 2 warns of
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.fixture(scope="module")
def state(tmp_path_factory):
    """Where the toy's courses are kept."""
    return tmp_path_factory.mktemp("state")


@pytest.fixture(scope="module")
def toy(state):
    """The toy, trained once."""
    shares = []
    pipeline = train(TOY, state, lambda share, text: shares.append(share))
    assert 1.0 == shares[-1]
    return pipeline


def test_the_toy_goes_all_the_way_and_draws(toy, tmp_path):
    """The folder is an ordinary one, whole by its checksums, and small."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / CARD).write_text("a card", encoding="utf-8")
    (folder / "old.bin").write_text("left over", encoding="utf-8")
    size = publish(toy, folder)
    assert size == sum(f.stat().st_size for f in folder.rglob("*") if f.is_file() and f.name != CHECKSUMS)
    assert "a card" == (folder / CARD).read_text(encoding="utf-8") and not (folder / "old.bin").exists()
    assert str(folder) == find_default_model(folder)
    pipeline = StableDiffusionPipeline.from_pretrained(
        folder, local_files_only=True, use_safetensors=True, torch_dtype=torch.float32
    )
    pipeline.set_progress_bar_config(disable=True)
    picture = pipeline("a red circle on blue", num_inference_steps=2, height=64, width=64).images[0]
    assert (64, 64) == picture.size
    assert torch.equal(
        tokenize(build_tokenizer(), ["a red circle on blue"]),
        tokenize(pipeline.tokenizer, ["a red circle on blue"]),
    )


def test_what_is_trained_already_is_taken_up(toy, state):
    """The same parts, and not a step more."""
    shown = []
    again = train(TOY, state, lambda share, text: shown.append(text))
    assert not shown
    for part in ("unet", "vae", "text_encoder"):
        ours, theirs = getattr(toy, part).state_dict(), getattr(again, part).state_dict()
        assert all(torch.equal(ours[name].half(), theirs[name].half()) for name in ours)


def test_a_model_too_large_for_the_repository_is_not_published(toy, tmp_path, monkeypatch):
    monkeypatch.setattr(publishing, "LARGEST_BYTES", 1000)
    with pytest.raises(ValueError, match="MB, and the repository takes"):
        publish(toy, tmp_path / "model")
    assert not list(tmp_path.iterdir())


@torch.no_grad()
def test_latents_are_even_and_pictures_come_back_as_before():
    """Whatever an autoencoder's latents were like; a pipeline then needs no factor of its own."""
    torch.manual_seed(1)
    vae = build_autoencoder().eval()
    vae.quant_conv.bias += 3.0
    pictures = draw_pictures(random.Random(1), 8)
    before = vae.decode(encode(vae, pictures)).sample
    calibrate(vae, pictures)
    latents = encode(vae, pictures)
    assert torch.allclose(latents.mean((0, 2, 3)), torch.zeros(4), atol=1e-3)
    assert torch.allclose(latents.std((0, 2, 3)), torch.ones(4), atol=1e-3)
    assert torch.allclose(before, vae.decode(latents).sample, atol=1e-3)
    spread = vae.encode(pictures).latent_dist.logvar
    assert torch.allclose(spread, torch.full_like(spread, LATENT_SPREAD_LOG))
    assert 1.0 == vae.config.scaling_factor


def test_the_toy_and_the_model_take_the_same_courses():
    """What the toy's test has run is what the model's training runs."""
    courses = [
        [course.name for course in vars(recipe).values() if not isinstance(course, int)]
        for recipe in (TOY, SHAPES_MODEL)
    ]
    assert courses[0] == courses[1]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda folder: (folder / "unet/config.json").write_text("{}"), "unet/config.json.*not the file"),
        (lambda folder: (folder / "vae/config.json").unlink(), "vae/config.json.*cannot be read"),
        (lambda folder: (folder / CHECKSUMS).unlink(), "checksums.*cannot be read"),
        (lambda folder: (folder / CHECKSUMS).write_text(""), "does not name"),
        (lambda folder: (folder / CHECKSUMS).write_text("nonsense"), "checksums.*cannot be read"),
    ],
    ids=["changed", "missing", "no list", "empty list", "no checksums"],
)
def test_a_model_that_is_not_as_published_is_refused(toy, tmp_path, spoil, message):
    """In one line, with the file and what to do."""
    folder = tmp_path / "model"
    publish(toy, folder)
    spoil(folder)
    with pytest.raises(HostError, match=message) as refused:
        find_default_model(folder)
    assert "git checkout -- modules/shapes_model" in str(refused.value) and "\n" not in str(refused.value)
