"""Fingerprints: short texts that tell settings and arguments of scripts from others, and do not say them."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterable
from itertools import starmap, zip_longest
from typing import Any

#: Settings of SD.Next that change how long the same work takes. Versions have some of them, none has all.
SPEED_SETTINGS = (
    # precision and quantization
    "precision",
    "cuda_dtype",
    "no_half",
    "no_half_vae",
    "upcast_sampling",
    "diffusers_vae_upcast",
    "layerwise_quantization",
    "sdnq_quantize_weights",
    "sdnq_quantize_weights_mode",
    "sdnq_quantize_matmul_mode",
    "sdnq_use_quantized_matmul",
    "sdnq_dequantize_compile",
    "nunchaku_quantization",
    "nunchaku_attention",
    "trt_quantization",
    # attention
    "cross_attention_optimization",
    "cross_attention_options",
    "sdp_options",
    "sdp_overrides",
    "xformers_options",
    "attention_slicing",
    "dynamic_attention_slice_rate",
    "dynamic_attention_trigger_rate",
    "sdnq_attention_matmul_type",
    "hf_attention",
    # compilation and kernels
    "cuda_compile",
    "cuda_compile_backend",
    "cuda_compile_mode",
    "cuda_compile_options",
    "cudnn_enabled",
    "cudnn_benchmark",
    "cudnn_deterministic",
    "torch_tunable_ops",
    "opt_channelslast",
    "diffusers_fuse_projections",
    "pruna_cachers",
    "pruna_compilers",
    # where models wait for their turn
    "diffusers_offload_mode",
    "diffusers_offload_streams",
    "nunchaku_offload",
    # the decoder
    "sd_vae",
    "sd_unet",
    "diffusers_vae_slicing",
    "diffusers_vae_tiling",
    "diffusers_vae_tile_size",
    "hypertile_vae_enabled",
    # work that is left out
    "token_merging_method",
    "tome_ratio",
    "todo_ratio",
    "hypertile_unet_enabled",
    "hypertile_unet_tile",
    "deep_cache_interval",
    "pab_enabled",
    "cache_dit_enabled",
    "faster_cache_enabled",
    "para_cache_enabled",
    "teacache_enabled",
    "teacache_thresh",
)
#: Longer texts are prompts and the like, and larger numbers seeds: neither changes how much is computed.
LONGEST_CHOICE, LARGEST_AMOUNT = 60, 1_000_000
#: Arguments are looked into so deep.
DEEPEST = 4


def fingerprint_settings(options: Any) -> str:
    """Return what tells the settings that change speed from others.

    Args:
        options: the host's.
    """
    return _digest(f"{name}={_text_of(getattr(options, name, None))}" for name in SPEED_SETTINGS)


def fingerprint_scripts(processing: Any) -> str:
    """Return what tells the scripts that take part in a job, and their arguments, from others.

    Args:
        processing: the host's object for the job.
    Returns:
        Empty if none does, as far as can be told: the chosen one, and those that are run beside it with other
        arguments than their page has at first.
    """
    runner = getattr(processing, "scripts", None)
    arguments = getattr(processing, "script_args", None)
    if runner is None or not isinstance(arguments, (list, tuple)):
        return ""
    own = getattr(processing, "per_script_args", None)
    found = []
    chosen = arguments[0] if arguments else 0
    selectable = _list_of(getattr(runner, "selectable_scripts", None))
    if isinstance(chosen, int) and not isinstance(chosen, bool) and 0 < chosen <= len(selectable):
        script = selectable[chosen - 1]
        found.append(f"{_title_of(script)}: {_text_of(_slice_of(arguments, script))}")
    for script in _list_of(getattr(runner, "alwayson_scripts", None)):
        title = _title_of(script)
        given = own.get(title) if isinstance(own, dict) else None
        given = _slice_of(arguments, script) if given is None else given
        controls = _list_of(getattr(getattr(script, "api_info", None), "args", None))
        if not all(starmap(_is_at_first, zip_longest(_list_of(given), controls))):
            found.append(f"{title}: {_text_of(given)}")
    return _digest(found) if found else ""


def _is_at_first(value: Any, control: Any) -> bool:
    """Whether a value is what its control has before anybody touches it.

    Pages give the number of a choice where the control has its label, and say nothing in several forms.
    """
    at_first = getattr(control, "value", None)
    if not isinstance(value, (bool, int, float)) and not value and not at_first:
        return True
    choices = _list_of(getattr(control, "choices", None))
    is_number = isinstance(value, int) and not isinstance(value, bool)
    if is_number and 0 <= value < len(choices) and at_first in (choices[value], *_list_of(choices[value])):
        return True
    return _text_of(value) == _text_of(at_first)


def _digest(texts: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(texts).encode(errors="replace")).hexdigest()[:10]


def _title_of(script: Any) -> str:
    title: Callable[[], Any] | None = getattr(script, "title", None)
    with contextlib.suppress(Exception):  # the script's own code
        if title is not None:
            return str(title())
    return type(script).__name__


def _slice_of(values: Any, script: Any) -> list[Any]:
    first, last = getattr(script, "args_from", None), getattr(script, "args_to", None)
    if not isinstance(first, int) or not isinstance(last, int):
        return []
    return _list_of(values)[first:last]


def _list_of(values: Any) -> list[Any]:
    return list(values) if isinstance(values, (list, tuple)) else []


def _text_of(value: Any, depth: int = 0) -> str:
    """Return a text for a value that is the same whenever as much is computed with it."""
    if value is None or isinstance(value, bool):
        return str(value)
    if isinstance(value, (int, float)):
        return f"{value:g}" if abs(value) < LARGEST_AMOUNT else "number"
    if isinstance(value, str):
        return value if len(value) <= LONGEST_CHOICE else "text"
    if depth < DEEPEST and isinstance(value, (list, tuple)):
        return f"[{', '.join(_text_of(one, depth + 1) for one in value)}]"
    if depth < DEEPEST and isinstance(value, dict):
        return f"{{{', '.join(f'{key}: {_text_of(one, depth + 1)}' for key, one in value.items())}}}"
    return type(value).__name__
