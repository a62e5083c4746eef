"""A projection shows what a decoder would, as well as an affine map can; and it shows anything at all."""

from __future__ import annotations

import math

import pytest
import torch

from zluda_sync.core.errors import LatentShapeError
from zluda_sync.device.preview import projection
from zluda_sync.device.preview.projection import (
    DecodedPair,
    DeviceProjection,
    Projection,
    ProjectionFit,
    plain_projection,
    shrink,
)

CPU = torch.device("cpu")


def decoder(channels: int):
    """Return a made-up VAE: from (C, h, w) to (8h, 8w, 3), nearly affine at latent size."""
    generator = torch.Generator().manual_seed(channels)
    weights = torch.randn(channels, 3, generator=generator) * 20 / math.sqrt(channels)

    def decode(latents: torch.Tensor) -> torch.Tensor:
        colours = torch.einsum("chw,cr->hwr", latents, weights) + 4 * torch.sin(latents[:1]).permute(1, 2, 0)
        large = (colours + 100).repeat_interleave(8, 0).repeat_interleave(8, 1)
        texture = torch.randn(large.shape, generator=torch.Generator().manual_seed(1))
        return (large + 3 * texture).clamp(0, 255)

    return decode


def latents_of(seed: int, channels: int = 4) -> torch.Tensor:
    return torch.randn(channels, 16, 16, generator=torch.Generator().manual_seed(seed))


def pair_of(decode, latents: torch.Tensor) -> DecodedPair:
    return DecodedPair(latents, shrink(decode(latents), *latents.shape[1:]))


def psnr_db(projection: Projection, latents: torch.Tensor, picture: torch.Tensor) -> float:
    shown = DeviceProjection(projection, CPU).project(latents[None])[0].float()
    error = ((shown - shrink(picture, *latents.shape[1:])) ** 2).mean().item()
    return 10 * math.log10(255**2 / error)


@pytest.mark.parametrize("channels", [4, 16, 128])
def test_ten_jobs_make_it_six_decibel_better(channels):
    """Than the first three channels as colours, on a picture that it has not seen."""
    decode, fit = decoder(channels), ProjectionFit(channels)
    for seed in range(10):
        fit.learn([pair_of(decode, latents_of(seed, channels))])
    unseen = latents_of(99, channels)
    plain_db = psnr_db(plain_projection(channels), unseen, decode(unseen))
    assert psnr_db(fit.solve(), unseen, decode(unseen)) >= plain_db + 6.0


def test_the_pictures_of_a_job_count_as_one():
    """A long batch does not wash out what other jobs have taught; what is no number is left out."""
    pairs = [pair_of(decoder(4), latents_of(seed)) for seed in range(5)]
    broken = DecodedPair(torch.full((4, 16, 16), float("nan")), torch.zeros(16, 16, 3))
    fit, single = ProjectionFit(4), ProjectionFit(4)
    fit.learn([pairs[0]])
    single.learn([pairs[0]])
    fit.learn([broken, *[pairs[1]] * 50])
    single.learn([pairs[1]])
    assert 2 == fit.jobs
    assert torch.allclose(single.gram, fit.gram)


def test_it_follows_a_model_that_changes():
    """Older jobs fade."""
    fit, old, new = ProjectionFit(4), decoder(4), decoder(4)
    for seed in range(60):
        fit.learn([pair_of(lambda latents: 255 - old(latents), latents_of(seed))])
    for seed in range(60, 260):
        fit.learn([pair_of(new, latents_of(seed))])
    unseen = latents_of(999)
    assert psnr_db(fit.solve(), unseen, new(unseen)) > 25.0


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_every_floating_type_is_shown(dtype):
    """(B, C, h, w) in, (B, h, w, 3) of bytes out."""
    shown = DeviceProjection(plain_projection(4), CPU).project(torch.zeros(2, 4, 3, 5, dtype=dtype))
    assert ((2, 3, 5, 3), torch.uint8) == (tuple(shown.shape), shown.dtype)


def test_nan_and_infinity_are_shown_as_colours():
    """Black pictures come from them: the preview says so early, and breaks nothing."""
    latents = torch.tensor([float("nan"), float("inf"), float("-inf"), 0.0]).reshape(1, 1, 1, 4)
    shown = DeviceProjection(Projection(torch.full((1, 3), 10.0), torch.full((3,), 50.0)), CPU).project(
        latents
    )
    assert [127, 255, 0, 50] == shown[0, 0, :, 0].tolist()


@pytest.mark.parametrize(
    "latents",
    [torch.zeros(3, 4, 4), torch.full((4, 4, 4), float("nan"))],
    ids=["other channels", "not a number"],
)
def test_what_teaches_nothing_is_refused(latents):
    """And what was learned before stays as it is."""
    fit = ProjectionFit(4)
    fit.learn([pair_of(decoder(4), latents_of(1))])
    before = fit.gram.clone()
    with pytest.raises(LatentShapeError):
        fit.learn([DecodedPair(latents, torch.zeros(4, 4, 3))])
    assert torch.equal(before, fit.gram)


def test_a_picture_shrinks_to_means():
    """Each pixel is the mean of those it stands for."""
    picture = torch.arange(16.0).reshape(4, 4, 1).expand(4, 4, 3)
    assert [[2.5, 4.5], [10.5, 12.5]] == shrink(picture, 2, 2)[..., 0].tolist()


def test_numbers_are_uploaded_without_a_wait(monkeypatch: pytest.MonkeyPatch):
    """To a device that reads pinned memory alone without one: a first preview waits for nothing."""
    asked: list[bool] = []
    to = torch.Tensor.to

    def noting(tensor: torch.Tensor, *args, **kwargs):
        if tensor is pinned:
            asked.append(kwargs.get("non_blocking", False))
        return to(tensor, *args, **kwargs)

    numbers, pinned = torch.arange(3.0), torch.arange(3.0)
    monkeypatch.setattr(projection, "PINNED_TYPES", ("cpu",))
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda tensor: pinned if tensor is numbers else None)
    monkeypatch.setattr(torch.Tensor, "to", noting)
    uploaded, kept = projection.upload(numbers, CPU)
    assert kept is pinned
    assert [0.0, 1.0, 2.0] == uploaded.tolist()
    assert [True] == asked


def test_numbers_are_uploaded_where_nothing_can_be_pinned(monkeypatch: pytest.MonkeyPatch):
    """That costs a wait, and no preview."""

    def fail(_tensor: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("cannot pin")

    monkeypatch.setattr(projection, "PINNED_TYPES", ("cpu",))
    monkeypatch.setattr(torch.Tensor, "pin_memory", fail)
    uploaded, kept = projection.upload(torch.ones(2), CPU)
    assert [1.0, 1.0] == uploaded.tolist() == kept.tolist()
