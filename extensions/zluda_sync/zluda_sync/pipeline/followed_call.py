"""The calls of one tracked pipeline, one after another: each is followed as a job of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from PIL import Image

from zluda_sync.core.clock import SYSTEM_CLOCK
from zluda_sync.core.errors import LatentShapeError
from zluda_sync.core.guard import Watch
from zluda_sync.core.phase import BASE
from zluda_sync.core.progress.snapshot import ProgressSnapshot
from zluda_sync.core.steps.policy import SyncMode
from zluda_sync.device.preview.ring import StepFrame
from zluda_sync.pipeline.call_shape import find_size_px, name_of
from zluda_sync.pipeline.component_phases import ComponentPhases
from zluda_sync.pipeline.console.bar import BarSteps
from zluda_sync.pipeline.pictures import build_images, build_pair
from zluda_sync.pipeline.run import PipelineRun
from zluda_sync.pipeline.step_previews import PreviewDemand, StepDetails
from zluda_sync.pipeline.track_session import TrackSession, channels_of
from zluda_sync.pipeline.ways import find_inner_pipelines

#: Somebody looks if a preview was asked for within this time, in seconds.
LOOKING_S = 5.0


class CallPlace:
    """Where a call is: it makes one batch in one go."""

    image = 0
    role = BASE

    def __init__(self, size_px: tuple[int, int] | None) -> None:
        self.size_px = size_px


class CallModels:
    """The models of a pipeline and of those that it runs by itself."""

    def __init__(self, pipe: Any) -> None:
        self._pipes = [pipe, *find_inner_pipelines(pipe)]

    def named(self) -> Iterator[tuple[str, Any]]:
        """Yield each component with its name."""
        for pipe in self._pipes:
            try:
                components = dict(pipe.components)
            except Exception:  # noqa: BLE001  a pipeline of a kind of its own: what it holds is all there is
                components = dict(vars(pipe))
            yield from components.items()

    @property
    def components(self) -> Sequence[torch.nn.Module]:
        """All that can be left early."""
        return [one for _name, one in self.named() if isinstance(one, torch.nn.Module)]

    @property
    def vae(self) -> Any:
        """What decodes pictures, None if there is none."""
        decoders = [one for name, one in self.named() if name.startswith("vae") and one is not None]
        return decoders[0] if decoders else None


class FollowedCall:
    """What a pipeline's hooks tell; keeps the newest call, and answers for it. No error of ours gets out.

    Args:
        session: shared by all tracked pipelines.
        mode: when to wait, None to go by the self-test.
        on_end: called when a call is over.
    """

    def __init__(self, session: TrackSession, mode: SyncMode | None, on_end: Callable[[], None]) -> None:
        self.mode = mode
        self.is_stopped = False
        self.is_running = False
        self.calls_ended = 0
        self._session = session
        self._on_end = on_end
        self._run: PipelineRun | None = None
        self._phases: ComponentPhases | None = None
        self._is_broken = False
        self._final_latents: torch.Tensor | None = None
        self._looked_at_s: float | None = None
        self._preview: tuple[Any, Image.Image] | None = None
        self._lock = threading.Lock()

    # What the hooks tell.

    def call(self, pipe: Any, run: Callable[[], Any], arguments: dict[str, Any]) -> Any:
        """Follow a call; one within another is a part of that."""
        if self._is_within_call():
            return run()
        with self._session.guard.watching("following a call"):
            self.begin(pipe, arguments)
        try:
            result = run()
            with self._session.guard.watching("learning from a call"):
                self._learn(pipe, result)
            return result
        finally:
            with self._session.guard.watching("ending a call"):
                self._end()

    def pass_step(self, index: int | None, total: int | None, latents: Any, scheduler: Any) -> None:
        """A step was queued."""
        if self._followed() is None:
            return
        with self._watching("following a step"):
            self._pass_step(index, total, latents, scheduler, is_from_bar=False)

    def leave_if_wanted(self) -> None:
        """Leave the call if it was stopped."""
        run = self._followed()
        if run is not None:
            run.leave_if_wanted()

    def wrap_bar(self, pipe: Any, build: Callable[[], Any]) -> Any:
        """Return what the pipeline moves in the place of its bar."""
        run, console = self._followed(), self._session.console
        if run is None:
            return build()
        bar = console.make(pipe, build, is_ours=True)
        with self._watching("announcing a denoising loop"):
            if self._phases is not None:
                self._phases.note_loop()
            run.go_on()
            run.announce_loop(getattr(bar, "total", None))
        steps = _CallBarSteps(self, run)
        return console.follow(bar, steps, lambda: run.newest_ledger, lambda: not self._is_broken)

    def count_bar_step(self) -> None:
        """A step was queued that only the bar tells of."""
        self._pass_step(None, None, None, None, is_from_bar=True)

    # What is asked. Any thread.

    @property
    def progress(self) -> ProgressSnapshot | None:
        """Progress of the newest call, None before the first."""
        run = self._run
        return run.snapshot() if run is not None else None

    def stop(self) -> None:
        """End the call that runs, or the next one."""
        self.is_stopped = True
        run = self._run
        if run is not None and self.is_running:
            run.control.stop()

    def preview(self) -> Image.Image | None:
        """Return the picture of the newest finished step."""
        self._looked_at_s = SYSTEM_CLOCK()
        run = self._run
        ready = run.previews.queue.newest_ready() if run is not None and run.previews is not None else None
        with self._lock:
            if ready is not None and (self._preview is None or self._preview[0] is not ready.pixels):
                images = build_images(ready.pixels)
                self._preview = (ready.pixels, images[len(images) // 2])
            return self._preview[1] if self._preview is not None else None

    def close(self) -> None:
        """The pipeline is tracked no more."""
        if self.is_running:
            self._end()

    # On the thread of the call.

    def _followed(self) -> PipelineRun | None:
        """The run of the calling thread, None if it has none that is followed."""
        run = self._run
        if run is None or not self.is_running or self._is_broken or not run.is_driver():
            return None
        return run

    def _is_within_call(self) -> bool:
        run = self._run
        return self.is_running and run is not None and run.is_driver()

    def _watching(self, what: str) -> Watch:
        def give_up(_error: Exception) -> None:
            self._is_broken = True

        return self._session.guard.watching(what, give_up)

    def begin(self, pipe: Any, arguments: dict[str, Any]) -> None:
        """A call begins."""
        self._is_broken = False
        place, models = CallPlace(find_size_px(pipe, arguments)), CallModels(pipe)
        demand = PreviewDemand(self._is_looked_at)
        run = self._session.begin_run(pipe, arguments, self.mode, place, models, demand)
        run.begin_call()
        run.go_on()
        self._phases = ComponentPhases(run, self._session.guard)
        self._phases.install(models.named())
        self._run, self.is_running = run, True
        if self.is_stopped:
            run.control.stop()

    def _end(self) -> None:
        run, self.is_running = self._run, False
        if self._phases is not None:
            self._phases.remove()
        self._phases = self._final_latents = None
        if run is None:
            return
        run.end_call()
        self._session.console.end_job()

        def deliver() -> None:
            run.job.deliver()
            run.close()
            self.calls_ended += 1
            self._on_end()

        self._session.end_run(run, deliver)

    def _pass_step(
        self, index: int | None, total: int | None, latents: Any, scheduler: Any, is_from_bar: bool
    ) -> None:
        run = self._run
        if run is None:
            return
        followed = run.find_pass(index)
        tensor = latents if isinstance(latents, torch.Tensor) else None
        run.pass_step(followed, index, total, tensor, is_from_bar)
        if tensor is None:
            return
        followed.note_latents(tensor, tuple(tensor.shape))
        launched = followed.ledger.launched
        run.offer_preview(followed, [StepFrame(launched - 1, tensor)], StepDetails(scheduler=scheduler))
        if launched == followed.ledger.total:
            self._final_latents = tensor

    def _is_looked_at(self) -> bool:
        at_s = self._looked_at_s
        return at_s is not None and SYSTEM_CLOCK() - at_s < LOOKING_S

    def _learn(self, pipe: Any, result: Any) -> None:
        """Take over how long the call took, and how its latents look as a picture."""
        run, latents = self._run, self._final_latents
        if run is None or self._is_broken:
            return
        run.job.end_parts()
        self._session.learning.learn(run.job)
        pictures = getattr(result, "images", None)
        channels = channels_of(CallModels(pipe).vae)
        if latents is None or channels is None or not isinstance(pictures, list) or not pictures:
            return
        width_px, height_px = getattr(pictures[0], "size", (0, 0))
        pair = build_pair(latents, pictures, channels, (width_px, height_px) if width_px else None)
        if pair is not None:
            try:
                self._session.projections.learn(name_of(pipe), [pair])
            except LatentShapeError:
                return  # a black picture teaches nothing


class _CallBarSteps(BarSteps):
    """Steps of a bar of a call."""

    def __init__(self, call: FollowedCall, run: PipelineRun) -> None:
        super().__init__()
        self._call = call
        self._run = run

    @property
    def launched(self) -> int | None:
        run = self._call._followed()
        return run.newest_launched if run is not None else None

    def count_step(self) -> bool:
        with self._call._watching("counting a step"):
            self._call.count_bar_step()
            return True
        return False

    def leave_if_wanted(self) -> None:
        self._call.leave_if_wanted()
