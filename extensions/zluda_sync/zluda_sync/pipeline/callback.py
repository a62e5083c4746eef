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
        on_progress: called with the progress behind each step, on the pipeline's thread.
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
        self._call = FollowedCall(self._session, SyncMode(mode), lambda: None)

    @property
    def progress(self) -> ProgressSnapshot | None:
        """Progress of the loop that runs, or of the last one; None before the first."""
        return self._call.progress

    def stop(self) -> None:
        """End the pipeline at the next step: it skips what is left of its loop."""
        self._call.stop()

    def callback_fn(
        self, pipeline: Any, step_index: int, timestep: Any, callback_kwargs: dict[str, Any]
    ) -> dict[str, Any]:
        """Count a step; called by diffusers."""
        del timestep
        total = getattr(pipeline, "num_timesteps", None) or None
        if step_index == 0 or not self._call.is_running:
            self._call.close()
            with self._session.guard.watching("following a call"):
                self._call.begin(pipeline, {"num_inference_steps": total})
        latents = callback_kwargs.get("latents")
        self._call.pass_step(step_index, total, latents, getattr(pipeline, "scheduler", None))
        progress = self._call.progress
        if self._on_progress is not None and progress is not None:
            self._on_progress(progress)
        if self._call.is_stopped:
            pipeline._interrupt = True  # diffusers' own way to skip what is left of a loop
        if self._call.is_stopped or (total is not None and step_index >= total - 1):
            with self._session.guard.watching("ending a call"):
                self._call.close()
        return callback_kwargs
