"""Hooks on the denoising loop of all kinds of pipeline: step-end callback, legacy callback, neither."""

from __future__ import annotations

import functools
from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any

import torch

from zluda_sync.host.hooks.patch_table import Switch
from zluda_sync.host.job.current import Jobs
from zluda_sync.pipeline.console.bar import BarSteps
from zluda_sync.pipeline.console.console import Console
from zluda_sync.pipeline.loop_outputs import LoopOutputs


class StepHooks:
    """Builds the replacements of the host's step callbacks and of the pipelines' progress bar.

    The host's callback always runs outside of our guard: its ``AssertionError`` is how Stop works.
    """

    def __init__(self, jobs: Jobs, console: Console) -> None:
        self._jobs = jobs
        self._console = console

    def wrap_step_end(self, original: Callable[..., Any], switch: Switch) -> Callable[..., Any]:
        """Wrap ``callback(pipe, step, timestep, kwargs) -> kwargs``.

        Our marker is planted before the host's callback runs, so that nothing of the host's lies between
        the step and its completion.
        """

        @functools.wraps(original)
        def diffusers_callback(
            pipe: Any, step: int = 0, timestep: Any = 0, kwargs: dict[str, Any] | None = None
        ) -> Any:
            kwargs = kwargs if kwargs is not None else {}
            if not switch.is_on:
                return original(pipe, step, timestep, kwargs)
            job = self._jobs.of_this_thread()
            if job is not None:
                total = getattr(pipe, "num_timesteps", None) or None
                scheduler = getattr(pipe, "scheduler", None)
                with self._jobs.following(job, "following a step"):
                    job.pass_step(step, total, kwargs.get("latents"), scheduler)
            return self._call_back(original, (pipe, step, timestep, kwargs))

        return diffusers_callback

    def wrap_legacy(self, original: Callable[..., Any], switch: Switch) -> Callable[..., Any]:
        """Wrap ``callback(step, timestep, latents)``."""

        @functools.wraps(original)
        def diffusers_callback_legacy(step: int, timestep: Any, latents: Any) -> Any:
            if not switch.is_on:
                return original(step, timestep, latents)
            job = self._jobs.of_this_thread()
            if job is not None:
                tensor = latents if isinstance(latents, torch.Tensor) else None  # ONNX gives an ndarray
                with self._jobs.following(job, "following a step"):
                    job.pass_step(step, latents=tensor)
            return self._call_back(original, (step, timestep, latents))

        return diffusers_callback_legacy

    def wrap_progress_bar(self, original: Callable[..., Any], switch: Switch) -> Callable[..., Any]:
        """Wrap ``pipeline.progress_bar(iterable=None, total=None)``.

        It knows the total before the first step, and counts the steps of pipelines that call nobody back.
        What it draws on the console is what the device has finished.
        """

        @functools.wraps(original)
        def progress_bar(pipe: Any, *args: Any, **kwargs: Any) -> Any:
            if not switch.is_on:
                return original(pipe, *args, **kwargs)
            bar = self._console.make(pipe, partial(original, pipe, *args, **kwargs), self._jobs.is_driving())
            job = self._jobs.of_this_thread()
            if job is None:
                return bar
            outputs = None
            with self._jobs.following(job, "announcing a denoising loop"):
                outputs = LoopOutputs(pipe)
                job.announce_loop(getattr(bar, "total", None), outputs)
            steps = _HostBarSteps(self._jobs, switch, outputs)
            return self._console.follow(bar, steps, lambda: job.run.newest_ledger, lambda: job.is_shown)

        return progress_bar

    def _call_back(self, original: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        """Call the host back, and take over what it says of the step."""
        self._jobs.press_again()
        given: Any = None
        try:
            given = original(*args)
            return given
        finally:
            job = self._jobs.of_this_thread()
            if job is not None:
                with self._jobs.following(job, "settling a step"):
                    job.settle_step(given if isinstance(given, dict) else None)


class _HostBarSteps(BarSteps):
    """Steps of a bar of the job that its thread runs.

    Args:
        jobs: knows the job.
        switch: off, nothing is counted.
        outputs: of the bar's loop, None if they cannot be followed.
    """

    def __init__(self, jobs: Jobs, switch: Switch, outputs: LoopOutputs | None) -> None:
        super().__init__(outputs)
        self._jobs = jobs
        self._switch = switch

    @property
    def launched(self) -> int | None:
        job = self._jobs.of_this_thread() if self._switch.is_on else None
        return job.run.newest_launched if job is not None else None

    def count_step(self) -> bool:
        job = self._jobs.of_this_thread()
        if job is None:
            return False
        with self._jobs.following(job, "counting a step"):
            job.pass_bar_step(self.outputs.take() if self.outputs is not None else None)
            return True
        return False

    def leave_if_wanted(self) -> None:
        """Do what the host's callback does after Stop, for pipelines that call nobody back."""
        job = self._jobs.current
        if self._switch.is_on and job is not None:
            job.run.leave_if_wanted()


class DevicesMask(ModuleType):
    """Keeps the host from synchronizing each step while we wait in its place.

    Stands for ``devices`` where the step callbacks live; they ask its ``backend`` only to synchronize.

    Everything else is the host's, read and written through. ``opts.torch_sync`` would do the same but would
    be saved to the user's config.json.
    """

    _MASKED_BACKEND = "zluda_sync"

    def __init__(self, devices: ModuleType, jobs: Jobs, switch: Switch) -> None:
        super().__init__(devices.__name__, devices.__doc__)
        object.__setattr__(self, "_devices", devices)
        object.__setattr__(self, "_jobs", jobs)
        object.__setattr__(self, "_switch", switch)

    def __getattribute__(self, name: str) -> Any:
        if name in ("_devices", "_jobs", "_switch", "_MASKED_BACKEND", "__class__"):
            return object.__getattribute__(self, name)
        if name == "backend":
            job = self._jobs.current
            if self._switch.is_on and job is not None and not job.is_broken:
                return self._MASKED_BACKEND
        return getattr(self._devices, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._devices, name, value)

    def __delattr__(self, name: str) -> None:
        delattr(self._devices, name)
