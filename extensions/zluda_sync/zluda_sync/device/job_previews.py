"""The previews of one job: queued behind their steps, ready when the device is."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from zluda_sync.core.clock import SYSTEM_CLOCK, Clock
from zluda_sync.core.ledger import Ledger
from zluda_sync.core.preview_pace import PreviewPace
from zluda_sync.device.host_copy import HostCopier, PendingCopy
from zluda_sync.device.latents_ring import StepFrame
from zluda_sync.device.predicted_x0 import predict_x0
from zluda_sync.device.preview_latents import middle_frame, select_frames
from zluda_sync.device.projection import DeviceProjection, Projection, plain_projection

#: Previews in flight that are kept: without barriers, those of a whole pass are queued at once.
_KEPT = 256


@dataclass(frozen=True)
class ReadyPreview:
    """A preview whose every byte is on the host, of a step that the device has finished.

    Attributes:
        step: zero-based index in its pass.
        ledger: of the pass.
        pixels: (B, T, h, w, 3), uint8, on the CPU; T is 1 unless a whole clip was asked for.
    """

    step: int
    ledger: Ledger
    pixels: Tensor


@dataclass(frozen=True)
class _Pending:
    step: int
    ledger: Ledger
    copy: PendingCopy

    @property
    def is_ready(self) -> bool:
        return self.step < self.ledger.completed and self.copy.is_done


class JobPreviews:
    """Queues the previews of a job and hands out the newest that is ready.

    Args:
        find_copier: gives the way to the host from a device; asked once, never waits.
        find_projection: gives the projection for so many channels, None if nothing is known.
        find_channels: gives C of the VAE that is loaded, None if unknown.
        pace: how often.
        clock: seconds.

    Attributes:
        costs: of the previews that were queued: step, reading of its ledger's clock, seconds. Only grows.
    """

    def __init__(
        self,
        find_copier: Callable[[torch.device], HostCopier],
        find_projection: Callable[[int], Projection | None],
        find_channels: Callable[[], int | None] = lambda: None,
        pace: PreviewPace | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._find_copier = find_copier
        self._find_projection = find_projection
        self._find_channels = find_channels
        self._copier: HostCopier | None = None
        self._projection: DeviceProjection | None = None
        self._pending: deque[_Pending] = deque(maxlen=_KEPT)
        self._lock = threading.Lock()
        self._clock = clock
        self.pace = pace or PreviewPace()
        self.made = 0
        self.cost_s = 0.0
        self.costs: list[tuple[int, float, float]] = []

    # The thread that queues the steps.

    def prepare(self, device: torch.device) -> None:
        """Upload the projection while the device is idle: an upload waits for what is queued."""
        channels = self._find_channels()
        if channels is not None:
            self._upload(channels, device)

    def queue_preview(
        self,
        ledger: Ledger,
        frame: StepFrame,
        previous: StepFrame | None,
        *,
        step_s: float | None = None,
        size_px: tuple[int, int] | None = None,
        prediction_type: str = "",
        scheduler: Any = None,
        wants_clip: bool = False,
    ) -> bool:
        """Queue the preview of a step if it is due.

        Waits for the device only where a projection was not prepared: in the first preview of a model that
        was loaded in the middle of the job, or has other latents than its VAE says.

        Args:
            ledger: of the pass.
            frame: what the step left.
            previous: what the step before left, None for the first.
            step_s: what a step takes, None while unknown.
            size_px: width and height of the picture, None if unknown.
            prediction_type: the host's name for what the model predicts.
            scheduler: of the pipeline, None if unknown.
            wants_clip: whether somebody wants every frame of a video.
        Returns:
            Whether one was queued.
        Raises:
            LatentShapeError: no preview can be made of such latents.
        """
        if not self.pace.is_due(frame.step, step_s):
            return False
        began_s = self._clock()
        x0 = predict_x0(frame, previous, prediction_type, scheduler)
        rgb = self._project(select_frames(x0, self._find_channels(), size_px), wants_clip)
        if self._copier is None:
            self._copier = self._find_copier(rgb.device)
        pending = _Pending(frame.step, ledger, self._copier.begin(rgb))
        with self._lock:
            self._pending.append(pending)
        cost_s = self._clock() - began_s
        self.pace.record_made(frame.step, cost_s)
        self.made += 1
        self.cost_s += cost_s
        self.costs.append((frame.step, ledger.now_s() - cost_s, cost_s))
        return True

    def close(self) -> None:
        """Let go of every tensor."""
        with self._lock:
            self._pending.clear()
        if self._copier is not None:
            self._copier.close()

    # Any thread.

    def newest_ready(self) -> ReadyPreview | None:
        """Return the newest preview that is ready, None if none is; older ones are dropped.

        Never waits for the device nor talks to it.
        """
        with self._lock:
            for index in range(len(self._pending) - 1, -1, -1):
                pending = self._pending[index]
                if pending.is_ready:
                    for _ in range(index):
                        self._pending.popleft()
                    return ReadyPreview(pending.step, pending.ledger, pending.copy.tensor)
        return None

    def _upload(self, channels: int, device: torch.device) -> DeviceProjection:
        current = self._projection
        if current is None or (current.channels, current.device) != (channels, device):
            found = self._find_projection(channels) or plain_projection(channels)
            current = self._projection = DeviceProjection(found, device)
        return current

    def _project(self, frames: Tensor, wants_clip: bool) -> Tensor:
        batch, channels, length = frames.shape[:3]
        projection = self._upload(channels, frames.device)
        if not wants_clip or length == 1:
            return projection.project(middle_frame(frames)).unsqueeze(1)
        rgb = projection.project(frames.transpose(1, 2).flatten(0, 1))
        return rgb.reshape(batch, length, *rgb.shape[1:])
