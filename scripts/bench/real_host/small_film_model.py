"""What the real SD.Next needs to make films without the net: a model, and one that puts frames between."""

from __future__ import annotations

import shutil
from pathlib import Path

from bench.commands.environment import REPOSITORY

MODEL = REPOSITORY / "modules" / "moving_shapes"


def make_small_film_model(models_dir: Path) -> None:
    """Put the model of moving shapes into ``models_dir/film``, and random ones of LTX's and RIFE's kinds.

    What RIFE is given has none of its weights, so those that it begins with stay: random ones.
    """
    import diffusers
    import torch

    from bench.tiny_pipelines.video import ltx_parts

    diffusers.LTXPipeline(**ltx_parts()).save_pretrained(models_dir / "ltx")
    shutil.copytree(MODEL, models_dir / "film")
    between = models_dir / "RIFE"
    between.mkdir(parents=True)
    torch.save({}, between / "flownet_v4.25.pkl")
