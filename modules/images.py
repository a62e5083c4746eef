"""Stand-in for SD.Next's modules/images.py: grids and image files."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from modules import paths, script_callbacks, shared
from modules.logger import log


def image_grid(imgs: list[Image.Image]) -> Image.Image:
    """One picture with all of `imgs`, as square as possible; a single one is returned as it is."""
    if len(imgs) == 1:
        return imgs[0]
    columns = math.ceil(math.sqrt(len(imgs)))
    rows = math.ceil(len(imgs) / columns)
    width, height = imgs[0].size
    grid = Image.new("RGB", (columns * width, rows * height))
    for i, image in enumerate(imgs):
        grid.paste(image, (i % columns * width, i // columns * height))
    return grid


def save_image(image: Image.Image, path: str, seed: int, info: str, p: Any = None) -> str | None:
    """Write a PNG with its parameters below the outputs folder; returns its name, None if that failed."""
    jobid = shared.state.begin("Save image")
    folder = Path(paths.outputs_path, path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        filename = str(folder / f"{len(list(folder.iterdir())):05d}-{seed}.png")
        params = script_callbacks.ImageSaveParams(image, p, filename, {"parameters": info})
        script_callbacks.before_image_saved_callback(params)
        pnginfo = PngInfo()
        for key, value in params.pnginfo.items():
            pnginfo.add_text(key, str(value))
        params.image.save(params.filename, pnginfo=pnginfo)
        script_callbacks.image_saved_callback(params)
        return params.filename
    except OSError as e:
        log.error(f'Save: cannot write to "{folder}" ({e})')
        return None
    finally:
        shared.state.end(jobid)
