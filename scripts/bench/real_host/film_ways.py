"""Films, as the page's tab "Video" makes them, and what each must show."""

from __future__ import annotations

from typing import Any

from bench.real_host.way_requests import STEPS, Way
from bench.real_host.whole_requests import Request

VIDEO, LTX = "/film_device/video", "/film_device/ltx"
#: Frames that are asked for, which the model makes 17 of: five of latents, each a chunk of its decode.
FRAMES, CHUNKS = 16, 5


def build_film_ways() -> list[Way]:
    """Return every way to make a film that needs no net."""
    chunk = f"VAE decode {CHUNKS - 1}/{CHUNKS}"
    return [
        _film("film", (chunk, "Saving video")),
        _film("film with frames between", (chunk, "Interpolate 1/", "Saving video"), mp4_interpolate=2),
        _film("film of LTX", ("VAE decode", "Saving video"), LTX, seed=1),
    ]


def _film(name: str, labels: tuple[str, ...], route: str = VIDEO, **fields: Any) -> Way:
    body = {"prompt": "a red circle moving left", "steps": STEPS, "frames": FRAMES, **fields}
    return Way(Request(name, body, route, label="Denoise", is_plain=False), labels, is_film=True)
