"""What others do for a true bar, or for none, around the jobs of the embedded host.

Each is a context; where it has a bar of its own, it gives what a client would ask for that: a function that
takes the host's question and answers with `progress`, `eta`, `step`, `steps` and `job`.
"""

from __future__ import annotations

import contextlib
import functools
import io
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

#: How often the thread of `polled_events` asks.
POLL_PERIOD_S = 0.01

Endpoint = Callable[[Any], Any]


@contextlib.contextmanager
def syncing_attention() -> Iterator[None]:
    """A context in which the host waits for the device in every attention call, as split ones do."""
    import torch
    from diffusers.models.attention_processor import Attention

    from modules import devices, shared

    synchronize = torch.get_device_module(devices.device).synchronize

    def wait(_module: Any, _args: Any, _output: Any) -> None:
        synchronize()

    attentions = [part for part in shared.sd_model.unet.modules() if isinstance(part, Attention)]
    hooks = [part.register_forward_hook(wait) for part in attentions]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


@contextlib.contextmanager
def tqdm_alone() -> Iterator[Endpoint]:
    """A context in which pipelines have tqdm's own bar, as in a script: one a call, by queued steps."""
    from tqdm import tqdm

    bars: list[Any] = []

    def make(total: int) -> Any:
        bars.append(tqdm(total=total, file=io.StringIO(), disable=False))
        return bars[-1]

    def answer(_question: Any) -> Any:
        if not bars:
            return _shown(0, 0, None)
        told = bars[-1].format_dict
        rate = told["rate"] or (told["n"] / told["elapsed"] if told["n"] else None)
        return _shown(told["n"], told["total"], (told["total"] - told["n"]) / rate if rate else None)

    with _bars_made_by(make):
        yield answer


@contextlib.contextmanager
def polled_events() -> Iterator[Endpoint]:
    """A context with an event for each step and a thread polls the oldest; one bar a call, of what is done.

    The remaining time is that of the mean step.
    """
    import torch

    from modules import devices

    event_class = torch.get_device_module(devices.device).Event
    bars: list[_EventBar] = []

    def make(total: int) -> Any:
        bars.append(_EventBar(total, event_class))
        return bars[-1]

    def answer(_question: Any) -> Any:
        if not bars:
            return _shown(0, 0, None)
        bar = bars[-1]
        done, elapsed_s = bar.done, time.perf_counter() - bar.began_s
        return _shown(done, bar.total, elapsed_s / done * (bar.total - done) if done else None)

    try:
        with _bars_made_by(make):
            yield answer
    finally:
        for bar in bars:
            bar.end()


class _EventBar:
    """In the place of a pipeline's bar: counts steps that the device has finished."""

    def __init__(self, total: int, event_class: Any) -> None:
        self.total = total
        self.done = 0
        self.began_s = time.perf_counter()
        self._event_class = event_class
        self._pending: deque[Any] = deque()
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._poll, name="polled events", daemon=True)

    def __enter__(self) -> _EventBar:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        """The loop has queued everything; the thread goes on until that is done."""

    def update(self, steps: int = 1) -> None:
        event = self._event_class()
        event.record()
        self._pending.append(event)

    def end(self) -> None:
        self._is_over.set()
        self._thread.join()

    def _poll(self) -> None:
        while not self._is_over.wait(POLL_PERIOD_S) and self.done < self.total:
            while self._pending and self._pending[0].query():
                self._pending.popleft()
                self.done += 1


@contextlib.contextmanager
def _bars_made_by(make: Callable[[int], Any]) -> Iterator[None]:
    from diffusers import DiffusionPipeline

    original = DiffusionPipeline.progress_bar

    @functools.wraps(original)
    def progress_bar(_pipe: Any, iterable: Any = None, total: int | None = None) -> Any:
        return make(total or 0)

    DiffusionPipeline.progress_bar = progress_bar
    try:
        yield
    finally:
        DiffusionPipeline.progress_bar = original


def _shown(step: int, steps: int, eta_s: float | None) -> Any:
    progress = step / steps if steps else 0.0
    return SimpleNamespace(progress=progress, eta=eta_s, step=step, steps=steps, job="", live_preview=None)
