"""A small model with random weights, laid out so that every version of SD.Next finds and loads it."""

from __future__ import annotations

import json
from pathlib import Path

#: What SD.Next calls it.
NAME = "tests/tiny-random"


def make_small_model(models_dir: Path) -> None:
    """Put the model into ``models_dir/Diffusers``.

    Versions before 2025-09 look only at folders named as Hugging Face's cache names them, and come with a
    transformers library that reads a tokenizer's words from vocab.json.
    """
    from bench.host.tiny_model import make_tiny_model

    parent = models_dir / "Diffusers"
    parent.mkdir(parents=True)
    folder = Path(make_tiny_model(parent)).rename(parent / f"models--{NAME.replace('/', '--')}")
    tokenizer = folder / "tokenizer"
    words = json.loads((tokenizer / "tokenizer.json").read_text(encoding="utf-8"))["model"]["vocab"]
    (tokenizer / "vocab.json").write_text(json.dumps(words), encoding="utf-8")
    (tokenizer / "merges.txt").write_text("#version: 0.2\n", encoding="utf-8")
