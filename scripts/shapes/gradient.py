"""An even change of colour, for skies and backgrounds."""

from __future__ import annotations

from PIL import Image


def draw_gradient(
    top: tuple[int, int, int], bottom: tuple[int, int, int], width: int, height: int
) -> Image.Image:
    """Return an even change from one colour at the top to another one at the bottom."""
    share = Image.linear_gradient("L").resize((width, height), Image.Resampling.BILINEAR)
    return Image.composite(Image.new("RGB", share.size, bottom), Image.new("RGB", share.size, top), share)
