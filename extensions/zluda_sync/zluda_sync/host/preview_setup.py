"""Where the previews of a job come from, and what its pictures teach those of the next."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from zluda_sync.core.settings import PreviewMethod
from zluda_sync.device.host_copy import CopyWay, HostCopier, choose_copy_way, make_copier
from zluda_sync.device.job_previews import JobPreviews
from zluda_sync.device.projection import Projection
from zluda_sync.device.step_marks import StepMarks
from zluda_sync.host.host_method import HostMethodPreviews
from zluda_sync.host.jobs import Jobs
from zluda_sync.host.preview_patches import PreviewPatches
from zluda_sync.host.previews import Previews, ProjectedPreviews
from zluda_sync.host.projections import Projections
from zluda_sync.host.sdnext import SdNext
from zluda_sync.host.simple_projection import read_projection
from zluda_sync.host.tracked_job import TrackedJob

NO_TINY_DECODER = "the weights of TAESD are not in models/TAESD, and no preview downloads them; using fitted"


class PreviewSetup:
    """Begins the previews of each job by the user's settings.

    Args:
        host: the host.
        jobs: knows the current job.
        previews: of the session.
        patches: makes the host's own previews.
        warn: told in one sentence of what does not work.
    """

    def __init__(
        self,
        host: SdNext,
        jobs: Jobs,
        previews: Previews,
        patches: PreviewPatches,
        warn: Callable[[str], None],
    ) -> None:
        self._host = host
        self._jobs = jobs
        self._previews = previews
        self._patches = patches
        self._warn = warn
        self._projections = Projections(host.data_folder, warn)
        self._copy_ways: dict[str, CopyWay] = {}

    def begin(self, method: PreviewMethod, marks: StepMarks) -> ProjectedPreviews | None:
        """Begin the previews of a job; returns who must be told of its steps, None if nobody.

        Args:
            method: the user's choice; where the host is to make no previews, none are made.
            marks: for events behind the copies.
        """
        if self._host.preview_method == "None":
            self._previews.begin(None)
            return None
        if method is PreviewMethod.HOST and self._can_use_host_method():
            self._previews.begin(HostMethodPreviews(self._make_host_preview, self._warn))
            return None
        name = self._name

        def find_copier(device: torch.device) -> HostCopier:
            if str(device) not in self._copy_ways:
                self._copy_ways[str(device)] = choose_copy_way(device, marks)
            return make_copier(self._copy_ways[str(device)], marks)

        def find_projection(channels: int) -> Projection | None:
            fitted = self._projections.find(name, channels)
            return fitted or read_projection(self._host.build_simple_preview, channels)

        job_previews = JobPreviews(find_copier, find_projection, self._host.latent_channels)
        source = ProjectedPreviews(job_previews, self._previews, self._warn)
        self._previews.begin(source)
        return source

    def learn(self, tracked: TrackedJob) -> None:
        """Take in the pictures of a job that has ended.

        Raises:
            LatentShapeError: they teach nothing.
        """
        for pair in tracked.decoded_pairs:
            self._projections.learn(self._name, pair.latents, pair.picture)

    def forget(self) -> None:
        """Drop what pictures have taught."""
        self._projections.forget()

    @property
    def _name(self) -> str:
        return f"{self._host.model_name}, {self._host.vae_name}"

    def _can_use_host_method(self) -> bool:
        if self._host.preview_method != "TAESD" or self._host.has_tiny_decoder:
            return True
        self._warn(NO_TINY_DECODER)
        return False

    def _make_host_preview(self) -> tuple[int, Any] | None:
        tracked = self._jobs.current
        shown = tracked.shown_pass() if tracked is not None else None
        if shown is None or not shown.ledger.completed:
            return None
        step = shown.ledger.completed - 1
        image = self._patches.make_host_preview(self._host.state)
        return None if image is None else (step, image)
