"""Which names of the host are replaced, by what, and why."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from zluda_sync.host.hooks.arrival_routes import ArrivalRoutes
from zluda_sync.host.hooks.control_fields import ControlFields
from zluda_sync.host.hooks.declared_counts import DeclaredCounts
from zluda_sync.host.hooks.images import DecodedPairs, ImageHook
from zluda_sync.host.hooks.patch_table import Patch
from zluda_sync.host.hooks.phases import Idleness, PhaseHooks
from zluda_sync.host.hooks.progress_fields import ProgressFields
from zluda_sync.host.hooks.progress_routes import ProgressRoutes
from zluda_sync.host.hooks.steps import DevicesMask, StepHooks
from zluda_sync.host.hooks.tiles import TileHooks
from zluda_sync.host.hooks.tokens import TokenHooks
from zluda_sync.host.job.current import Jobs
from zluda_sync.host.job.requests import Requests
from zluda_sync.host.preview.hosts_own import PreviewPatches
from zluda_sync.host.preview.previews import Previews
from zluda_sync.host.sdnext import PROCESSING_MODULE, SdNext
from zluda_sync.pipeline.console.console import Console
from zluda_sync.pipeline.ways import find_inner_pipelines

#: Modules that import the step-end callback by name and are loaded only when their tab is used.
_LATE_IMPORTERS = ("modules.ltx.ltx_process",)
#: Classes whose ``progress_bar`` wraps a denoising loop; a module not loaded has no pipelines yet.
_PROGRESS_BARS = (
    ("diffusers.pipelines.pipeline_utils", "DiffusionPipeline"),
    ("diffusers.modular_pipelines.modular_pipeline", "LoopSequentialPipelineBlocks"),
)


class PatchPlan:
    """Builds the patches for the host as it stands now.

    Built anew for each job, since modules that are loaded late have names to patch too; what is installed
    already is not installed twice.
    """

    def __init__(
        self, host: SdNext, jobs: Jobs, requests: Requests, previews: Previews, console: Console
    ) -> None:
        self._host = host
        self._jobs = jobs
        self._hooks = StepHooks(jobs, console)
        # By what the user has chosen: to ask for the model itself would load it.
        find_model = lambda: str(getattr(host.opts, "sd_model_checkpoint", None) or "")  # noqa: E731
        self.phases = PhaseHooks(jobs, requests, find_model=find_model)
        self.idleness = Idleness(host, jobs, requests, self.phases)
        self._routes = ProgressRoutes(jobs, requests, previews, self.idleness)
        self._arrivals = ArrivalRoutes(requests.arrivals, jobs.guard)
        self.controls = ControlFields(jobs, requests, self.phases)
        self._counts = DeclaredCounts(jobs, requests, self.phases)
        self._tiles, self._tokens = TileHooks(jobs), TokenHooks(jobs)
        self._fields = ProgressFields(jobs, self.phases, previews)
        self._image = ImageHook(jobs, requests, host)
        self._pairs = DecodedPairs(jobs, host)
        self.previews = PreviewPatches(jobs, requests, previews)

    def build(self, routes: Iterable[Any]) -> list[Patch]:
        """Return every patch.

        Args:
            routes: of the host's web application, none before it has started.
        Raises:
            HostUnsupportedError: a name is missing without which the extension cannot work.
        """
        host = self._host
        return [
            Patch(
                host.processing_args,
                "diffusers_callback",
                self._hooks.wrap_step_end,
                "count steps of pipelines with a step-end callback",
            ),
            Patch(
                host.processing_args,
                "diffusers_callback_legacy",
                self._hooks.wrap_legacy,
                "count steps of pipelines with a legacy callback",
            ),
            *(
                Patch(
                    sys.modules[name],
                    "diffusers_callback",
                    self._hooks.wrap_step_end,
                    "count steps of video pipelines",
                )
                for name in _LATE_IMPORTERS
                if hasattr(sys.modules.get(name), "diffusers_callback")
            ),
            *(
                Patch(
                    owner,
                    "progress_bar",
                    self._hooks.wrap_progress_bar,
                    "learn totals, count steps without callbacks, draw what is finished",
                )
                for owner in _bar_makers(host.model)
            ),
            Patch(
                host.processing_callbacks,
                "devices",
                lambda devices, switch: DevicesMask(devices, self._jobs, switch),
                "replace the host's own synchronize after each step",
            ),
            *self._image_patches(),
            Patch(host.processing_vae, "vae_decode", self._pairs.wrap, "learn how latents look"),
            *self.previews.patches(type(host.state)),
            *self.controls.patches(type(host.state)),
            *self._fields.patches(type(host.state)),
            *self._counts.patches(type(host.state)),
            *self.phases.patches(type(host.state)),
            *self._tiles.patches(),
            *self._tokens.patches(),
            *self._routes.patches(routes),
            *self._arrivals.patches(routes),
        ]

    def _image_patches(self) -> list[Patch]:
        """Return the patch of the function that makes an image; its module is loaded with the first job."""
        module = sys.modules.get(PROCESSING_MODULE)
        if not hasattr(module, "process_diffusers"):
            return []
        return [
            Patch(module, "process_diffusers", self._image.wrap, "end an image in order that is left early")
        ]


def _bar_makers(model: Any) -> list[Any]:
    """Return the classes that make a loop's bar: the bases, and those of the model with one of their own."""
    found = [getattr(sys.modules.get(module), name, None) for module, name in _PROGRESS_BARS]
    bases = [owner for owner in found if hasattr(owner, "progress_bar")]
    kinds = [kind for pipe in (model, *find_inner_pipelines(model)) for kind in type(pipe).__mro__]
    return list(dict.fromkeys([*bases, *(kind for kind in kinds if "progress_bar" in vars(kind))]))
