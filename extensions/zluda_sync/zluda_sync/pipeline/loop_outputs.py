"""What the newest step of a loop has left that calls nobody back: told by its scheduler, else by itself."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import FrameType
from typing import Any, TypeGuard

from torch import Tensor

from zluda_sync.device.preview.ring import StepFrame
from zluda_sync.pipeline.scheduler_steps import NewestStep, install_notes, is_scheduler
from zluda_sync.pipeline.step_previews import StepDetails
from zluda_sync.pipeline.ways import Way, find_way

#: What loops without a scheduler call what they compute, the likeliest first.
_LATENTS_NAMES = ("latents", "latent", "sample", "x", "img")
#: What the loop of a modular pipeline calls its state, and who holds its scheduler.
_BLOCK_STATE, _COMPONENTS = "block_state", "components"
#: What schedulers call the picture that the model predicts, if they give it back.
_X0_NAMES = ("pred_original_sample", "denoised")
#: Frames between a loop and its bar that are looked through for a scheduler: a bar may be made by a helper.
_FRAMES = 3
#: Frames of these lie between a loop and what is told of it.
_BETWEEN = ("zluda_sync", "tqdm")
_BAR_METHODS = ("__iter__", "__next__", "update")
_TOLD_WAYS = (Way.STEP_END, Way.LEGACY)


@dataclass(frozen=True)
class LoopOutput:
    """What a step has left. Tensors may still be unwritten.

    Attributes:
        latents: as the loop has them: (B, C, h, w), (B, C, T, h, w) or packed (B, sequence, channels).
        prediction: of the model, None if that is not told.
        x0: the picture that it predicts, in the shape of the latents; None if that is not told.
        scheduler: that made the step, None if none did.
    """

    latents: Tensor
    prediction: Tensor | None = None
    x0: Tensor | None = None
    scheduler: Any = None

    @classmethod
    def from_callback(cls, latents: Any, scheduler: Any) -> LoopOutput | None:
        """Return what a callback was given, None where that is no tensor."""
        return cls(latents, scheduler=scheduler) if isinstance(latents, Tensor) else None

    def build_frames(self, step: int, are_wanted: bool) -> tuple[StepFrame, ...]:
        """Return what previews take, nothing where none are wanted; never waits."""
        if not are_wanted:
            return ()
        if self.x0 is not None:
            return (StepFrame(step, self.x0),)
        sigma, sigma_next = _sigmas_of(self.scheduler)
        return (StepFrame(step, self.latents, self.prediction, sigma, sigma_next),)

    def build_details(self) -> StepDetails:
        """Return what is to be known of its scheduler for a preview."""
        if self.x0 is not None:
            return StepDetails()
        return StepDetails(_prediction_type_of(self.scheduler), self.scheduler)


class LoopOutputs:
    """Remembers what the newest step of one loop has left, until the loop's bar moves. Used on its thread.

    A loop that calls back is left alone, until its bar tells of a step that no callback has told of.

    Args:
        owner: whose bar it is: a pipeline, or a block of one.
    """

    def __init__(self, owner: Any) -> None:
        self._owner = owner
        self._newest = NewestStep()
        self._undo: list[Callable[[], None]] = []
        self._has_begun = False
        if find_way(type(owner)) not in _TOLD_WAYS:
            self._begin()

    def take(self) -> LoopOutput | None:
        """Return what the step has left that was just queued, None if nothing tells; it is kept no more."""
        told = self._newest.take()
        output = _read_told(*told) if told is not None else None
        if not self._has_begun:
            self._begin()
        return output or _read_loop()

    def end(self) -> None:
        """The loop is over: let go of what it has left, and leave its schedulers as they were.

        If its bar moves all the same, it goes on.
        """
        self._newest.close()
        while self._undo:
            self._undo.pop()()
        self._has_begun = False

    def _begin(self) -> None:
        self._has_begun = True
        self._newest = NewestStep()
        for scheduler in _find_schedulers(self._owner):
            self._undo.append(install_notes(scheduler, self._newest))


def _find_schedulers(owner: Any) -> list[Any]:
    """Return the schedulers of a loop: its owner's, else those in the frames that lead to its bar."""
    found = list(_schedulers_in(getattr(owner, "__dict__", {})))
    for frame in _frames_of_loop() if not found else ():
        namespace = _peek(frame, None)
        held = getattr(namespace.get(_COMPONENTS), "__dict__", {})
        found = list(_schedulers_in(held)) or list(_schedulers_in(namespace))
        if found:
            break
    return list({id(one): one for one in found}.values())


def _schedulers_in(namespace: dict[str, Any]) -> Iterator[Any]:
    return filter(is_scheduler, tuple(namespace.values()))


def _frames_of_loop() -> Iterator[FrameType]:
    """Yield the frames of the code that makes a bar or moves it, the innermost first."""
    frame: FrameType | None = sys._getframe(1)
    count = 0
    while frame is not None and count < _FRAMES:
        is_between = frame.f_globals.get("__name__", "").partition(".")[0] in _BETWEEN
        if not is_between and frame.f_code.co_name not in _BAR_METHODS:
            count += 1
            yield frame
        frame = frame.f_back


def _peek(frame: FrameType, names: tuple[str, ...] | None) -> dict[str, Any]:
    """Return local variables of a frame, all for None, and have the frame keep no copy of them."""
    namespace = frame.f_locals
    if names is None:
        found = dict(namespace)
    else:
        found = {name: namespace[name] for name in names if name in namespace}
    # Before Python 3.13 a frame keeps what was read, tensors too, until it is read again. Not where somebody
    # else holds it, and not where it is the namespace itself, as in a module.
    is_copy = isinstance(namespace, dict) and frame.f_code.co_flags & inspect.CO_OPTIMIZED
    if is_copy and sys.getrefcount(namespace) <= _REFERENCES:
        namespace.clear()
    return found


#: To what a frame has made for us alone: its own, ours, and that of whoever counts them.
_REFERENCES = 3


def _read_told(scheduler: Any, prediction: Any, output: Any) -> LoopOutput | None:
    if isinstance(output, (tuple, list)) and not hasattr(output, "prev_sample"):
        latents = output[0] if output else None
    else:
        latents = getattr(output, "prev_sample", output)
    if not _are_latents(latents):
        return None
    prediction = prediction if _is_like(prediction, latents) else None
    given = (getattr(output, name, None) for name in _X0_NAMES)
    x0 = next((one for one in given if _is_like(one, latents)), None)
    if x0 is None and _prediction_type_of(scheduler) == "sample":
        x0 = prediction
    return LoopOutput(latents, prediction, x0, scheduler)


def _read_loop() -> LoopOutput | None:
    """Read the latents of a loop without a scheduler from its variables."""
    for frame in _frames_of_loop():
        variables = _peek(frame, (_BLOCK_STATE, *_LATENTS_NAMES))
        held = getattr(variables.get(_BLOCK_STATE), "latents", None)
        for latents in (held, *(variables.get(name) for name in _LATENTS_NAMES)):
            if _are_latents(latents):
                return LoopOutput(latents)
        return None  # only the one that moves the bar
    return None


def _are_latents(value: Any) -> TypeGuard[Tensor]:
    """Whether something is what a loop may compute: pictures, films, packed ones; no embeddings or tokens."""
    return isinstance(value, Tensor) and 3 <= value.ndim <= 5 and value.is_floating_point()


def _is_like(value: Any, latents: Tensor) -> bool:
    return isinstance(value, Tensor) and value.shape == latents.shape


def _prediction_type_of(scheduler: Any) -> str:
    return str(getattr(getattr(scheduler, "config", None), "prediction_type", "") or "")


def _sigmas_of(scheduler: Any) -> tuple[Any, Any]:
    """Return the noise levels before and after the newest step, None where latents are not x0 plus noise."""
    held = getattr(scheduler, "__dict__", {})
    sigmas, index = held.get("sigmas"), held.get("_step_index")
    # Solvers that turn a noise level into a signal's share and a noise's scale their latents by the former.
    if hasattr(type(scheduler), "_sigma_to_alpha_sigma_t") or not isinstance(sigmas, Tensor):
        return None, None
    if not isinstance(index, int) or not 0 < index < len(sigmas):
        return None, None
    return sigmas[index - 1], sigmas[index]
