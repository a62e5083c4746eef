"""Latents of every family of models come out as frames, or are refused with a reason."""

from __future__ import annotations

import pytest
import torch

from zluda_sync.core.errors import LatentShapeError
from zluda_sync.device.preview.frames import middle_frame, select_frames

SQUARE, WIDE = (1024, 1024), (1024, 512)
#: Family, shape of its latents, channels of its VAE, size of the picture, shape of the frames.
FAMILIES = [
    ("SD 1.5", (1, 4, 64, 64), 4, (512, 512), (1, 4, 1, 64, 64)),
    ("SDXL, batch of 2", (2, 4, 128, 128), 4, SQUARE, (2, 4, 1, 128, 128)),
    ("SD 3", (1, 16, 128, 128), 16, SQUARE, (1, 16, 1, 128, 128)),
    ("Sana, deep compression", (1, 32, 32, 32), 32, SQUARE, (1, 32, 1, 32, 32)),
    ("Stable Cascade, prior", (1, 16, 24, 24), None, SQUARE, (1, 16, 1, 24, 24)),
    ("FLUX.1, packed", (1, 4096, 64), 16, SQUARE, (1, 16, 1, 128, 128)),
    ("FLUX.1, packed and wide", (1, 2048, 64), 16, WIDE, (1, 16, 1, 64, 128)),
    ("FLUX.2, packed", (1, 4096, 128), 32, SQUARE, (1, 32, 1, 128, 128)),
    ("FLUX.2, patches as channels", (1, 128, 64, 64), 32, SQUARE, (1, 128, 1, 64, 64)),
    ("Qwen-Image, packed", (2, 4096, 64), 16, SQUARE, (2, 16, 1, 128, 128)),
    ("Qwen-Image, unpacked", (1, 16, 1, 128, 128), 16, SQUARE, (1, 16, 1, 128, 128)),
    ("Wan", (1, 16, 21, 60, 104), 16, (832, 480), (1, 16, 21, 60, 104)),
    ("HunyuanVideo", (1, 16, 33, 90, 160), 16, (1280, 720), (1, 16, 33, 90, 160)),
    ("CogVideoX, frames first", (1, 13, 16, 60, 90), 16, (720, 480), (1, 16, 13, 60, 90)),
    ("LTX, packed", (1, 7 * 16 * 24, 128), 128, (768, 512), (1, 128, 7, 16, 24)),
    ("Mochi", (1, 12, 7, 60, 106), 12, (848, 480), (1, 12, 7, 60, 106)),
    ("AuraFlow, a batch dimension lost", (4, 64, 64), 4, None, (1, 4, 1, 64, 64)),
    ("packed, nothing known", (1, 256, 64), None, None, (1, 16, 1, 32, 32)),
]


@pytest.mark.parametrize(
    ("shape", "channels", "size_px", "expected"),
    [family[1:] for family in FAMILIES],
    ids=[family[0] for family in FAMILIES],
)
def test_every_family_comes_out_as_frames(shape, channels, size_px, expected):
    """(B, C, T, h, w), whatever the model packs or turns round."""
    frames = select_frames(torch.zeros(shape), channels, size_px)
    assert expected == tuple(frames.shape)


def test_packed_latents_lie_where_the_model_put_them():
    """The inverse of FLUX's packing, element by element."""
    latents = torch.arange(16 * 8 * 12, dtype=torch.float32).reshape(1, 16, 8, 12)
    packed = latents.view(1, 16, 4, 2, 6, 2).permute(0, 2, 4, 1, 3, 5).reshape(1, 24, 64)
    assert torch.equal(latents, select_frames(packed, 16, (96, 64))[:, :, 0])


def test_the_preview_of_a_video_is_its_middle_frame():
    """Of seven frames the fourth."""
    frames = torch.arange(7.0).reshape(1, 1, 7, 1, 1)
    assert 3.0 == middle_frame(frames).item()


@pytest.mark.parametrize("shape", [(0, 4, 8, 8), (8, 8), (1, 7, 64), (1, 2, 3, 4, 5, 6), (1, 4, 0, 8)])
def test_other_shapes_are_refused_with_a_reason(shape):
    """The message names the shape."""
    with pytest.raises(LatentShapeError) as raised:
        select_frames(torch.zeros(shape))
    assert str(shape) in str(raised.value)
