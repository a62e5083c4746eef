"""What a preview of a step shows: the predicted x0, of the frames that are looked at and of no others.

The predicted x0 is the picture as the model sees it at a step, freed from the noise that is still in it. Raw
latents are noise until late, on distilled models above all. No function here waits for the device: what is a
tensor stays one, sigmas included.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from torch import Tensor

from zluda_sync.core.errors import LatentShapeError
from zluda_sync.core.steps.ledger import Ledger
from zluda_sync.device.preview.frames import few_frames, middle_frame, select_frames
from zluda_sync.device.preview.ring import StepFrame

#: The prediction type of diffusers that needs a formula of its own, under the host's name.
V_PREDICTION = "v_prediction"


@dataclass(frozen=True)
class ShownX0:
    """What is to be shown of a step.

    Attributes:
        x0: (B, C, T, h, w); T is 1 unless a whole clip is looked at.
        kind: two of the same kind take the same kernels.
    """

    x0: Tensor
    kind: Hashable


class ShownX0s:
    """Tells the x0 of one step after the other; used by the thread that queues them, and never waits.

    Where it takes what the step before has left, a copy of that is kept: of what is looked at, one step long.

    Args:
        find_channels: returns C of the VAE that is loaded, None if unknown.
    """

    def __init__(self, find_channels: Callable[[], int | None]) -> None:
        self._find_channels = find_channels
        self._before: tuple[Ledger, StepFrame] | None = None

    def find(
        self,
        ledger: Ledger,
        frame: StepFrame,
        previous: StepFrame | None,
        *,
        is_due: bool,
        size_px: tuple[int, int] | None,
        prediction_type: str,
        scheduler: Any,
        wants_clip: bool,
    ) -> ShownX0 | None:
        """Return what a step shows, None if that is not asked for or cannot be told yet.

        Somebody begins to look in the middle of a pass: what the step before has left was not kept, and the
        next step can tell its x0.

        Args:
            ledger: of the pass.
            frame: what the step left.
            previous: what the step before left, None where that step was told of here, or is none.
            is_due: whether the step gets a preview.
            size_px: width and height of the picture, None if unknown.
            prediction_type: the host's name for what the model predicts.
            scheduler: of the pipeline, None if unknown.
            wants_clip: whether somebody looks at every frame of a video.
        Raises:
            LatentShapeError: no preview can be made of such latents.
        """
        select = partial(self._select, size_px=size_px, wants_clip=wants_clip)
        solved, before = x0_of_solver(scheduler, frame.latents), None
        if solved is None:
            prediction = _select_or_none(select, frame.noise_pred)
            frame = replace(frame, latents=select(frame.latents), noise_pred=prediction)
            if previous is not None:
                before = replace(previous, latents=select(previous.latents))
            elif needs_previous(frame, scheduler):
                before = self._exchange(ledger, frame)
                is_due = is_due and (before is not None or frame.step == 0)
        if not is_due:
            return None
        x0 = select(solved) if solved is not None else predict_x0(frame, before, prediction_type, scheduler)
        return ShownX0(x0, (x0.shape, x0.dtype, solved is None, before is None, prediction_type))

    def forget(self) -> None:
        """Let go of what the last step has left."""
        self._before = None

    def _select(self, latents: Tensor, size_px: tuple[int, int] | None, wants_clip: bool) -> Tensor:
        frames = select_frames(latents, self._find_channels(), size_px)
        return few_frames(frames) if wants_clip else middle_frame(frames).unsqueeze(2)

    def _exchange(self, ledger: Ledger, frame: StepFrame) -> StepFrame | None:
        """Keep a copy of what a step leaves, and return that of the step before it."""
        kept = self._before
        copied = frame.latents.detach().clone()  # the pipeline may go on in the same memory
        self._before = ledger, replace(frame, latents=copied, noise_pred=None)
        if kept is None or kept[0] is not ledger or kept[1].step != frame.step - 1:
            return None
        return kept[1] if kept[1].latents.shape == copied.shape else None


def predict_x0(frame: StepFrame, previous: StepFrame | None, prediction_type: str, scheduler: Any) -> Tensor:
    """Return the predicted x0 of a step in the shape of its latents; those themselves where nothing tells it.

    Args:
        frame: of the step: latents after it, sigmas before and after it, the model's prediction if known.
        previous: of the step before in the same pass, None before the second.
        prediction_type: the host's name for what the model predicts.
        scheduler: of diffusers, None if unknown. Solvers of the DPM family keep the x0 that they have made of
            the prediction.
    """
    latents: Tensor = frame.latents
    kept = x0_of_solver(scheduler, latents)
    if kept is not None:
        return kept
    if frame.sigma is None or frame.sigma_next is None:
        return latents
    prediction = frame.noise_pred
    if isinstance(prediction, Tensor) and prediction.shape == latents.shape:
        if prediction_type == V_PREDICTION:
            return _x0_from_v(latents, prediction, frame.sigma, frame.sigma_next)
        epsilon_x0: Tensor = latents - prediction * frame.sigma_next
        return epsilon_x0
    if previous is None or previous.latents.shape != latents.shape or not needs_previous(frame, scheduler):
        return latents
    # One Euler step goes along the line from x0 through the latents: two points of it give the line.
    slope = (latents - previous.latents) / (frame.sigma_next - frame.sigma)
    line_x0: Tensor = latents - slope * frame.sigma_next
    return line_x0


def _x0_from_v(latents: Tensor, v: Tensor, sigma: Any, sigma_next: Any) -> Tensor:
    """Solve an Euler step for x0: the latents before it are not known, those after it are.

    Source: ``EulerDiscreteScheduler.step`` of diffusers: x0 = -v * s / sqrt(s^2 + 1) + x / (s^2 + 1), and
    x_next = x + (x - x0) / s * (s_next - s).
    """
    reach = (sigma_next - sigma) / sigma
    weight = sigma**2 + 1
    toward_v = -sigma / weight**0.5
    x0: Tensor = (latents + (1 + reach) * weight * toward_v * v) / ((1 + reach) * weight - reach)
    return x0


def needs_previous(frame: StepFrame, scheduler: Any) -> bool:
    """Whether it takes what the step before has left to tell the x0 of a step."""
    if frame.sigma is None or frame.sigma_next is None or not _is_plain_step(scheduler):
        return False
    prediction, shape = frame.noise_pred, frame.latents.shape
    is_told = isinstance(prediction, Tensor) and prediction.shape == shape
    return not is_told and x0_of_solver(scheduler, frame.latents) is None


def x0_of_solver(scheduler: Any, latents: Tensor) -> Tensor | None:
    """Return what a multistep solver keeps as its newest x0, None if it keeps none."""
    config = getattr(scheduler, "config", None)
    keeps_x0 = str(getattr(config, "algorithm_type", "")).endswith("dpmsolver++") or getattr(
        config, "predict_x0", False
    )
    outputs = getattr(scheduler, "model_outputs", None)
    newest = outputs[-1] if keeps_x0 and outputs else None
    return newest if isinstance(newest, Tensor) and newest.shape == latents.shape else None


def _is_plain_step(scheduler: Any) -> bool:
    """Whether a step is one straight line in a space where noise is added: Euler's, without fresh noise."""
    is_euler = type(scheduler).__name__ in ("EulerDiscreteScheduler", "FlowMatchEulerDiscreteScheduler")
    return is_euler and not getattr(getattr(scheduler, "config", None), "stochastic_sampling", False)


def _select_or_none(select: Callable[[Tensor], Tensor], prediction: Any) -> Tensor | None:
    """Return what is shown of a prediction, None where that cannot be told."""
    if not isinstance(prediction, Tensor):
        return None
    try:
        return select(prediction)
    except LatentShapeError:
        return None
