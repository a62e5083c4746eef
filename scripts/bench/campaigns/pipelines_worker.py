"""Runs one tiny pipeline under `track` on a slow device, beside what truly happens and what tqdm says."""

from __future__ import annotations

import contextlib
import functools
import statistics
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers
from diffusers.modular_pipelines import modular_pipeline
from diffusers.pipelines import pipeline_utils
from tqdm.auto import tqdm

from bench.tiny_pipelines import TinyPipeline, build
from bench.truth.recorder import CompletionMarks, build_marks
from zluda_sync import track
from zluda_sync.core.records.self_test_report import RungVerdict, SelfTestReport
from zluda_sync.core.steps.policy import SyncMode
from zluda_sync.device.steps.accelerator import accelerator_on
from zluda_sync.device.steps.trust_book import TrustBook
from zluda_sync.pipeline.track_session import session_in

#: What each forward takes the device, in seconds.
ENCODE_S, DENOISE_S, DECODE_S = 0.05, 0.06, 0.15
#: A tiny pipeline asks for so few steps that a bar has nothing to go by: so many times more are asked for.
MORE_STEPS = 3
SAMPLE_S = 0.01
#: More steps than this are not queued behind a Stop: the run-ahead, and the one that is being queued.
MOST_STEPS_AFTER_STOP = 2
_PATCHED = ("__call__", "loop_step", "progress_bar")
_OUR_THREADS = ("zluda_sync-reports", "zluda_sync-console")
THREADS_LIMIT_S = 2.0


@dataclass(frozen=True)
class Sample:
    """What could be seen at one moment: our bar, tqdm's own count, and the steps that we tell."""

    before_s: float
    after_s: float
    fraction: float
    own_share: float
    told: int


@dataclass(frozen=True)
class Watched:
    """One call: when it ran, what was seen, when steps were truly finished, how many we have told."""

    began_s: float
    ended_s: float
    samples: list[Sample]
    finished_s: list[float]
    told: int

    def error(self, value: Callable[[Sample], float]) -> float | None:
        """Mean of |value - true share of the time|, None where the call was over at once."""
        total_s = self.ended_s - self.began_s
        errors = [
            abs(value(sample) - (sample.after_s - self.began_s) / total_s)
            for sample in self.samples
            if sample.after_s <= self.ended_s
        ]
        return statistics.fmean(errors) if errors else None

    def leads(self, evaluations: int) -> int:
        """How often we have told of more steps than were finished; each took so many evaluations."""
        return sum(
            sample.told > sum(at_s <= sample.after_s for at_s in self.finished_s) / evaluations
            for sample in self.samples
        )


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


class _Launches:
    """In the place of marks on a device: tells of a step when it is queued."""

    def put(self, on_completed: Callable[[float], None]) -> None:
        """Tell at once."""
        on_completed(time.perf_counter())

    def wait_drained(self) -> None:
        """Nothing is ever pending."""


def measure(name: str) -> dict[str, Any]:
    """Return the row of one pipeline; ``problem`` is empty where all is as it should be."""
    _be_quiet()
    row: dict[str, Any] = {"pipeline": name, "problem": ""}
    try:
        with tempfile.TemporaryDirectory() as folder:
            try:
                _measure_on(_emulated_device(), name, row, folder)
            except Exception:  # noqa: BLE001  torch's assertions and the device's own: it cannot run this one
                row["problem"] = ""
                _measure_on(torch.device("cpu"), name, row, folder)
            session_in(folder)._saver.flush()  # nothing comes into a folder that is gone
    except Exception as error:  # noqa: BLE001  one that fails is a row of the table
        row["problem"] = f"{type(error).__name__}: {error}".splitlines()[0]
    return row


def _measure_on(device: torch.device, name: str, row: dict[str, Any], folder: str) -> None:
    tiny = build(name)
    tiny.pipe.to(device)
    row["device"] = device.type
    _keep_report(device, folder)
    # The first call of a process loads what later ones find loaded.
    evaluations = _count_scheduler_steps(tiny.pipe, tiny.arguments) // tiny.steps
    before = _state_of(tiny.pipe)
    problems, longer = [], _with_more_steps(tiny)
    with _slowed(tiny.pipe, device):
        slowed = _state_of(tiny.pipe)
        for key in ("first_error", "second_error"):
            try:
                watched = _watch_call(longer, device, folder)
            except Exception:  # noqa: BLE001  some are made for a certain number of steps
                longer = tiny
                watched = _watch_call(longer, device, folder)
            row[key] = watched.error(lambda sample: sample.fraction)
            if key == "first_error":
                row["own_error"] = watched.error(lambda sample: sample.own_share)
            steps = len(watched.finished_s) // evaluations
            row["steps"] = f"{watched.told}/{steps}"
            if watched.told != steps:
                problems.append(f"{watched.told} of {steps} steps told")
            elif watched.leads(evaluations):
                problems.append("ahead of the device")
        after_stop = _stop_call(longer, folder)
        row["stop"] = "no" if after_stop is None else f"+{after_stop}"
        if after_stop is None or after_stop > MOST_STEPS_AFTER_STOP:
            problems.append("Stop is late")
        is_undone = slowed == _state_of(tiny.pipe)
    is_undone = is_undone and before == _state_of(tiny.pipe) and not _threads_left()
    row["undone"] = "yes" if is_undone else "no"
    row["problem"] = ", ".join(problems if is_undone else [*problems, "not all undone"])


def _with_more_steps(tiny: TinyPipeline) -> TinyPipeline:
    asked = tiny.arguments.get("num_inference_steps")
    if not isinstance(asked, int):
        return tiny
    return replace(tiny, arguments={**tiny.arguments, "num_inference_steps": MORE_STEPS * asked})


def _keep_report(device: torch.device, folder: str) -> None:
    """Keep what a self-test says of the emulated device: its events tell the truth."""
    accelerator = accelerator_on(device)
    if accelerator is None:
        return
    rungs = (RungVerdict("planted-event", True, cost_s=0.0),)
    book = TrustBook(Path(folder) / "zluda_sync" / "selftest.json", warnings.warn)
    versions = book.versions_of(accelerator)
    report = SelfTestReport(accelerator.name, versions, work_s=0.2, queued_s=0.0, rungs=rungs)
    book.take(accelerator, report)


def _count_scheduler_steps(pipe: Any, arguments: dict[str, Any]) -> int:
    counted: list[float] = []
    with _counted_bars(OwnCount()), _marked_steps(pipe, _Launches(), counted.append):
        pipe(**arguments)
    return len(counted)


def _watch_call(tiny: TinyPipeline, device: torch.device, folder: str) -> Watched:
    marks, finished_s = build_marks(device.type), list[float]()
    samples: list[Sample] = []
    own, is_over, ended_s = OwnCount(), threading.Event(), list[float]()
    with (
        _counted_bars(own),
        _marked_steps(tiny.pipe, marks, finished_s.append),
        track(tiny.pipe, mode=SyncMode.OBSERVE, folder=folder) as job,
    ):

        def look() -> None:
            while not is_over.wait(SAMPLE_S):
                before_s = time.perf_counter()
                progress = job.progress
                fraction = progress.fraction if progress is not None else 0.0
                told, share = _count_told(job), own.share
                samples.append(Sample(before_s, time.perf_counter(), fraction, share, told))

        looking = threading.Thread(target=look, daemon=True)
        looking.start()
        began_s = time.perf_counter()
        try:
            tiny.pipe(**tiny.arguments)
            marks.put(ended_s.append)  # latents that are returned may be under way still
            marks.wait_drained()
        finally:
            is_over.set()
            looking.join()
        for _ in range(100):  # what is told of the last step comes a moment later
            if job.progress is not None and job.progress.fraction == 1.0:
                break
            time.sleep(SAMPLE_S)
        told = _count_told(job)
    return Watched(began_s, ended_s[0], samples, finished_s, told)


def _stop_call(tiny: TinyPipeline, folder: str) -> int | None:
    """Stop a call after its first step; return how many were queued after that, None if it went on."""
    is_first, launched = threading.Event(), 0
    at_press: list[int] = []

    def count(_at_s: float) -> None:
        nonlocal launched
        launched += 1
        is_first.set()

    job = track(tiny.pipe, mode=SyncMode.RUN_AHEAD, folder=folder)

    def press() -> None:
        is_first.wait(30.0)
        at_press.append(_count_launched(job))
        job.stop()

    pressing = threading.Thread(target=press, daemon=True)
    was_stopped = True
    with _counted_bars(OwnCount()), _marked_steps(tiny.pipe, _Launches(), count), job:
        pressing.start()
        tiny.pipe(**tiny.arguments)
        was_stopped = False
    is_first.set()
    pressing.join()
    after = _count_launched(job) - at_press[0]
    return after if was_stopped else None


def _count_told(job: Any) -> int:
    return sum(part.ledger.completed for part in job._call._newest.run.job.passes) if _has_call(job) else 0


def _count_launched(job: Any) -> int:
    return sum(part.ledger.launched for part in job._call._newest.run.job.passes) if _has_call(job) else 0


def _has_call(job: Any) -> bool:
    return job._call._newest is not None


@contextlib.contextmanager
def _counted_bars(own: OwnCount) -> Iterator[None]:
    with contextlib.ExitStack() as undo:
        for module in (pipeline_utils, modular_pipeline):
            undo.callback(setattr, module, "tqdm", module.tqdm)
            module.tqdm = own.bar
        yield


@contextlib.contextmanager
def _marked_steps(pipe: Any, marks: CompletionMarks, tell: Callable[[float], None]) -> Iterator[None]:
    """A context in which a mark is left on the device behind each step of a scheduler of the pipeline."""
    kinds = {type(part) for part in pipe.components.values() if hasattr(part, "set_timesteps")}
    with contextlib.ExitStack() as undo:
        for kind in kinds:
            own_step = kind.step
            undo.callback(setattr, kind, "step", own_step)
            kind.step = _marking(own_step, marks, tell)
        yield


def _marking(own_step: Any, marks: CompletionMarks, tell: Callable[[float], None]) -> Any:
    @functools.wraps(own_step)  # pipelines look at its signature
    def step(*args: Any, **kwargs: Any) -> Any:
        result = own_step(*args, **kwargs)
        marks.put(tell)
        return result

    return step


@contextlib.contextmanager
def _slowed(pipe: Any, device: torch.device) -> Iterator[None]:
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


def _state_of(pipe: Any) -> list[Any]:
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


def _threads_left() -> bool:
    """Whether threads of a block are left, after the moment that the line of a bar takes to end."""
    until_s = time.perf_counter() + THREADS_LIMIT_S
    while any(thread.name in _OUR_THREADS for thread in threading.enumerate()):
        if time.perf_counter() > until_s:
            return True
        time.sleep(SAMPLE_S)
    return False


@functools.cache
def _emulated_device() -> torch.device:
    from modules.emulated_device import install

    device: torch.device = install()
    return device


@functools.cache
def _be_quiet() -> None:
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    diffusers.logging.set_verbosity(diffusers.logging.CRITICAL)
