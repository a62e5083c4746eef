"""Puts the trained parts together as a diffusers folder, and lists its files' checksums."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Any

import torch

from shapes.networks import build_sampler

CHECKSUMS = "checksums.sha256"
CARD = "README.md"
LARGEST_BYTES = 12_000_000


def build_pipeline(tokenizer: Any, text_encoder: Any, vae: Any, unet: Any) -> Any:
    """Return the model as the ordinary text-to-image pipeline."""
    from diffusers import StableDiffusionPipeline

    return StableDiffusionPipeline(
        vae=vae.eval(),
        text_encoder=text_encoder.eval(),
        tokenizer=tokenizer,
        unet=unet.eval(),
        scheduler=build_sampler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def publish(pipeline: Any, folder: Path) -> int:
    """Write the model in half precision, in the place of what is there except its card; return its bytes.

    Raises:
        ValueError: it is larger than the repository takes; nothing is written then.
    """
    unfinished = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(unfinished, ignore_errors=True)
    pipeline.to(torch.float16).save_pretrained(unfinished, safe_serialization=True)
    if (folder / CARD).exists():
        shutil.copy(folder / CARD, unfinished / CARD)
    files = sorted(file for file in unfinished.rglob("*") if file.is_file())
    lines = [
        f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.relative_to(unfinished).as_posix()}\n"
        for file in files
        if file.name != CARD
    ]
    size = sum(file.stat().st_size for file in files)
    if size > LARGEST_BYTES:
        shutil.rmtree(unfinished)
        raise ValueError(
            f"the model takes {size / 1e6:.1f} MB, and the repository takes {LARGEST_BYTES / 1e6}"
        )
    (unfinished / CHECKSUMS).write_text("".join(lines), encoding="utf-8", newline="\n")
    shutil.rmtree(folder, ignore_errors=True)
    unfinished.rename(folder)
    return size
