"""The ring of in-flight latents: keeps each step's latents until the device has finished that step."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from zluda_sync.device.preview.frames import middle_frame

#: What the copies of one pass may hold, in bytes: all steps of most jobs, and a part of a long video's.
BUDGET_BYTES = 64 * 2**20


@dataclass(frozen=True)
class StepFrame:
    """What one step leaves for a preview. Tensors belong to the step and may still be unwritten.

    Attributes:
        step: zero-based index.
        latents: (B, C, h, w), as the host holds them for its preview.
        noise_pred: same shape, None if the pipeline does not tell.
        sigma: noise level at which the step began, scalar tensor or None.
        sigma_next: noise level at which it ended, scalar tensor or None.
    """

    step: int
    latents: Any
    noise_pred: Any = None
    sigma: Any = None
    sigma_next: Any = None


@dataclass(frozen=True)
class ByteBudget:
    """Decides which steps in flight are kept: a bounded number of bytes, spread over all the steps there are.

    What is kept is in use, so nothing is taken back to make room.

    Attributes:
        limit: never more is held, in bytes.
    """

    limit: int

    def allows(self, nbytes: int, used: int, steps_since: int | None) -> bool:
        """Whether there is room for one more: for each step at first, and the fewer the more is used.

        Args:
            nbytes: of the one.
            used: bytes that are held.
            steps_since: how many steps after the last one it comes, None if it is the first.
        """
        left = self.limit - used
        return nbytes <= left and (steps_since is None or (steps_since + 1) * left > self.limit)


class LatentsRing:
    """Copies of frames in order of steps. Only one whose step is finished is ever handed out.

    Each is queued behind its step, and holds what is shown alone: a pipeline that goes on in the same memory
    does not tear it, and a view of one frame does not keep a whole clip. One older than the newest finished
    one is of no use and is dropped, so what is kept is the run-ahead and one more. Where that would be beyond
    the budget, not every step is kept: the more of it is used, the fewer.

    Args:
        budget_bytes: never more is held.
    """

    def __init__(self, budget_bytes: int = BUDGET_BYTES) -> None:
        self._budget = ByteBudget(budget_bytes)
        self._frames: deque[StepFrame] = deque()
        self._lock = threading.Lock()

    def hold(self, frame: StepFrame, completed: int) -> None:
        """Keep the frame of a step just queued; a second frame of the same step replaces the first.

        Args:
            frame: of the newest step.
            completed: steps that the device has finished so far.
        """
        with self._lock:
            if self._frames and self._frames[-1].step == frame.step:
                self._frames.pop()
            self._drop_stale(completed)
            has_room = self._has_room(frame)
        if not has_room:
            return
        copied = copy_shown(frame)  # outside of the lock: the first one may load kernels
        with self._lock:
            self._frames.append(copied)
            self._drop_stale(completed)

    def finished_frame(self, completed: int) -> StepFrame | None:
        """Return the newest frame whose step is among the first ``completed`` ones, None if there is none."""
        with self._lock:
            self._drop_stale(completed)
            first = self._frames[0] if self._frames else None
            return first if first is not None and first.step < completed else None

    def clear(self) -> None:
        """Let go of every tensor."""
        with self._lock:
            self._frames.clear()

    def __len__(self) -> int:
        return len(self._frames)

    def _has_room(self, frame: StepFrame) -> bool:
        used = sum(map(count_shown_bytes, self._frames))
        steps_since = frame.step - self._frames[-1].step if self._frames else None
        return self._budget.allows(count_shown_bytes(frame), used, steps_since)

    def _drop_stale(self, completed: int) -> None:
        while len(self._frames) > 1 and self._frames[1].step < completed:
            self._frames.popleft()


def copy_shown(frame: StepFrame) -> StepFrame:
    """Return what a preview shows of a frame, in memory of its own; queued, and never waits."""
    latents, noise_pred, sigma, sigma_next = (
        part.detach().clone() if isinstance(part, Tensor) else part
        for part in (*_shown_parts(frame), frame.sigma, frame.sigma_next)  # hosts adjust sigmas in place
    )
    return replace(frame, latents=latents, noise_pred=noise_pred, sigma=sigma, sigma_next=sigma_next)


def count_shown_bytes(frame: StepFrame) -> int:
    """Return what a copy of a frame holds."""
    return sum(part.nbytes for part in _shown_parts(frame) if isinstance(part, Tensor))


def _shown_parts(frame: StepFrame) -> tuple[Any, Any]:
    """Return latents and prediction; of a clip's prediction the one frame that the latents show."""
    latents, noise_pred = frame.latents, frame.noise_pred
    if isinstance(noise_pred, Tensor) and noise_pred.ndim == 5 and getattr(latents, "ndim", 0) == 4:
        noise_pred = middle_frame(noise_pred)
    return latents, noise_pred
