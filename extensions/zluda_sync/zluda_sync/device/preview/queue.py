"""The previews of one job: queued behind their steps, ready when the device is."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from zluda_sync.core.clock import SYSTEM_CLOCK, Clock
from zluda_sync.core.steps.ledger import Ledger
from zluda_sync.device.preview.copy import HostCopier, PendingCopy
from zluda_sync.device.preview.pace import PreviewPace
from zluda_sync.device.preview.projection import DeviceProjection, Projection, plain_projection
from zluda_sync.device.preview.ring import ByteBudget, StepFrame
from zluda_sync.device.preview.x0 import ShownX0s

#: Previews in flight that are kept: without barriers, those of a whole pass are queued at once.
_KEPT = 256
#: Costs that are kept.
_MOST_COSTS = 10_000
#: And what they may hold on the device and the host, in bytes: all of most passes, and a part of a clip's.
BUDGET_BYTES = 64 * 2**20


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
    nbytes: int

    @property
    def is_ready(self) -> bool:
        return self.step < self.ledger.completed and self.copy.is_done


class JobPreviews:
    """Queues the previews of a job and hands out the newest that is ready.

    Args:
        find_copier: returns what copies from a device to the host; asked once, never waits.
        find_projection: returns the projection for this number of channels, None if nothing is known.
        find_channels: returns C of the VAE that is loaded, None if unknown.
        pace: how often.
        clock: seconds.
        budget_bytes: more is never held by previews that are queued or ready.

    Attributes:
        costs: of the previews that were queued: step, reading of its ledger's clock, seconds; the
            newest of very many.
    """

    def __init__(
        self,
        find_copier: Callable[[torch.device], HostCopier],
        find_projection: Callable[[int], Projection | None],
        find_channels: Callable[[], int | None] = lambda: None,
        pace: PreviewPace | None = None,
        clock: Clock = SYSTEM_CLOCK,
        budget_bytes: int = BUDGET_BYTES,
    ) -> None:
        self._find_copier = find_copier
        self._find_projection = find_projection
        self._find_channels = find_channels
        self._copier: HostCopier | None = None
        self._projection: DeviceProjection | None = None
        self._pending: deque[_Pending] = deque(maxlen=_KEPT)
        self._lock = threading.Lock()
        self._clock = clock
        self._budget = ByteBudget(budget_bytes)
        self._x0s = ShownX0s(find_channels)
        self._kinds_made: set[Hashable] = set()
        self.pace = pace or PreviewPace()
        self.made = 0
        self.cost_s = 0.0
        self.costs: list[tuple[int, float, float]] = []

    # The thread that queues the steps.

    def prepare(self, device: torch.device) -> None:
        """Upload the projection while the device is idle: on some an upload waits for what is queued."""
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

        Waits for the device only where a projection was not prepared and cannot be uploaded without a wait:
        in the first preview of a model that was loaded in the middle of the job, or has other latents than
        its VAE says.

        Args:
            ledger: of the pass.
            frame: what the step left.
            previous: what the step before left; None for the first, and where that step was told of here.
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
        began_s = self._clock()
        shown = self._x0s.find(
            ledger,
            frame,
            previous,
            is_due=self.pace.is_due(frame.step, step_s),
            size_px=size_px,
            prediction_type=prediction_type,
            scheduler=scheduler,
            wants_clip=wants_clip,
        )
        if shown is None or not self._has_room(ledger, frame.step, shown.x0):
            return False
        rgb = self._project(shown.x0)
        if self._copier is None:
            self._copier = self._find_copier(rgb.device)
        pending = _Pending(frame.step, ledger, self._copier.begin(rgb), _count_bytes(shown.x0))
        with self._lock:
            self._pending.append(pending)
        self._record_made(ledger, frame.step, self._clock() - began_s, shown.kind)
        return True

    def let_go(self) -> None:
        """Nobody looks: let go of what is done, and of what the last step left; copies in flight must end."""
        self._x0s.forget()
        if self._pending:
            with self._lock:
                while self._pending and self._pending[0].is_ready:
                    self._pending.popleft()

    def end_pass(self) -> None:
        """The host has gone on from a pass: let go of what its last step left."""
        self._x0s.forget()

    def close(self) -> None:
        """Let go of every tensor."""
        self._x0s.forget()
        self._projection = None
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

    def _has_room(self, ledger: Ledger, step: int, x0: Tensor) -> bool:
        """Whether the budget allows one more; the more of it is used, the fewer steps get one."""
        with self._lock:
            while len(self._pending) > 1 and self._pending[1].is_ready:
                self._pending.popleft()
            used = sum(pending.nbytes for pending in self._pending)
            newest = self._pending[-1] if self._pending else None
        steps_since = None if newest is None or newest.ledger is not ledger else step - newest.step
        return self._budget.allows(_count_bytes(x0), used, steps_since)

    def _project(self, frames: Tensor) -> Tensor:
        batch, channels, length = frames.shape[:3]
        projection = self._upload(channels, frames.device)
        if length == 1:
            return projection.project(frames[:, :, 0]).unsqueeze(1)
        rgb = projection.project(frames.transpose(1, 2).flatten(0, 1))
        return rgb.reshape(batch, length, *rgb.shape[1:])

    def _record_made(self, ledger: Ledger, step: int, cost_s: float, kind: Hashable) -> None:
        # The first of each kind loads kernels, on ZLUDA it compiles them: once, whatever the budget.
        self.pace.record_made(step, cost_s, has_loaded=kind not in self._kinds_made)
        self._kinds_made.add(kind)
        self.made += 1
        self.cost_s += cost_s
        self.costs.append((step, ledger.now_s() - cost_s, cost_s))
        if len(self.costs) > _MOST_COSTS:  # others make a copy of the list: it is cut in one go
            del self.costs[: _MOST_COSTS // 2]


def _count_bytes(x0: Tensor) -> int:
    """Return what a preview of (B, C, T, h, w) holds: three bytes a pixel, on the device and on the host."""
    return 2 * 3 * x0.numel() // x0.shape[1]
