"""Runs one tiny pipeline under `track` on a slow device, beside what truly happens and what tqdm says."""

from __future__ import annotations

import functools
import statistics
import tempfile
import threading
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers

from bench.campaigns.pipelines_hosted import measure_hosted
from bench.campaigns.pipelines_setup import (
    Launches,
    OwnCount,
    TrueLatents,
    counted_bars,
    marked_steps,
    slowed,
    state_of,
)
from bench.tiny_pipelines import TinyPipeline, build
from bench.truth.recorder import build_marks
from zluda_sync import track
from zluda_sync.core.records.self_test_report import RungVerdict, SelfTestReport
from zluda_sync.core.steps.policy import SyncMode
from zluda_sync.device.steps.accelerator import accelerator_on
from zluda_sync.device.steps.trust_book import TrustBook
from zluda_sync.pipeline.track_session import session_in
from zluda_sync.pipeline.ways import Way, find_way

#: A tiny pipeline asks for so few steps that a bar has nothing to go by: so many times more are asked for.
MORE_STEPS = 3
SAMPLE_S = 0.01
#: More steps than this are not queued behind a Stop: the run-ahead, and the one that is being queued.
MOST_STEPS_AFTER_STOP = 2
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
    way = find_way(type(tiny.pipe))
    row["way"] = way.value
    _keep_report(device, folder)
    # The first call of a process loads what later ones find loaded.
    evaluations = _count_scheduler_steps(tiny.pipe, tiny.arguments) // tiny.steps
    before = state_of(tiny.pipe)
    problems, longer = [], _with_more_steps(tiny)
    with slowed(tiny.pipe, device):
        when_slow = state_of(tiny.pipe)
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
        latents, row["preview"] = _look_at_previews(longer, folder)
        row["latents"] = f"{latents.true}/{latents.told}"
        if way in (Way.BAR, Way.BLOCKS):  # which the host's own hooks follow otherwise
            # Blocks may change what their scheduler has given before the step is over.
            if latents.told != latents.possible // evaluations:
                problems.append(f"latents of {latents.told} steps")
            elif way is Way.BAR and latents.true != latents.told:
                problems.append("latents of another step")
            if device.type != "cpu":  # where the host's hooks are not put on
                row |= measure_hosted(longer, device, folder, evaluations)
                problems += _problems_in_host(row)
        is_undone = when_slow == state_of(tiny.pipe)
    is_undone = is_undone and before == state_of(tiny.pipe) and not _threads_left()
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
    with counted_bars(OwnCount()), marked_steps(pipe, Launches(), counted.append):
        pipe(**arguments)
    return len(counted)


def _watch_call(tiny: TinyPipeline, device: torch.device, folder: str) -> Watched:
    marks, finished_s = build_marks(device.type), list[float]()
    samples: list[Sample] = []
    own, is_over, ended_s = OwnCount(), threading.Event(), list[float]()
    with (
        counted_bars(own),
        marked_steps(tiny.pipe, marks, finished_s.append),
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


def _problems_in_host(row: dict[str, Any]) -> list[str]:
    told, _, steps = row["host_steps"].partition("/")
    true, _, latents = row["host_latents"].partition("/")
    is_late = row["host_stop"] not in [f"+{number}" for number in range(MOST_STEPS_AFTER_STOP + 1)]
    problems = {
        f"{told} of {steps} steps told in the host": told != steps,
        f"latents of {true} of {latents} steps in the host": true != latents,
        "Stop is late in the host": is_late,
    }
    return [problem for problem, is_so in problems.items() if is_so]


def _look_at_previews(tiny: TinyPipeline, folder: str) -> tuple[TrueLatents, str]:
    """Look at the previews of a call; return the latents of its steps, and how many pictures there were."""
    latents, is_over, pictures = TrueLatents(), threading.Event(), list[int]()
    job = track(tiny.pipe, mode=SyncMode.RUN_AHEAD, folder=folder)

    def look() -> None:
        newest = None
        while not is_over.wait(SAMPLE_S):
            picture = job.preview()
            if picture is not None and picture is not newest:
                newest = picture
                pictures.append(1)

    job.preview()
    looking = threading.Thread(target=look, daemon=True)
    looking.start()
    try:
        with counted_bars(OwnCount()), latents.recorded(tiny.pipe), job:
            tiny.pipe(**tiny.arguments)
    finally:
        is_over.set()
        looking.join()
    return latents, str(len(pictures)) if pictures else "no"


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
    with counted_bars(OwnCount()), marked_steps(tiny.pipe, Launches(), count), job:
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
