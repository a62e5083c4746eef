"""Every name of the host that the extension uses, by what it is used for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class HostName:
    """A name of the host that is used.

    Attributes:
        module: dotted module.
        attribute: what is used of it; ``Class.member`` for a member, ``shared.state`` style is not followed.
        parameters: leading parameter names that calls rely on, None where nothing is called.
        required: without it the extension does not act; otherwise it does without.
    """

    module: str
    attribute: str
    parameters: tuple[str, ...] | None = None
    required: bool = True


#: What a user gets, and the names that it takes.
FEATURES: Mapping[str, tuple[HostName, ...]] = {
    "settings and profiles": (
        HostName("modules.shared", "opts"),
        HostName("modules.shared", "cmd_opts", required=False),
        HostName(
            "modules.options", "OptionInfo", ("default", "label", "component", "component_args", "onchange")
        ),
        HostName("modules.options_handler", "Options.add_option", ("key", "info"), required=False),
        HostName("modules.options_handler", "Options.save_atomic"),
        HostName("modules.paths", "data_path"),
    ),
    "installed and called": (
        HostName("modules.shared", "state"),
        HostName("modules.shared", "sd_model", required=False),
        HostName("installer", "version", required=False),
        HostName("modules.devices", "backend"),
        HostName("modules.devices", "device"),
        HostName("modules.extensions", "extensions"),
        HostName("modules.extensions", "Extension", ("name", "path", "enabled", "is_builtin")),
        HostName("modules.extensions", "Extension.list_files", ("subdir", "extension"), required=False),
        HostName("modules.script_callbacks", "callback_map"),
        HostName("modules.script_callbacks", "on_app_started", ("callback",)),
        HostName("modules.script_callbacks", "on_before_process", ("callback",)),
        HostName("modules.script_callbacks", "on_after_process", ("callback",)),
        HostName("modules.script_callbacks", "on_ui_settings", ("callback",)),
        HostName("modules.script_callbacks", "on_ui_tabs", ("callback",)),
        HostName("modules.script_callbacks", "on_script_unloaded", ("callback",)),
        HostName("modules.modeldata", "model_data", required=False),
        HostName("modules.zluda_installer", "path", required=False),
    ),
    "steps of pipelines": (
        HostName("modules.processing_args", "diffusers_callback"),
        HostName("modules.processing_args", "diffusers_callback_legacy"),
        HostName(
            "modules.processing_callbacks", "diffusers_callback", ("pipe", "step", "timestep", "kwargs")
        ),
        HostName(
            "modules.processing_callbacks", "diffusers_callback_legacy", ("step", "timestep", "latents")
        ),
        HostName("modules.shared_state", "State.sampling_step"),
        HostName("modules.shared_state", "State.sampling_steps"),
    ),
    "its own sync is replaced": (HostName("modules.processing_callbacks", "devices"),),
    "video tabs": (HostName("modules.ltx.ltx_process", "diffusers_callback", required=False),),
    "phases and the whole bar": (
        HostName("modules.processing", "StableDiffusionProcessingTxt2Img", required=False),
        HostName("modules.shared_state", "State.begin", ("title",)),
        HostName("modules.shared_state", "State.end"),
        HostName("modules.shared_state", "State.job"),
        HostName("modules.shared_state", "State.time_start"),
        HostName("modules.postprocessing", "run_postprocessing", required=False),
    ),
    "Stop, Skip, Pause": (
        HostName("modules.shared_state", "State.interrupted"),
        HostName("modules.shared_state", "State.skipped"),
        HostName("modules.shared_state", "State.paused"),
    ),
    "a picture for a stopped image": (
        HostName("modules.processing_diffusers", "process_diffusers", ("p",), required=False),
    ),
    "cells are declared": (
        HostName("modules.shared_state", "State.job_count", required=False),
        HostName("modules.shared_state", "State.frame_count", required=False),
    ),
    "the queue is known": (
        HostName("modules.progress", "pending_tasks", required=False),
        HostName("modules.progress", "current_task", required=False),
        HostName("modules.call_queue", "queue_lock", required=False),
    ),
    "fitted previews": (
        HostName("modules.processing_vae", "vae_decode", ("latents", "model")),
        HostName("modules.shared_state", "State.set_current_image"),
        HostName("modules.shared_state", "State.do_set_current_image", required=False),
        HostName("modules.shared_state", "State.current_image"),
        HostName("modules.shared_state", "State.prediction_type", required=False),
        HostName("modules.shared_state", "State.current_latent"),
        HostName("modules.shared_state", "State.current_noise_pred", required=False),
        HostName("modules.shared_state", "State.current_sigma", required=False),
        HostName("modules.shared_state", "State.current_sigma_next", required=False),
    ),
    "its own previews": (
        HostName("modules.paths", "models_path", required=False),
        HostName("modules.vae.sd_vae_approx", "cheap_approximation", ("sample",), required=False),
        HostName("modules.sd_vae_approx", "cheap_approximation", ("sample",), required=False),
        HostName("modules.vae.sd_vae_taesd", "TAESD_MODELS", required=False),
        HostName("modules.sd_vae_taesd", "TAESD_MODELS", required=False),
    ),
    "its rate limit is known": (HostName("modules.api.validate", "request_cost", required=False),),
}
#: Without these a release is followed less far, and nothing else: a film to the end of its decode.
_OF_FILMS = (
    HostName("modules.processing_class", "StableDiffusionProcessingVideo", required=False),
    HostName("modules.processing_video", "apply_video_interpolation", required=False),
    HostName("modules.errorlimiter", "ErrorLimiterAbort", required=False),
)
HOST_NAMES = tuple(name for names in (*FEATURES.values(), _OF_FILMS) for name in names)
