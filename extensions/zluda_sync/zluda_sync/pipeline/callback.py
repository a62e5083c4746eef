"""A step-end callback for those who pass callbacks themselves, instead of a ``with track(pipe)`` block."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from diffusers.callbacks import PipelineCallback as DiffusersCallback

from zluda_sync.core.progress.snapshot import ProgressSnapshot
from zluda_sync.core.steps.policy import SyncMode
from zluda_sync.pipeline.followed_call import FollowedCall
from zluda_sync.pipeline.track_session import session_in


class PipelineCallback(DiffusersCallback):  # type: ignore[misc]
    """True progress of the denoising loop alone: ``pipe(..., callback_on_step_end=PipelineCallback(print))``.

    It knows nothing of what comes before the first step and after the last; :func:`zluda_sync.track` does.

    Args:
        on_progress: called with the progress behind each step, on the pipeline's thread. An error of it is
            logged once, and the call goes on.
        mode: when to wait for the device, ``every-step`` by default.
    """

    tensor_inputs = ["latents"]

    def __init__(
        self,
        on_progress: Callable[[ProgressSnapshot], Any] | None = None,
        mode: SyncMode | str = SyncMode.EVERY_STEP,
    ) -> None:
        super().__init__(cutoff_step_ratio=1.0, cutoff_step_index=None)
        self._on_progress = on_progress
        self._session = session_in(None)
        self._loop = FollowedCall(self._session, SyncMode(mode), lambda: None)

    @property
    def progress(self) -> ProgressSnapshot | None:
        """Progress of the loop that runs, or of the last one; None before the first."""
        return self._loop.progress

    def stop(self) -> None:
        """End the loop that runs, or the next one: the pipeline skips what is left of it, and decodes."""
        self._loop.stop()

    def callback_fn(
        self, pipeline: Any, step_index: int, timestep: Any, callback_kwargs: dict[str, Any]
    ) -> dict[str, Any]:
        """Count a step; called by diffusers."""
        del timestep
        with self._session.guard.watching("following a loop"):
            self._count(pipeline, step_index, callback_kwargs.get("latents"))
        if self._loop.is_stopped:
            pipeline._interrupt = True  # diffusers' own way to skip what is left of a loop
            self._loop.is_stopped = False
        return callback_kwargs

    def _count(self, pipeline: Any, step: int, latents: Any) -> None:
        loop, total = self._loop, getattr(pipeline, "num_timesteps", None) or None
        if step == 0 or not loop.is_followed:
            loop.end()
            loop.begin(pipeline, None)
        loop.pass_step(step, total, latents, getattr(pipeline, "scheduler", None))
        progress = loop.progress
        if self._on_progress is not None and progress is not None:
            with self._session.guard.watching("reporting progress", self._tell_no_more):
                self._on_progress(progress)
        is_last = total is not None and step >= total - 1
        if loop.is_stopped or is_last:
            loop.end(is_whole=is_last)

    def _tell_no_more(self, _error: Exception) -> None:
        self._on_progress = None
