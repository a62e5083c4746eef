"""What is put around a tiny pipeline while it is measured: slow models, marks, and what truly happens."""

from __future__ import annotations

import contextlib
import functools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import torch
from diffusers.modular_pipelines import modular_pipeline
from diffusers.pipelines import pipeline_utils
from tqdm.auto import tqdm

from bench.truth.recorder import CompletionMarks
from zluda_sync.pipeline.loop_outputs import LoopOutputs
from zluda_sync.pipeline.passes import FollowedPass

#: What each forward takes the device, in seconds.
ENCODE_S, DENOISE_S, DECODE_S = 0.05, 0.06, 0.15
_PATCHED = ("__call__", "loop_step", "progress_bar")


class OwnCount:
    """What the pipeline's bars would say by themselves."""

    def __init__(self) -> None:
        self.share = 0.0

    def bar(self, *args: Any, **kwargs: Any) -> Any:
        """Return a bar that is not drawn."""
        count = self

        class Counted(tqdm):  # type: ignore[misc]
            moved = 0.0

            def _move(self, steps: float) -> None:
                self.moved += steps
                count.share = min(1.0, self.moved / self.total) if self.total else 0.0

            def update(self, n: float | None = 1) -> Any:
                self._move(n or 0)
                return super().update(n)

            def __iter__(self) -> Any:
                for item in self.iterable:
                    yield item
                    self._move(1)

        self.share = 0.0
        return Counted(*args, **{**kwargs, "disable": True})


class Launches:
    """In the place of marks on a device: tells of a step when it is queued."""

    def put(self, on_completed: Callable[[float], None]) -> None:
        """Tell at once."""
        on_completed(time.perf_counter())

    def wait_drained(self) -> None:
        """Nothing is ever pending."""


@contextlib.contextmanager
def counted_bars(own: OwnCount) -> Iterator[None]:
    """A context in which the bars of pipelines are counted, and drawn nowhere."""
    with contextlib.ExitStack() as undo:
        for module in (pipeline_utils, modular_pipeline):
            undo.callback(setattr, module, "tqdm", module.tqdm)
            module.tqdm = own.bar
        yield


@contextlib.contextmanager
def marked_steps(pipe: Any, marks: CompletionMarks, tell: Callable[[float], None]) -> Iterator[None]:
    """A context in which a mark is left on the device behind each step of a scheduler of the pipeline."""
    with contextlib.ExitStack() as undo:
        for kind, name in _find_steps(pipe):
            own_step = getattr(kind, name)
            undo.callback(setattr, kind, name, own_step)
            setattr(kind, name, _marking(own_step, marks, tell))
        yield


def _marking(own_step: Any, marks: CompletionMarks, tell: Callable[[float], None]) -> Any:
    @functools.wraps(own_step)  # pipelines look at its signature
    def step(*args: Any, **kwargs: Any) -> Any:
        result = own_step(*args, **kwargs)
        marks.put(tell)
        return result

    return step


@contextlib.contextmanager
def slowed(pipe: Any, device: torch.device) -> Iterator[None]:
    """A context in which the models of a pipeline take their time."""
    with contextlib.ExitStack() as undo:
        for module, seconds in _find_work(pipe):
            if device.type == "cpu":
                handle: Any = module.register_forward_pre_hook(functools.partial(_sleep, seconds))
            else:
                from modules.emulated_device import slow_down

                handle = slow_down(module, functools.partial(_take, seconds), "work")
            undo.callback(handle.remove)
        yield


def _find_work(pipe: Any) -> Iterator[tuple[torch.nn.Module, float]]:
    for name, component in pipe.components.items():
        if not isinstance(component, torch.nn.Module):
            continue
        decoder = getattr(component, "decoder", None)
        if "encoder" in name:
            yield component, ENCODE_S
        elif isinstance(decoder, torch.nn.Module):
            yield decoder, DECODE_S
        else:
            yield component, DENOISE_S


def _sleep(seconds: float, *_: Any) -> None:
    time.sleep(seconds)


def _take(seconds: float, *_: Any) -> float:
    return seconds


def state_of(pipe: Any) -> list[Any]:
    """What tracking changes of a pipeline while it lasts; a call itself leaves figures of its own there."""
    state: list[Any] = [type(pipe), repr(getattr(pipe, "_progress_bar_config", None))]
    for component in pipe.components.values():
        if isinstance(component, torch.nn.Module):
            state += [
                (tuple(module._forward_hooks), tuple(module._forward_pre_hooks))
                for module in component.modules()
            ]
    waiting = [pipe, getattr(pipe, "_blocks", None)]
    while waiting:
        one = waiting.pop()
        state.append([name for name in _PATCHED if name in getattr(one, "__dict__", {})])
        waiting += list((getattr(one, "sub_blocks", None) or {}).values())
    return state


@dataclass
class TrueLatents:
    """Compares what we take for the latents of each step with what the pipeline's schedulers have given.

    Attributes:
        possible: how often a scheduler has given what may be a picture or a film; embeddings are none.
        told: latents that were told of so far.
        true: how many of these were what a scheduler had given last, to the bit.
    """

    possible: int = 0
    told: int = 0
    true: int = 0
    _newest: Any = field(default=None, repr=False)

    @contextlib.contextmanager
    def recorded(self, pipe: Any) -> Iterator[None]:
        """A context in which that is done for a pipeline."""
        followed_passes: Any = FollowedPass
        note = followed_passes.note_latents

        def noted(followed: FollowedPass, latents: Any, shape: tuple[int, ...]) -> None:
            self.told += 1
            newest = self._newest
            self.true += latents is newest or (
                isinstance(newest, torch.Tensor)
                and latents.shape == newest.shape
                and torch.equal(latents, newest)
            )
            note(followed, latents, shape)

        with contextlib.ExitStack() as undo:
            for kind, name in _find_steps(pipe):
                own_step = getattr(kind, name)
                undo.callback(setattr, kind, name, own_step)
                setattr(kind, name, self._recording(own_step))
            undo.callback(setattr, followed_passes, "note_latents", note)
            followed_passes.note_latents = noted
            yield

    def _recording(self, own_step: Any) -> Any:
        @functools.wraps(own_step)
        def step(*args: Any, **kwargs: Any) -> Any:
            output = own_step(*args, **kwargs)
            newest = output[0] if isinstance(output, tuple) else output
            self._newest = getattr(newest, "prev_sample", newest)
            self.possible += 3 <= self._newest.ndim <= 5
            return output

        return step


def _find_steps(pipe: Any) -> list[tuple[Any, str]]:
    """Return class and name of what makes the steps: its schedulers', or a stand-in's own without any."""
    kinds = {type(part) for part in pipe.components.values() if hasattr(part, "set_timesteps")}
    return [(kind, "step") for kind in kinds] or [(type(pipe), "advance")]


class _Sampler:
    """A scheduler that does nothing."""

    def set_timesteps(self, steps: int) -> None:
        """Take nothing."""

    def step(self, _prediction: Any, _timestep: Any, sample: Any) -> tuple[Any]:
        """Return what was given."""
        return (sample,)


def measure_listening_us(calls: int = 20_000) -> float:
    """Return how much longer a scheduler's step takes, with what the bar's move takes to fetch it."""
    pipe, latents, took_s = SimpleNamespace(scheduler=_Sampler()), torch.zeros(1, 4, 8, 8), list[float]()
    outputs = LoopOutputs(pipe)
    for take in (outputs.take, lambda: None):
        began_s = time.perf_counter()
        for _ in range(calls):
            pipe.scheduler.step(latents, 0, latents)
            take()
        took_s.append(time.perf_counter() - began_s)
        outputs.end()
    return 1e6 * (took_s[0] - took_s[1]) / calls
