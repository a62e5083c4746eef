"""What a job would take with given settings, before anybody has asked for it."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

from zluda_sync.core.learning.estimate import (
    DETAILER,
    MAY_COMPILE,
    MUST_LOAD,
    SCRIPT,
    UNKNOWN_MODEL,
    UNLIKE_ANY,
    Estimate,
    Knowledge,
)
from zluda_sync.core.learning.residuals import Estimates
from zluda_sync.core.progress.shape import JobShape
from zluda_sync.core.settings.conditions import Asker
from zluda_sync.host.accelerator import is_zluda
from zluda_sync.host.acting import Acting
from zluda_sync.host.job.fingerprints import fingerprint_settings
from zluda_sync.host.job.processing import HostProcessing
from zluda_sync.host.profiles.choice import ProfileChoice
from zluda_sync.host.sdnext import SdNext

#: What an API request of the host begins as: settings that are not given are as they are there.
_REQUEST_CLASS = ("modules.processing", "StableDiffusionProcessingTxt2Img")
_DEFAULTED = (
    "width", "height", "steps", "batch_size", "n_iter", "sampler_name", "enable_hr", "hr_scale",
    "hr_upscaler", "hr_force", "hr_resize_mode", "hr_second_pass_steps", "hr_resize_x", "hr_resize_y",
    "denoising_strength", "hr_denoising_strength", "detailer_enabled", "cfg_scale", "cfg_true",
    "pag_scale", "hidiffusion",
)  # fmt: skip
#: The sampler of a request that names none.
_DEFAULT_SAMPLER = "Default"
NO_SIZE = "for the input's size, give width and height"
NOT_ACTING = "ZLUDA Sync follows no jobs here"


class Estimator:
    """Answers from what is learned alone: loads no model, waits for nothing. Any thread.

    Args:
        host: the host.
        estimates: of shapes of jobs.
        profile_choice: knows by which profile a job would go.
        acting: knows the device, and when to wait there.
        tell_acting: whether jobs are followed now.
    """

    def __init__(
        self,
        host: SdNext,
        estimates: Estimates,
        profile_choice: ProfileChoice,
        acting: Acting,
        tell_acting: Callable[[], bool],
    ) -> None:
        self._host = host
        self._estimates = estimates
        self._profile_choice = profile_choice
        self._acting = acting
        self._tell_acting = tell_acting

    @property
    def is_acting(self) -> bool:
        """Whether jobs are followed now; else nothing is told."""
        return self._tell_acting()

    def tell(self, settings: Mapping[str, Any]) -> tuple[Estimate | None, tuple[str, ...]]:
        """Return how long a job would take, and what is not known, in sentences for the user.

        Args:
            settings: by the names of the host's API; those left out are as the host has them, the model is
                the one that is chosen. ``has_input`` and ``has_mask`` say that the job begins with a picture
                of the width and height that are given, and with a mask over it.
        """
        if not self.is_acting:
            return None, (NOT_ACTING,)
        if 0 in (settings.get("width"), settings.get("height")):
            return None, (NO_SIZE,)
        shape = self.shape_of(settings)
        if shape is None:
            return None, (NOT_ACTING,)
        estimate = self._estimates.estimate(shape)
        return estimate, tuple(self._find_gaps(settings, shape, estimate))

    def estimate_unknown(self) -> Estimate | None:
        """Return what jobs took of late, for one of which nothing is known; None where nothing is learned."""
        return self._estimates.estimate_unknown()

    def shape_of(self, settings: Mapping[str, Any]) -> JobShape | None:
        """Return the shape of the job that settings ask for, None where no job would be followed."""
        accelerator = self._acting.find_accelerator()
        if accelerator is None:
            return None
        model = str(settings.get("model") or self._chosen_model)
        place = HostProcessing(_stand_in(settings))
        traits = place.traits(accelerator.name, model, self._host.model_type, Asker.PAGE)
        settings_of_job = self._profile_choice.choose(traits=traits).settings
        policy = self._acting.policy(settings_of_job, accelerator)
        speed = fingerprint_settings(self._host.opts)
        return place.shape(accelerator.name, model, policy.mode.value, speed)

    def _find_gaps(
        self, settings: Mapping[str, Any], shape: JobShape, estimate: Estimate | None
    ) -> list[str]:
        gaps = []
        if estimate is None:
            gaps.append(UNKNOWN_MODEL)
        elif estimate.knowledge is not Knowledge.EXACT:
            gaps.append(UNLIKE_ANY)
        if gaps and is_zluda(self._host):
            gaps.append(MAY_COMPILE)
        if self._host.model is None or shape.model != self._chosen_model:
            gaps.append(MUST_LOAD)
        if shape.has_detailer:
            gaps.append(DETAILER)
        if settings.get("script_name"):
            gaps.append(SCRIPT)
        return gaps

    @property
    def _chosen_model(self) -> str:
        """Name of the checkpoint that is chosen; asking loads none."""
        chosen = getattr(self._host.opts, "sd_model_checkpoint", None)
        if not chosen:
            chosen = getattr(getattr(self._host.model, "sd_checkpoint_info", None), "name", None)
        return str(chosen or "")


def _stand_in(settings: Mapping[str, Any]) -> SimpleNamespace:
    """Return what tells the same of a request as the host's object for it would, its picture included."""
    asked = {**_host_defaults(), **settings}
    if asked.get("has_input") or asked.get("has_mask"):
        picture = SimpleNamespace(size=(asked.get("width"), asked.get("height")))
        asked.update(init_images=[picture], resize_mode=0)  # it has the size already that is computed
    if asked.get("has_mask"):
        asked["mask"] = picture
    return SimpleNamespace(**asked)


def _host_defaults() -> dict[str, Any]:
    """Return the host's own defaults, as far as it tells them."""
    module, name = _REQUEST_CLASS
    request_class = getattr(sys.modules.get(module), name, None)
    found: dict[str, Any] = {"steps": 20}  # of versions that do not tell
    for one in reversed(getattr(request_class, "__mro__", ())):
        for parameter in inspect.signature(one).parameters.values() if one is not object else ():
            if parameter.name in _DEFAULTED and parameter.default is not parameter.empty:
                found[parameter.name] = parameter.default
    found["sampler_name"] = found.get("sampler_name") or _DEFAULT_SAMPLER
    return found
