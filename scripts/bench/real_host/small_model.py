"""Small models, laid out so that every version of SD.Next finds and loads them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from bench.commands.environment import REPOSITORY

#: What SD.Next calls the one of random weights, and the one that draws.
NAME = "tests/tiny-random"
DRAWING_NAME = "tests/shapes"


def make_small_model(models_dir: Path) -> None:
    """Put a model of random weights into ``models_dir/Diffusers``."""
    from bench.host.tiny_model import make_tiny_model

    parent = models_dir / "Diffusers"
    parent.mkdir(parents=True)
    _lay_out(Path(make_tiny_model(parent)), NAME)


def put_drawing_model(models_dir: Path) -> None:
    """Put the embedded host's model of coloured shapes beside it."""
    copied = models_dir / "Diffusers" / "shapes"
    shutil.copytree(REPOSITORY / "modules" / "shapes_model", copied)
    _lay_out(copied, DRAWING_NAME)


def _lay_out(folder: Path, name: str) -> None:
    """Name a folder as older versions want it, and give its tokenizer what they read.

    Versions before 2025-09 look only at folders named as Hugging Face's cache names them, and come with a
    transformers library that reads a tokenizer's words from vocab.json.
    """
    folder = folder.rename(folder.with_name(f"models--{name.replace('/', '--')}"))
    tokenizer = folder / "tokenizer"
    words = json.loads((tokenizer / "tokenizer.json").read_text(encoding="utf-8"))["model"]["vocab"]
    (tokenizer / "vocab.json").write_text(json.dumps(words), encoding="utf-8")
    (tokenizer / "merges.txt").write_text("#version: 0.2\n", encoding="utf-8")
