"""Previews behind the steps of a job: queued only while somebody looks, and given up after an error."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from zluda_sync.core.errors import LatentShapeError
from zluda_sync.core.guard import Guard
from zluda_sync.core.steps.ledger import Ledger
from zluda_sync.device.preview.queue import JobPreviews
from zluda_sync.device.preview.ring import StepFrame


@dataclass(frozen=True)
class PreviewDemand:
    """Who looks; any thread may ask.

    Attributes:
        is_looked_at: whether somebody has asked for a preview of late.
        is_clip_wanted: whether somebody has asked for every frame of a film of late.
    """

    is_looked_at: Callable[[], bool]
    is_clip_wanted: Callable[[], bool] = lambda: False


@dataclass(frozen=True)
class StepDetails:
    """What is known of a step's scheduler when a preview is made of it.

    Attributes:
        prediction_type: name of what the model predicts, empty if unknown.
        scheduler: of the pipeline, None if it does not tell.
    """

    prediction_type: str = ""
    scheduler: Any = None


NOTHING_KNOWN = StepDetails()


class StepPreviews:
    """Offers each step to the previews of a job.

    Args:
        queue: of the job.
        demand: who looks.
        warn: told once if previews of this job cannot be made.
    """

    def __init__(self, queue: JobPreviews, demand: PreviewDemand, warn: Callable[[str], None]) -> None:
        self.queue = queue
        self._demand = demand
        # Made once: it stands on the way of each step.
        self._watch = Guard.saying(warn).watching("no previews of this job", self._switch_off)
        self.is_off = False

    @property
    def are_wanted(self) -> bool:
        """Whether somebody looks, and they can be made."""
        return not self.is_off and self._demand.is_looked_at()

    def offer(
        self,
        ledger: Ledger,
        frames: Sequence[StepFrame],
        details: StepDetails = NOTHING_KNOWN,
        size_px: tuple[int, int] | None = None,
    ) -> None:
        """A step was queued: queue its preview if somebody looks and it is due. Never raises.

        Where nobody looks, nothing is kept that can be let go.

        Args:
            ledger: of the pass.
            frames: what the step has left, in each shape that is known; the first of which a preview can be
                made is taken.
            details: of its scheduler.
            size_px: width and height of the picture, None if unknown.
        """
        if not self.are_wanted:
            self.queue.let_go()
            return
        with self._watch:
            self._queue_first_usable(
                ledger,
                frames,
                step_s=ledger.mean_step_s,
                size_px=size_px,
                prediction_type=details.prediction_type,
                scheduler=details.scheduler,
            )

    def end_pass(self) -> None:
        """The pipeline has gone on from a pass: what its last step left is of no use for another."""
        self.queue.end_pass()

    def close(self) -> None:
        """The job is over: let go of every tensor."""
        self.queue.close()

    def _switch_off(self, _error: Exception) -> None:
        self.is_off = True

    def _queue_first_usable(self, ledger: Ledger, frames: Sequence[StepFrame], **details: Any) -> None:
        if not frames:
            return  # somebody began to look this instant
        *others, last = frames
        wants_clip = self._demand.is_clip_wanted()
        for frame in others:
            with contextlib.suppress(LatentShapeError):
                self.queue.queue_preview(ledger, frame, None, wants_clip=wants_clip, **details)
                return
        self.queue.queue_preview(ledger, last, None, wants_clip=wants_clip, **details)
