"""The denoising passes of a job while they are followed: where one ends, and another begins."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch

from zluda_sync.core.progress.job import Job
from zluda_sync.core.progress.part import Part
from zluda_sync.core.steps.ledger import Ledger
from zluda_sync.pipeline.loop_outputs import LoopOutputs


class Place(Protocol):
    """Where in its work a job is; any thread may ask."""

    @property
    def image(self) -> int:
        """Zero-based index of the image that is made now."""

    @property
    def role(self) -> str:
        """The pass that is made now: base, hires …"""

    @property
    def size_px(self) -> tuple[int, int] | None:
        """Width and height of the picture that is made now, None if unknown."""


class Models(Protocol):
    """The models that are loaded now; they may change in the middle of a job."""

    @property
    def components(self) -> Sequence[torch.nn.Module]:
        """Text encoders, denoisers, VAE: where a stopped job can be left."""

    @property
    def vae(self) -> Any:
        """What decodes pictures, None if there is none."""


@dataclass(eq=False)
class FollowedPass:
    """A denoising pass. Changed by the thread that queues the steps alone.

    Attributes:
        part: its place in the job.
        ledger: its launches and completions.
        last_index: loop index of the newest launch, None if the pipeline does not tell.
        is_left: whether the pipeline has gone on to something else.
        is_from_bar: whether the newest launch was told by the progress bar alone.
        newest_latents: gives what the newest step computes as long as the pipeline keeps it, else None; None
            if the pipeline does not tell.
        latents_shape: (B, C, h, w) of the latents, None if the pipeline does not tell.
        computed_shape: of what the steps compute, packed or a film as it may be, None if that is not told.
    """

    part: Part
    ledger: Ledger
    last_index: int | None = None
    is_left: bool = False
    is_from_bar: bool = False
    newest_latents: Callable[[], torch.Tensor | None] | None = None
    latents_shape: tuple[int, ...] | None = None
    computed_shape: tuple[int, ...] | None = None

    def note_latents(self, latents: Any, shape: tuple[int, ...]) -> None:
        """Remember what the newest step computes, without keeping it.

        Args:
            latents: in whatever shape the pipeline has them; only tensors can be held against a report.
            shape: (B, C, h, w).
        """
        self.newest_latents = weakref.ref(latents) if isinstance(latents, torch.Tensor) else None
        self.latents_shape = shape

    def has_begun_anew(self, index: int | None) -> bool:
        """Whether a step of this loop index, None if unknown, belongs to a later loop than the last one."""
        return index is not None and self.last_index is not None and index <= self.last_index


class Passes:
    """The passes of one job. Changed by the thread that queues the steps alone.

    Args:
        job: that they are parts of.
        place: where in its work it is.
    """

    def __init__(self, job: Job, place: Place) -> None:
        self._job = job
        self._place = place
        self._all: list[FollowedPass] = []
        self._outputs: LoopOutputs | None = None

    @property
    def newest(self) -> FollowedPass | None:
        """The pass that is queued, None before the first. Any thread."""
        return self._all[-1] if self._all else None

    def announce(self, total: int | None, outputs: LoopOutputs | None = None) -> FollowedPass:
        """A loop of so many steps, None if unknown, is about to begin: return its pass.

        Args:
            total: of the loop.
            outputs: of the loop, None if they are not followed; they end with it at the latest.
        """
        self._end_outputs()
        self._outputs = outputs
        newest = self.newest
        if newest is None or newest.ledger.launched or newest.is_left:
            newest = self._begin()
        if total is not None:
            self._job.expect_total(newest.part, total)
        return newest

    def find(self, index: int | None, has_begun_anew: bool) -> FollowedPass:
        """Return the pass of a step that was just queued; see :meth:`PipelineRun.find_pass`."""
        newest = self.newest
        if newest is None:
            return self._begin(is_found=True)
        if not newest.ledger.launched:
            return newest
        is_told = index is not None and newest.last_index is not None
        is_another = newest.has_begun_anew(index) if is_told else has_begun_anew
        return self._begin(is_found=True) if is_another else newest

    def leave(self) -> None:
        """The pipeline has gone on from its loop."""
        self._end_outputs()
        newest = self.newest
        if newest is not None and not newest.is_left:
            newest.is_left = True
            if newest.ledger.launched:
                self._job.leave_part()

    def forget_finished(self, forget: Callable[[Ledger], None]) -> None:
        """Forget the passes that are over, but for the newest; ``forget`` is told of the counts of each."""
        over = [one for one in self._all[:-1] if one.is_left and one.ledger.is_drained]
        self._all = [one for one in self._all if one not in over]
        for followed in over:
            forget(followed.ledger)

    def let_go(self) -> Iterator[Ledger]:
        """Let go of what steps have left, pass by pass; gives the counts of each."""
        self._end_outputs()
        for followed in self._all:
            followed.newest_latents = None
            yield followed.ledger

    def _begin(self, is_found: bool = False) -> FollowedPass:
        for earlier in self._all:
            earlier.newest_latents = None
        followed = FollowedPass(*self._job.begin_pass(self._place.role, self._place.image, is_found))
        self._all.append(followed)
        return followed

    def _end_outputs(self) -> None:
        if self._outputs is not None:
            self._outputs.end()
