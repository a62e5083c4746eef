"""SD.Next as seen from here: what the extension reads of the host, and the few things that it has it do.

Every name of the host that the extension uses stands in the table of the contract tests too, which hold it
against SD.Next's own source: a renamed function is found by a test and not by a user.
"""

from __future__ import annotations

import contextlib
import importlib
import inspect
import logging
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from zluda_sync.core.errors import HostUnsupportedError
from zluda_sync.core.wishes.request_wishes import Ending

#: Where an image is made. Imported by the host with its first job, and not before: it asks for the model.
PROCESSING_MODULE = "modules.processing_diffusers"
#: Where the host's simplest preview lives, in newer versions and in older ones.
_SIMPLE_PREVIEW_MODULES = ("modules.vae.sd_vae_approx", "modules.sd_vae_approx")
_TINY_DECODER_MODULES = ("modules.vae.sd_vae_taesd", "modules.sd_vae_taesd")
#: SD.Next's logger, under the same name in every version; its records reach the console and sdnext.log.
log = logging.getLogger("sd")


class SdNext:
    """The host's objects. Each is looked up when asked for: SD.Next replaces some of them at a restart."""

    @property
    def state(self) -> Any:
        """``shared.state``: the progress fields that every client of the host reads."""
        return _attribute("modules.shared", "state")

    @property
    def opts(self) -> Any:
        """``shared.opts``: the user's settings, backed by config.json."""
        return _attribute("modules.shared", "opts")

    @property
    def queue_lock(self) -> Any:
        """Held while a request runs, which may have set options for itself; None before the host has it."""
        return getattr(sys.modules.get("modules.call_queue"), "queue_lock", None)

    @property
    def backend(self) -> str:
        """The host's word for what it computes on: ``zluda``, ``cuda``, ``rocm`` …, empty without one."""
        return str(getattr(_module("modules.devices"), "backend", "") or "")

    @property
    def device(self) -> Any:
        """The ``torch.device`` that the host computes on, None while it has not chosen."""
        return getattr(_module("modules.devices"), "device", None)

    @property
    def job(self) -> str:
        """The host's name for what it is doing: a job, loading a model …; empty if it does nothing."""
        return str(getattr(self.state, "job", "") or "")

    @property
    def page_tasks(self) -> tuple[str | None, tuple[str, ...]]:
        """The page's task that runs, None if none does, and those that wait in the host's queue, in order."""
        tasks = sys.modules.get("modules.progress")
        return getattr(tasks, "current_task", None), tuple(getattr(tasks, "pending_tasks", ()))

    @property
    def zluda_build(self) -> str:
        """What tells one ZLUDA build from another: size and time of its driver library, empty without one."""
        folder = getattr(sys.modules.get("modules.zluda_installer"), "path", None)
        for name in ("nvcuda.dll", "libcuda.so"):
            with contextlib.suppress(OSError, TypeError):
                found = Path(folder, name).stat()  # type: ignore[arg-type]
                return f"{found.st_size}-{found.st_mtime:.0f}"
        return ""

    @property
    def model_name(self) -> str:
        """Name of the checkpoint that is used. Asked only within a job, for it may load the model."""
        chosen = getattr(self.opts, "sd_model_checkpoint", None)
        if not chosen:
            model = getattr(_module("modules.shared"), "sd_model", None)
            chosen = getattr(getattr(model, "sd_checkpoint_info", None), "name", None)
        return str(chosen or "")

    @property
    def vae(self) -> Any:
        """The VAE of the model, None if it has none. Asked only within a job, for it loads the model."""
        return _vae_of(getattr(_module("modules.shared"), "sd_model", None))

    @property
    def components(self) -> tuple[torch.nn.Module, ...]:
        """The modules of all pipelines that are loaded now; asking loads none."""
        found: dict[int, torch.nn.Module] = {}
        for name in ("sd_model", "sd_refiner"):
            model = _loaded_model(name)
            for pipe in (model, getattr(model, "pipe", None)):
                values = vars(pipe).values() if hasattr(pipe, "__dict__") else ()
                found.update({id(value): value for value in values if isinstance(value, torch.nn.Module)})
        return tuple(found.values())

    def add_route(
        self, path: str, endpoint: Callable[..., Any], *, is_polled: bool = False, **kwargs: Any
    ) -> None:
        """Serve a route of ours, below the host's subpath too, to whom the host would serve its own.

        Versions before 2026 leave it to the page's login; a route beside the page asks for that login, or for
        the same user and password in the way in which their API does.
        """
        api = _attribute("modules.shared", "api")
        asks_by_itself = "auth" in inspect.signature(api.add_api_route).parameters
        if not asks_by_itself and getattr(api, "credentials", None):
            from fastapi import Depends

            from zluda_sync.host.api.access import build_login_check

            kwargs["dependencies"] = [Depends(build_login_check(api))]
        api.add_api_route(path, endpoint, **kwargs)
        if is_polled:  # versions of 2026 count requests, and refuse those of a client that asks often
            costs = getattr(sys.modules.get("modules.api.validate"), "request_cost", None)
            if isinstance(costs, dict):
                costs[path] = 0

    @property
    def latents_name(self) -> str:
        """What tells the latents of the model that is loaded from others: the model and its VAE."""
        model = self.model
        name = getattr(getattr(model, "sd_checkpoint_info", None), "name", "")
        return f"{name}, {type(_vae_of(model)).__name__}, {getattr(self.opts, 'sd_vae', '')}"

    @property
    def latent_channels(self) -> int | None:
        """Channels of the latents of the VAE that is loaded, None if it does not tell."""
        config = getattr(_vae_of(self.model), "config", None)
        channels = getattr(config, "latent_channels", None) or getattr(config, "z_dim", None)
        return channels if isinstance(channels, int) else None

    @property
    def preview_method(self) -> str:
        """The host's own way to make previews: ``Simple``, ``TAESD`` …; ``None`` for no previews."""
        return str(getattr(self.opts, "show_progress_type", "") or "")

    def build_simple_preview(self, latents: torch.Tensor) -> torch.Tensor:
        """Return the host's simplest preview of (C, h, w) latents: (3, h, w), -1 to 1.

        Raises:
            HostUnsupportedError: this version has it under another name.
        """
        for name in _SIMPLE_PREVIEW_MODULES:
            with contextlib.suppress(HostUnsupportedError):
                preview: torch.Tensor = _attribute(name, "cheap_approximation")(latents)
                return preview
        raise HostUnsupportedError(f"{_SIMPLE_PREVIEW_MODULES[0]}.cheap_approximation")

    @property
    def has_tiny_decoder(self) -> bool:
        """Whether the weights of TAESD for the loaded model are on disk; else the host would download them.

        Asked for the very file, whose name differs by version; of variants that are no single file, no.
        """
        for name in _TINY_DECODER_MODULES:
            with contextlib.suppress(HostUnsupportedError, AttributeError, TypeError, ValueError, KeyError):
                tiny = _module(name)
                kind = getattr(_module("modules.shared"), "sd_model_type", "")
                variant = self.opts.taesd_variant
                if hasattr(tiny, "load_model"):
                    kind, variant = tiny.get_model(kind)
                stem = tiny.TAESD_MODELS[variant]["fn"]
                folder = Path(_attribute("modules.paths", "models_path"), "TAESD")
                names = (f"{stem}decoder_{kind}.pth", f"{stem}{kind}_decoder.pth")
                return any((folder / name).is_file() for name in names)
        return False

    @property
    def is_locked(self) -> bool:
        """Whether the host's lock is held, behind which requests wait for each other."""
        lock = self.queue_lock
        return bool(lock is not None and lock.locked())

    @property
    def was_ended(self) -> bool:
        """Whether one of the host's own flags says that what ran was ended early."""
        flags = vars(self.state)
        return bool(flags.get("interrupted") or flags.get("skipped"))

    def press(self, ending: Ending) -> bool:
        """Set the host's own flag, as its button does; return whether it was not set before."""
        fields = vars(self.state)
        name = "skipped" if ending is Ending.SKIP else "interrupted"
        was_set, fields[name] = bool(fields.get(name)), True
        return not was_set

    def is_waiting(self, task_id: str) -> bool:
        """Whether the page's task of this id waits in the host's queue."""
        return task_id in self.page_tasks[1]

    @property
    def model(self) -> Any:
        """The model that is loaded, None if none is; asking loads none."""
        return _loaded_model("sd_model")

    @model.setter
    def model(self, model: Any) -> None:
        _module("modules.shared").sd_model = model  # type: ignore[attr-defined]

    @property
    def model_type(self) -> str:
        """The host's word for the kind of the model that is loaded: ``sd``, ``sdxl`` …, empty if none is."""
        if self.model is None:
            return ""
        return str(getattr(_module("modules.shared"), "sd_model_type", "") or "")

    @property
    def settings_file(self) -> Path:
        """The file that the settings are read from; another one than config.json with ``--config``."""
        arguments = getattr(_module("modules.shared"), "cmd_opts", None)
        names = (getattr(self.opts, "filename", None), getattr(arguments, "config", None), "config.json")
        return Path(next(str(name) for name in names if name))

    @property
    def are_settings_frozen(self) -> bool:
        """Whether the host was started so that its settings cannot be changed."""
        arguments = getattr(_module("modules.shared"), "cmd_opts", None)
        return bool(getattr(arguments, "freeze", False))

    def allows_origin(self, origin: str) -> bool:
        """Return whether the host was started so that pages of this origin may use its API."""
        arguments = getattr(_module("modules.shared"), "cmd_opts", None)
        named = str(getattr(arguments, "cors_origins", None) or "").split(",")
        pattern = str(getattr(arguments, "cors_regex", None) or "")
        if {"*", origin or None} & {name.strip() for name in named}:
            return True
        with contextlib.suppress(re.error):
            return bool(pattern) and re.fullmatch(pattern, origin) is not None
        return False

    def load_processing(self) -> None:
        """Import what the host imports with its first job, so that its names can be replaced before that."""
        _module(PROCESSING_MODULE)

    @property
    def data_folder(self) -> Path:
        """The user's folder, in which config.json and models lie by default."""
        return Path(getattr(_module("modules.paths"), "data_path", "") or "")

    @property
    def processing_vae(self) -> ModuleType:
        """Where latents are decoded; everybody looks ``vae_decode`` up in it."""
        return _module("modules.processing_vae")

    @property
    def processing_args(self) -> ModuleType:
        """Where the host takes the step callbacks from: it imported them by name."""
        return _module("modules.processing_args")

    @property
    def processing_callbacks(self) -> ModuleType:
        """Where the step callbacks live, and look ``devices`` up for the host's own synchronize."""
        return _module("modules.processing_callbacks")


def _loaded_model(name: str) -> Any:
    """Return ``sd_model`` or ``sd_refiner`` if it is loaded, else None; ``shared`` would load it."""
    data = getattr(sys.modules.get("modules.modeldata"), "model_data", None)
    if data is None:  # the embedded host has no model data
        return vars(_module("modules.shared")).get(name)
    return getattr(data, name, None)


def _vae_of(model: Any) -> Any:
    """Return the VAE of a pipeline, or of the one that it wraps; None if it has none."""
    return getattr(model, "vae", None) or getattr(getattr(model, "pipe", None), "vae", None)


def _module(name: str) -> ModuleType:
    """Return a module of the host.

    Raises:
        HostUnsupportedError: the host has no such module.
    """
    try:
        return sys.modules.get(name) or importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise HostUnsupportedError(name) from error


def _attribute(module_name: str, name: str) -> Any:
    try:
        return getattr(_module(module_name), name)
    except AttributeError as error:
        raise HostUnsupportedError(f"{module_name}.{name}") from error
