"""Stand-in for SD.Next's modules/sd_models.py: load a model from a diffusers folder."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import diffusers

from modules import devices, shared
from modules.errors import HostError, log

NO_CHECKER = {"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False}
REMEDY = "give --model another diffusers folder, or leave it out for the default model"


def load_diffuser(folder: str) -> Any:
    """Load a diffusers folder onto the device, and make it `shared.sd_model`; HostError if that fails."""
    index = Path(folder, "model_index.json")
    if not index.is_file():
        raise HostError(f'Model: "{folder}" is not a diffusers folder (no model_index.json); {REMEDY}')
    jobid = shared.state.begin("Load model")
    try:
        kind = json.loads(index.read_text(encoding="utf-8"))["_class_name"]
        if kind != "StableDiffusionPipeline":
            raise ValueError(f"it is a {kind}, not a StableDiffusionPipeline")
        pipe = diffusers.StableDiffusionPipeline.from_pretrained(
            folder, local_files_only=True, use_safetensors=True, torch_dtype=devices.dtype, **NO_CHECKER
        )
        shared.sd_model = pipe.to(devices.device)
        pipe.sd_checkpoint_info = SimpleNamespace(name=index.parent.name, filename=folder)
    except Exception as e:
        reason = " ".join(str(e).split())[:200]
        raise HostError(
            f'Model: cannot load "{folder}" ({type(e).__name__}: {reason}); '
            f"if it is half-written or damaged, copy it again, or {REMEDY}"
        ) from e
    finally:
        shared.state.end(jobid)
    log.info(f'Model: "{folder}" on {devices.device} backend={devices.backend}')
    return shared.sd_model
