"""Stand-in for SD.Next's modules/images.py: previews, and image files."""

from __future__ import annotations

import base64
import io
import math
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from modules import paths, shared
from modules.errors import log


def samples_to_image_grid(samples: torch.Tensor) -> Image.Image:
    """The "Simple" preview of (B, C, h, w) latents, a pixel each; waits until the device has them."""
    rgb = torch.nan_to_num(samples[:, :3].detach().float().cpu(), nan=0.0, posinf=1.0, neginf=-1.0)
    rgb = (rgb * 0.25 + 0.5).clamp(0, 1).mul(255).to(torch.uint8).permute(0, 2, 3, 1)
    count, height, width, _ = rgb.shape
    columns = math.ceil(math.sqrt(count))
    grid = Image.new("RGB", (columns * width, math.ceil(count / columns) * height))
    for i, picture in enumerate(rgb.numpy()):
        grid.paste(Image.fromarray(picture), (i % columns * width, i // columns * height))
    return grid


def encode_base64(image: Image.Image, kind: str, **options: Any) -> str:
    """The image as a file of that kind, in base64."""
    buffer = io.BytesIO()
    image.save(buffer, format=kind, **options)
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def save_image(image: Image.Image, seed: int, info: str) -> None:
    """Write a PNG with its parameters below the outputs folder; a failure is one log line."""
    jobid = shared.state.begin("Save image")
    folder = Path(paths.outputs_path, "text")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        pnginfo = PngInfo()
        pnginfo.add_text("parameters", info)
        image.save(folder / f"{len(list(folder.iterdir())):05d}-{seed}.png", pnginfo=pnginfo)
    except OSError as e:
        log.error(f'Save: cannot write to "{folder}" ({e})')
    finally:
        shared.state.end(jobid)
