"""The predicted x0: the picture as the model sees it at a step, freed from the noise that is still in it.

Raw latents are noise until late, on distilled models above all. No function here waits for the device: what
is a tensor stays one, sigmas included.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

from zluda_sync.device.preview.ring import StepFrame

#: Prediction types of diffusers under the host's names.
FLOW, V_PREDICTION = "flow_prediction", "v_prediction"


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
