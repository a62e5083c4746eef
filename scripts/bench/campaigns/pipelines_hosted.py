"""Runs one tiny pipeline under the hooks of the host ring, in the embedded host, on the same slow device."""

from __future__ import annotations

import contextlib
import inspect
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch

from bench.campaigns.pipelines_setup import Launches, OwnCount, TrueLatents, counted_bars, marked_steps
from bench.tiny_pipelines import TinyPipeline
from zluda_sync.core.settings.settings import FIELDS

SAMPLE_S = 0.01
#: Longest wait for the device to finish what a call has queued, and for the first step, in seconds.
LIMIT_S = 30.0


def measure_hosted(tiny: TinyPipeline, device: torch.device, folder: str, evaluations: int) -> dict[str, Any]:
    """Return what the host ring tells of a call, and of one that is stopped after its first step.

    Args:
        tiny: the pipeline, on the device.
        device: that the host says it computes on.
        folder: where the host keeps what it has learned; a self-test's report on the device is there.
        evaluations: how often the scheduler is asked in one step.
    """
    counted: list[float] = []
    with _embedded_host(tiny, device, folder) as session:
        latents, previews = TrueLatents(), _Looks(session)
        with latents.recorded(tiny.pipe), marked_steps(tiny.pipe, Launches(), counted.append), previews:
            told = _generate(session, tiny)
        steps = len(counted) // evaluations if counted else tiny.steps
        after_stop = _stop(session, tiny)
    return {
        "host_steps": f"{told}/{steps}",
        "host_latents": f"{latents.true}/{latents.told}",
        "host_preview": str(previews.seen) if previews.seen else "no",
        "host_stop": "no" if after_stop is None else f"+{after_stop}",
    }


class _Looks:
    """Looks at the previews of the session's job, as a page does, while the context lasts."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self._is_over = threading.Event()
        self._looking = threading.Thread(target=self._look, daemon=True)
        self.seen = 0

    def __enter__(self) -> None:
        self._session._previews.look()
        self._looking.start()

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._looking.join()

    def _look(self) -> None:
        newest = None
        while not self._is_over.wait(SAMPLE_S):
            preview = self._session._previews.look()
            if preview is not None and preview.number != newest:
                newest = preview.number
                self.seen += 1


@contextlib.contextmanager
def _embedded_host(tiny: TinyPipeline, device: torch.device, folder: str) -> Iterator[Any]:
    """A context in which the embedded host makes pictures by a pipeline, followed by a session of ours."""
    from modules import devices, paths, processing_callbacks, processing_diffusers, shared
    from zluda_sync.host.sdnext import SdNext
    from zluda_sync.host.session import Session

    def process_diffusers(_p: Any) -> list[Any]:
        for title in ("Base", "Inference"):
            shared.state.begin(title)
        tiny.pipe(**tiny.arguments, **_find_callbacks(tiny.pipe))
        return []

    # On the CPU a device of torch's own module stands for what SD.Next computes on.
    replaced = (
        (devices, "backend", "zluda" if device.type != "cpu" else "cpu"),
        (devices, "device", device),
        (paths, "data_path", str(Path(folder))),
        (shared, "sd_model", tiny.pipe),
        (processing_callbacks, "p", SimpleNamespace()),
        (processing_diffusers, "process_diffusers", process_diffusers),
    )
    with contextlib.ExitStack() as undo:
        undo.enter_context(counted_bars(OwnCount()))
        for module, name, value in replaced:
            undo.callback(setattr, module, name, getattr(module, name, None))
            setattr(module, name, value)
        undo.callback(shared.opts.data.clear)
        shared.opts.data.update({FIELDS.enabled.option: True, FIELDS.mode.option: "run-ahead"})
        session = Session(SdNext())
        undo.callback(session.close)
        yield session


def _find_callbacks(pipe: Any) -> dict[str, Any]:
    """Return the callbacks that the host gives to a pipeline, none where it takes none."""
    from modules import processing_args

    possible = inspect.signature(type(pipe).__call__).parameters
    if "callback_on_step_end" in possible:
        return {"callback_on_step_end": processing_args.diffusers_callback}
    if "callback" in possible and "callback_steps" in possible:
        return {"callback": processing_args.diffusers_callback_legacy, "callback_steps": 1}
    return {}


def _generate(session: Any, tiny: TinyPipeline) -> int:
    """Have a picture made; return the steps that are told as finished once it is."""
    from modules import processing_diffusers, shared

    shared.state.begin("Process")
    size = {side: tiny.arguments[side] for side in ("width", "height") if side in tiny.arguments}
    session.begin_job(SimpleNamespace(**size))
    try:
        processing_diffusers.process_diffusers(SimpleNamespace(**size))
        passes = session._jobs.current.job.passes
        for part in passes:
            part.ledger.wait_completed(part.ledger.launched - 1, LIMIT_S)
        return sum(part.ledger.completed for part in passes)
    finally:
        session.end_job()
        shared.state.end()


def _stop(session: Any, tiny: TinyPipeline) -> int | None:
    """Press Stop after the first step; return how many were queued after that, None if it went on."""
    from modules import shared

    at_press: list[int] = []
    launched: list[float] = []
    is_first = threading.Event()

    def count(at_s: float) -> None:
        launched.append(at_s)
        is_first.set()

    def press() -> None:
        if is_first.wait(LIMIT_S):
            at_press.append(len(launched))
            shared.state.interrupt()

    pressing = threading.Thread(target=press, daemon=True)
    pressing.start()
    with marked_steps(tiny.pipe, Launches(), count):
        _generate(session, tiny)
    is_first.set()
    pressing.join()
    return len(launched) - at_press[0] if at_press and launched else None
