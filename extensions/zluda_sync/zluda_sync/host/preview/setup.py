"""Chooses who makes the previews of a job, and learns from its pictures for the next one."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import torch

from zluda_sync.core.errors import LatentShapeError
from zluda_sync.core.learning.late_saver import LateSaver
from zluda_sync.core.settings.settings import PreviewMethod, Settings
from zluda_sync.device.preview.copy import CopyWay, find_copy_way, make_copier
from zluda_sync.device.preview.pace import PreviewPace
from zluda_sync.device.preview.projection import Projection
from zluda_sync.device.preview.queue import JobPreviews
from zluda_sync.device.steps.watcher import Marks
from zluda_sync.host.job.current import Jobs
from zluda_sync.host.job.followed import HostJob
from zluda_sync.host.preview.hosts_own import HostMadePreviews, PreviewPatches
from zluda_sync.host.preview.previews import NoPreviews, Previews, ProjectedPreviews
from zluda_sync.host.sdnext import SdNext
from zluda_sync.pipeline.projections import SIMPLE_CHANNELS, Projections, read_projection
from zluda_sync.pipeline.step_previews import PreviewDemand, StepPreviews

#: A device that is too busy to answer delays the beginning of a job: of this many jobs, and no more.
MOST_TRIES = 2
NO_TINY_DECODER = "the weights of TAESD are not in models/TAESD, and no preview downloads them; using fitted"


class PreviewSetup:
    """Begins the previews of each job by the user's settings.

    Args:
        host: the host.
        jobs: knows the current job.
        previews: of the session.
        patches: makes the host's own previews.
        warn: called with one sentence about what does not work.
        saver: writes what previews have learned.
    """

    def __init__(
        self,
        host: SdNext,
        jobs: Jobs,
        previews: Previews,
        patches: PreviewPatches,
        warn: Callable[[str], None],
        saver: LateSaver,
    ) -> None:
        self._host = host
        self._jobs = jobs
        self._previews = previews
        self._patches = patches
        self._warn = warn
        self._projections = Projections(host.data_folder, warn, saver)
        self._copy_ways: dict[torch.device, CopyWay] = {}
        self._tries: dict[torch.device, int] = {}
        self._pace: PreviewPace | None = None

    def begin(self, settings: Settings, marks: Marks) -> StepPreviews | None:
        """Begin the previews of a job; returns who must be told of its steps, None if nobody.

        Args:
            settings: the user's choice; where the host is to make no previews, none are made.
            marks: for events behind the copies.
        """
        self._pace = None
        if self._host.preview_method == "None":
            self._previews.begin(None)
            return None
        if settings.preview is PreviewMethod.NONE:
            self._previews.begin(NoPreviews())
            return None
        if settings.preview is PreviewMethod.HOST and self._can_use_host_method():
            self._previews.begin(HostMadePreviews(self._make_host_preview, self._warn))
            return None
        self._pace = PreviewPace(*_limits(settings))
        job_previews = JobPreviews(
            lambda device: make_copier(self._copy_way(device), marks),
            self._find_projection,
            lambda: self._host.latent_channels,
            self._pace,
        )
        with self._jobs.guard.watching("making previews ready"):
            self._prepare(job_previews, marks)
        demand = PreviewDemand(lambda: self._previews.is_looked_at, lambda: self._previews.is_clip_wanted)
        step_previews = StepPreviews(job_previews, demand, self._warn)
        self._previews.begin(ProjectedPreviews(step_previews))
        return step_previews

    def change_budget(self, settings: Settings) -> None:
        """The settings have changed in the middle of a job: their budget counts from now on; any thread."""
        pace = self._pace
        if pace is not None:
            pace.set_limits(*_limits(settings))

    def are_latents_wanted(self) -> bool:
        """Whether somebody reads the host's latents, or soon will."""
        return self._previews.are_latents_wanted

    def learn(self, tracked: HostJob) -> None:
        """Take in the pictures of a job that has ended."""
        for name, pairs in tracked.decoded_pairs.items():
            with contextlib.suppress(LatentShapeError):  # a black picture teaches nothing
                self._projections.learn(name, pairs)

    def _prepare(self, previews: JobPreviews, marks: Marks) -> None:
        """Do while the device is idle what would wait for the queue later."""
        device = self._host.device
        if not isinstance(device, torch.device):
            return
        if device not in self._copy_ways:
            with contextlib.suppress(MemoryError):  # says nothing: the next job tries again
                way = find_copy_way(device, marks)
                self._tries[device] = self._tries.get(device, 0) + 1
                if way is not None:
                    self._copy_ways[device] = way
                elif self._tries[device] == MOST_TRIES:
                    self._copy_ways[device] = CopyWay.THREAD
        previews.prepare(device)

    def _copy_way(self, device: torch.device) -> CopyWay:
        """Return how copies come from a device, which the host may have named without its index."""
        if device.type == "cpu":
            return CopyWay.ASYNCHRONOUS
        named = self._copy_ways.get(device) or self._copy_ways.get(torch.device(device.type))
        return named or CopyWay.THREAD

    def _find_projection(self, channels: int) -> Projection | None:
        is_known = channels == SIMPLE_CHANNELS
        prior = read_projection(self._host.build_simple_preview, channels) if is_known else None
        return self._projections.find(self._host.latents_name, channels, prior)

    def _can_use_host_method(self) -> bool:
        if self._host.preview_method != "TAESD" or self._host.has_tiny_decoder:
            return True
        self._warn(NO_TINY_DECODER)
        return False

    def _make_host_preview(self) -> tuple[int, Any] | None:
        tracked = self._jobs.current
        shown = tracked.shown_pass() if tracked is not None else None
        frame = shown.frames.finished_frame(shown.followed.ledger.completed) if shown is not None else None
        if shown is None or frame is None:  # those of the next step are kept: somebody looks
            return None
        image = self._patches.make_host_preview(self._host.state, shown, frame)
        return None if image is None else (frame.step, image)


def _limits(settings: Settings) -> tuple[float, float]:
    """Return what previews may cost, as a share of a step, and the least time between two, in seconds."""
    return settings.preview_budget / 100, settings.preview_interval
