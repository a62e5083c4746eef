"""Stand-in for SD.Next's modules/sd_models.py: load a model from a diffusers folder."""

from __future__ import annotations

import json
from enum import Enum
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import diffusers

from modules import devices, script_callbacks, shared
from modules.errors import HostError
from modules.logger import log


class DiffusersTaskType(Enum):
    """What a pipeline makes of what."""

    TEXT_2_IMAGE = 1
    IMAGE_2_IMAGE = 2


def get_diffusers_task(pipe: Any) -> DiffusersTaskType:
    """The task of a loaded pipeline."""
    image = "Img2Img" in type(pipe).__name__
    return DiffusersTaskType.IMAGE_2_IMAGE if image else DiffusersTaskType.TEXT_2_IMAGE


def set_diffuser_pipe(pipe: Any, new_pipe_type: DiffusersTaskType) -> Any:
    """The pipeline of the other task over the same parts; `pipe` itself if it does that task already."""
    if get_diffusers_task(pipe) == new_pipe_type:
        return pipe
    image = new_pipe_type == DiffusersTaskType.IMAGE_2_IMAGE
    cls = diffusers.StableDiffusionImg2ImgPipeline if image else diffusers.StableDiffusionPipeline
    new_pipe = cls(**pipe.components, requires_safety_checker=False)
    new_pipe.sd_checkpoint_info = pipe.sd_checkpoint_info
    new_pipe.default_scheduler = pipe.__dict__.get("default_scheduler", pipe.scheduler)
    return new_pipe


def check_folder(folder: str) -> None:
    """Make sure that `folder` holds a whole diffusers model, without loading it.

    Raises:
        HostError: it is missing, no diffusers folder, or half-written; says which, and the remedy.
    """
    remedy = "give --model another diffusers folder, or leave it out for the default model"
    if not Path(folder).is_dir():
        raise HostError(f'Model: no folder "{folder}"; {remedy}')
    index_file = Path(folder, "model_index.json")
    if not index_file.is_file():
        raise HostError(f'Model: "{folder}" is not a diffusers folder (no model_index.json); {remedy}')
    try:
        index = json.loads(index_file.read_text(encoding="utf-8"))
        kind = index["_class_name"]
        parts = [k for k, v in index.items() if isinstance(v, list) and v[0] is not None]
    except (OSError, ValueError, KeyError, TypeError, IndexError) as e:
        raise HostError(
            f'Model: "{folder}" is damaged (model_index.json: {e}); copy it again, or {remedy}'
        ) from e
    if kind != "StableDiffusionPipeline":
        raise HostError(f'Model: "{folder}" is a {kind}, not a StableDiffusionPipeline; {remedy}')
    for part in parts:
        pattern = "*.safetensors" if part in ("unet", "vae", "text_encoder") else "*"
        if not any(Path(folder, part).glob(pattern)):
            raise HostError(
                f'Model: "{folder}" is half-written (nothing to load in "{part}"); copy it again, or {remedy}'
            )


def load_diffuser(folder: str) -> Any:
    """Load a diffusers folder onto the device, make it `shared.sd_model`, and tell the extensions.

    Raises:
        HostError: the folder cannot be loaded; one line with folder and remedy.
    """
    check_folder(folder)
    jobid = shared.state.begin("Load model")
    try:
        pipe = diffusers.StableDiffusionPipeline.from_pretrained(
            folder,
            local_files_only=True,
            use_safetensors=True,
            safety_checker=None,
            feature_extractor=None,
            requires_safety_checker=False,
            torch_dtype=devices.dtype,
        )
        pipe = pipe.to(devices.device)
    except Exception as e:
        reason = " ".join(str(e).split())[:200]
        raise HostError(
            f'Model: cannot load "{folder}" ({type(e).__name__}: {reason}); copy it again, '
            "or give --model another diffusers folder"
        ) from e
    finally:
        shared.state.end(jobid)
    name = Path(folder).name
    pipe.sd_checkpoint_info = SimpleNamespace(name=name, title=name, filename=folder, path=folder)
    shared.sd_model = pipe
    log.info(f'Model: "{name}" on {devices.get_optimal_device_name()} backend={devices.backend}')
    script_callbacks.model_loaded_callback(pipe)
    return pipe
