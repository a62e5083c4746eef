"""The VAE decode is followed block by block, and its decoder is left as it was."""

from __future__ import annotations

import pytest
import torch
from diffusers import AutoencoderKL

from tests.fake_device import FakeDevice
from zluda_sync.core.clock import SYSTEM_CLOCK
from zluda_sync.device.steps.accelerator import Accelerator
from zluda_sync.device.steps.rungs import PlantedEvent
from zluda_sync.device.steps.watcher import CompletionWatcher, WorkMarks
from zluda_sync.pipeline.decode_blocks import DecodeBlocks, count_decoder_runs

BLOCKS = 2


@pytest.fixture
def vae():
    return AutoencoderKL(
        block_out_channels=(8,) * BLOCKS,
        down_block_types=("DownEncoderBlock2D",) * BLOCKS,
        up_block_types=("UpDecoderBlock2D",) * BLOCKS,
        norm_num_groups=4,
        sample_size=16,
    )


@pytest.fixture
def device():
    return FakeDevice()


@pytest.fixture
def hooks(vae, device):
    watcher = CompletionWatcher()
    made = DecodeBlocks(lambda: vae, WorkMarks(PlantedEvent(Accelerator(device)), watcher), SYSTEM_CLOCK)
    yield made
    made.remove()
    watcher.stop()


def decode(vae, *shape: int) -> None:
    with torch.no_grad():
        vae.decode(torch.zeros(*shape))


@pytest.mark.parametrize(
    ("tiling", "slicing", "shape"),
    [
        (False, False, (1, 4, 8, 8)),
        (True, False, (1, 4, 8, 8)),
        (True, False, (1, 4, 20, 13)),
        (False, True, (3, 4, 8, 8)),
        (True, True, (2, 4, 16, 16)),
    ],
    ids=["whole", "one tile", "tiles", "slices", "tiles of slices"],
)
def test_every_block_of_every_run_is_counted(vae, hooks, device, tiling, slicing, shape):
    """As many marks as were expected, whichever way the VAE divides its work."""
    vae.use_tiling, vae.use_slicing = tiling, slicing
    ledger = hooks.install(shape)
    expected = ledger.total
    decode(vae, *shape)
    assert (expected, expected) == (ledger.launched, ledger.total)
    device.finish()
    assert ledger.wait_completed(expected - 1, 20.0)


def test_nothing_is_left_on_the_decoder(vae, hooks):
    """No hook outlives the decode."""
    hooks.install((1, 4, 8, 8))
    hooks.remove()
    assert not any(module._forward_hooks for module in vae.modules())


def test_following_twice_hooks_once(vae, hooks):
    """Nested phases of the same name do not count blocks twice."""
    hooks.install((1, 4, 8, 8))
    ledger = hooks.install((1, 4, 8, 8))
    decode(vae, 1, 4, 8, 8)
    assert BLOCKS == ledger.launched


@pytest.mark.parametrize("shape", [None, (1, 4, 3, 8, 8)], ids=["unknown", "video"])
def test_a_tiled_decode_of_unknown_size_is_not_followed(vae, shape):
    """Better no share than a wrong one."""
    vae.use_tiling = True
    assert count_decoder_runs(vae, shape) is None


def test_a_video_decode_is_not_followed():
    """It runs its decoder once per frame, which nobody knows beforehand."""

    class AutoencoderKLWan(torch.nn.Module):
        pass

    assert count_decoder_runs(AutoencoderKLWan(), (1, 16, 8, 8)) is None


@pytest.mark.parametrize("vae_like", [None, object(), torch.nn.Identity()])
def test_other_decoders_are_left_alone(device, vae_like):
    """A tiny or remote VAE has no blocks to follow."""
    watcher = CompletionWatcher()
    hooks = DecodeBlocks(
        lambda: vae_like, WorkMarks(PlantedEvent(Accelerator(device)), watcher), SYSTEM_CLOCK
    )
    assert hooks.install((1, 4, 8, 8)) is None


def test_marks_that_fail_do_not_disturb_the_decode(vae, hooks, device):
    """A device without events decodes as ever; nothing waits in their place."""
    device.failing = {"record"}
    ledger = hooks.install((1, 4, 8, 8))
    decode(vae, 1, 4, 8, 8)
    assert (BLOCKS, 0) == (ledger.launched, ledger.completed)
    assert "synchronize" not in device.calls
