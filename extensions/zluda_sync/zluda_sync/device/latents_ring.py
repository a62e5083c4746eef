"""The ring of in-flight latents: keeps each step's latents until the device has finished that step."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import Any


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


class LatentsRing:
    """Frames in order of steps. Only a frame whose step is finished is ever handed out.

    A frame older than the newest finished one is of no use and is dropped, so what is kept is the run-ahead
    and one frame more.
    """

    def __init__(self) -> None:
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
            self._frames.append(frame)
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

    def _drop_stale(self, completed: int) -> None:
        while len(self._frames) > 1 and self._frames[1].step < completed:
            self._frames.popleft()
