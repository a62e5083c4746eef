"""The calls of one tracked pipeline, one after another: each is followed as a job of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from PIL import Image

from zluda_sync.core.clock import SYSTEM_CLOCK
from zluda_sync.core.guard import Watch
from zluda_sync.core.progress.snapshot import ProgressSnapshot
from zluda_sync.core.steps.policy import SyncMode
from zluda_sync.device.preview.queue import JobPreviews
from zluda_sync.pipeline.call_shape import CallPlace, count_loop_steps, find_size_px
from zluda_sync.pipeline.component_phases import CallModels, ComponentPhases
from zluda_sync.pipeline.console.bar import BarSteps
from zluda_sync.pipeline.loop_outputs import LoopOutput, LoopOutputs
from zluda_sync.pipeline.pictures import NewestPicture, is_on_device
from zluda_sync.pipeline.run import PipelineRun
from zluda_sync.pipeline.step_previews import PreviewDemand
from zluda_sync.pipeline.track_session import TrackSession

#: Somebody looks if a preview was asked for within this time, in seconds.
LOOKING_S = 5.0
#: In the place of a result: the call has failed, was stopped, or is followed no more.
_NONE = object()


@dataclass(eq=False)
class _Call:
    """One call. Changed by its thread alone, and once more by whoever sees the device finish it.

    Attributes:
        phases: hooks on its components, None if only its loop is followed.
        is_broken: whether following it has failed.
        has_ended: whether it has returned, or is followed no more.
        final_latents: what its newest loop has left, None before that is over.
        final: its progress once there is no more to come.
    """

    pipe: Any
    run: PipelineRun
    place: CallPlace
    phases: ComponentPhases | None
    is_broken: bool = False
    has_ended: bool = False
    final_latents: torch.Tensor | None = None
    final: ProgressSnapshot | None = None

    @property
    def previews(self) -> JobPreviews | None:
        """Its previews, None if they are kept no more."""
        return self.run.previews.queue if self.final is None and self.run.previews is not None else None


class FollowedCall:
    """What a pipeline's hooks tell; keeps the newest call, and answers for it. No error of ours gets out.

    Args:
        session: shared by all tracked pipelines.
        mode: when to wait, None to go by the self-test.
        on_end: called when the device has finished a call, on any thread.

    Attributes:
        calls_ended: calls that the device has finished so far.
    """

    def __init__(self, session: TrackSession, mode: SyncMode | None, on_end: Callable[[], None]) -> None:
        self.mode = mode
        self.is_stopped = False
        self.calls_ended = 0
        self._session = session
        self._on_end = on_end
        self._console = session.make_console()
        self._newest: _Call | None = None
        self._is_closed = False
        self._looked_at_s: float | None = None
        self._picture = NewestPicture()
        self._calling = threading.Lock()
        self._lock = threading.Lock()

    # What the hooks tell.

    def call(self, pipe: Any, run: Callable[[], Any], arguments: dict[str, Any]) -> Any:
        """Follow a call; one within another is a part of that, and one beside another goes unfollowed."""
        if self._is_closed or not self._calling.acquire(blocking=False):
            return run()
        call = None
        try:
            with self._session.guard.watching("following a call"):
                call = self.begin(pipe, arguments)
            if call is not None:
                call.run.leave_if_wanted()
            result = run()
        except BaseException:
            self._end(call)
            raise
        else:
            self._end(call, result)
        finally:
            self._calling.release()
        return result

    def pass_step(self, index: int | None, total: int | None, latents: Any, scheduler: Any) -> None:
        """A step was queued."""
        call = self._followed()
        if call is not None:
            with self._watching(call, "following a step"):
                _pass_step(call, index, total, LoopOutput.from_callback(latents, scheduler))

    def leave_if_wanted(self) -> None:
        """Leave the call if it was stopped."""
        call = self._followed()
        if call is not None:
            call.run.leave_if_wanted()

    def wrap_bar(self, pipe: Any, build: Callable[[], Any]) -> Any:
        """Return what the pipeline moves in the place of its bar."""
        call = self._followed()
        if call is None:
            return build()
        run = call.run
        bar, outputs = self._console.make(pipe, build, is_ours=True), None
        with self._watching(call, "announcing a denoising loop"):
            if call.phases is not None:
                call.phases.note_loop()
            if run.newest_launched or run.newest_pass is None:  # else this bar lies within the one before
                run.go_on()
                call.place.loops += 1
            outputs = LoopOutputs(pipe)
            run.announce_loop(count_loop_steps(pipe, bar), outputs)
        steps = _CallBarSteps(self, call, outputs)
        return self._console.follow(bar, steps, lambda: run.newest_ledger, lambda: not call.is_broken)

    # What is asked. Any thread.

    @property
    def is_followed(self) -> bool:
        """Whether a call runs."""
        return self._newest is not None and not self._newest.has_ended

    @property
    def is_running(self) -> bool:
        """Whether a call runs, or the device is still busy with it."""
        call = self._newest
        return call is not None and call.final is None

    @property
    def progress(self) -> ProgressSnapshot | None:
        """Progress of the newest call, None before the first."""
        call = self._newest
        return None if call is None else call.final or call.run.snapshot()

    def stop(self) -> None:
        """End the call that runs, or the next one."""
        self.is_stopped = True
        call = self._newest
        if call is not None and not call.has_ended:
            call.run.control.stop()

    def preview(self) -> Image.Image | None:
        """Return the picture of the newest finished step."""
        self._looked_at_s = SYSTEM_CLOCK()
        call = self._newest
        return self._picture.take(call.previews if call is not None else None)

    def close(self) -> None:
        """The pipeline is tracked no more; what is still queued is let run."""
        self._is_closed = True
        self.end()

    def end(self, is_whole: bool = False) -> None:
        """The newest call is followed no more, whether or not it has come to its end."""
        self._end(self._newest, None if is_whole else _NONE)

    # On the thread of the call.

    def begin(self, pipe: Any, arguments: dict[str, Any] | None) -> _Call:
        """A call begins; without its arguments its loop alone is followed, and it cannot be left."""
        place, models = CallPlace(find_size_px(pipe, arguments or {})), CallModels(pipe)
        demand = PreviewDemand(self._is_looked_at)
        run = self._session.begin_run(pipe, arguments, self.mode, place, models, demand)
        phases = ComponentPhases(run, self._session.guard) if arguments is not None else None
        call = _Call(pipe, run, place, phases)
        try:
            if phases is not None:
                run.begin_call()
                run.go_on()
                phases.install(models.named())
        except Exception:
            self._end(call)
            raise
        self._picture.forget()
        self._newest = call
        if self.is_stopped:
            run.control.stop()
        return call

    def _followed(self) -> _Call | None:
        """The call of the calling thread, None if it has none that is followed."""
        call = self._newest
        if call is None or call.has_ended or call.is_broken or not call.run.is_driver():
            return None
        return call

    def _watching(self, call: _Call, what: str) -> Watch:
        return self._session.guard.watching(what, lambda _error: setattr(call, "is_broken", True))

    def _end(self, call: _Call | None, result: Any = _NONE) -> None:
        """A call has returned, or has come to nothing."""
        if call is None:
            return
        with self._lock:
            if call.has_ended:
                return
            call.has_ended = True
        with self._session.guard.watching("ending a call"):
            if call.phases is not None:
                call.phases.remove()
                call.run.end_call()
            call.run.let_go_of_models()
            ledger = call.run.newest_ledger
            if call.is_broken or ledger is None or ledger.is_drained:
                self._console.end_job()  # else the lines end by themselves, with the device
        has_failed = result is _NONE or call.is_broken
        failed_at = replace(call.run.snapshot(), eta_s=None, eta_spread_s=None) if has_failed else None

        def finish() -> None:
            with self._session.guard.watching("ending a call"):
                self._finish(call, result, failed_at)

        last_mark = None
        with self._session.guard.watching("leaving a mark behind a call"):
            last_mark = call.run.leave_last_mark() if is_on_device(result) else None
        self._session.end_run(call.run, last_mark, finish, waits=not call.is_broken)

    def _finish(self, call: _Call, result: Any, failed_at: ProgressSnapshot | None) -> None:
        """The device has finished a call: learn from it, and let go of it."""
        run = call.run
        if failed_at is None:
            if call.phases is not None:
                with self._session.guard.watching("learning from a call"):
                    self._session.learn(call.pipe, run.job, call.final_latents, result)
            run.job.deliver()
        with self._session.guard.watching("keeping the last preview"):
            if call is self._newest:
                self._picture.take(call.previews)
        call.final, call.final_latents = failed_at or run.snapshot(), None
        if run.previews is not None:
            run.previews.close()
        run.close()
        self.calls_ended += 1
        self._on_end()

    def _is_looked_at(self) -> bool:
        at_s = self._looked_at_s
        return at_s is not None and SYSTEM_CLOCK() - at_s < LOOKING_S


def _pass_step(
    call: _Call, index: int | None, total: int | None, output: LoopOutput | None, is_from_bar: bool = False
) -> None:
    run = call.run
    followed = run.find_pass(index)
    run.pass_step(followed, index, total, output.latents if output is not None else None, is_from_bar)
    if output is None:
        return
    followed.note_latents(output.latents, tuple(output.latents.shape))
    frames = output.build_frames(followed.ledger.launched - 1, are_wanted=run.are_previews_wanted)
    run.offer_preview(followed, frames, output.build_details())
    if followed.ledger.launched == followed.ledger.total:
        call.final_latents = output.latents


class _CallBarSteps(BarSteps):
    """Steps of a bar of a call."""

    def __init__(self, calls: FollowedCall, call: _Call, outputs: LoopOutputs | None) -> None:
        super().__init__(outputs)
        self._calls = calls
        self._call = call

    @property
    def launched(self) -> int | None:
        return self._call.run.newest_launched if self._calls._followed() is self._call else None

    def count_step(self) -> bool:
        with self._calls._watching(self._call, "counting a step"):
            output = self.outputs.take() if self.outputs is not None else None
            _pass_step(self._call, None, None, output, is_from_bar=True)
            return True
        return False

    def leave_if_wanted(self) -> None:
        if self._calls._followed() is self._call:
            self._calls.leave_if_wanted()
