"""A small model that describes pictures, with random weights, where SD.Next looks for what it downloads."""

from __future__ import annotations

from pathlib import Path

#: What SD.Next calls the model, and where it comes from.
NAME = "Microsoft GIT TextCaps Base"
_REPOSITORY, _REVISION = "microsoft/git-base-textcaps", "0" * 40
#: Tokens of each text: the model never writes that it is at the end.
TOKENS = 40
_SIDE_PX, _PATCH_PX, _WIDTH, _LAYERS, _HEADS = 32, 16, 32, 2, 2
_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_WORDS = (*_SPECIAL, *"abcdefghijklmnopqrstuvwxyz?.", "red", "circle", "on", "blue", "what", "is", "this")


def make_small_captioner(models_dir: Path) -> None:
    """Put the model into ``models_dir/huggingface``, as a download would have left it."""
    import torch
    from transformers import (
        BertTokenizerFast,
        CLIPImageProcessor,
        GitConfig,
        GitForCausalLM,
        GitProcessor,
    )

    home = models_dir / "huggingface" / f"models--{_REPOSITORY.replace('/', '--')}"
    folder = home / "snapshots" / _REVISION
    folder.mkdir(parents=True)
    (home / "refs").mkdir()
    (home / "refs" / "main").write_text(_REVISION, encoding="utf-8")
    sizes = {
        "hidden_size": _WIDTH,
        "intermediate_size": 2 * _WIDTH,
        "num_hidden_layers": _LAYERS,
        "num_attention_heads": _HEADS,
    }
    config = GitConfig(
        vision_config={**sizes, "image_size": _SIDE_PX, "patch_size": _PATCH_PX},
        vocab_size=len(_WORDS),
        bos_token_id=_WORDS.index("[CLS]"),
        eos_token_id=_WORDS.index("[SEP]"),
        pad_token_id=_WORDS.index("[PAD]"),
        **sizes,
    )
    torch.manual_seed(0)
    model = GitForCausalLM(config)
    with torch.no_grad():
        model.output.bias[config.eos_token_id] = -1000.0
    model.generation_config.max_new_tokens = TOKENS
    model.generation_config.use_cache = (
        False  # as some versions of transformers cannot keep one for this model
    )
    model.save_pretrained(folder)
    tokenizer = BertTokenizerFast({word: number for number, word in enumerate(_WORDS)})
    size = {"height": _SIDE_PX, "width": _SIDE_PX}
    pictures = CLIPImageProcessor(size={"shortest_edge": _SIDE_PX}, crop_size=size)
    GitProcessor(pictures, tokenizer).save_pretrained(folder)
