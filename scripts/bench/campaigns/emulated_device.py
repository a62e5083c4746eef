"""The emulated device itself: whether it keeps its time whatever the host does, and what it costs the host.

What is measured on it can be no truer than it is. The model is the one of coloured shapes that comes with the
stand-in, at the size at which that paints.
"""

from __future__ import annotations

import itertools
import statistics
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch

from bench.terminal.bar import TerminalBar
from bench.terminal.table import Row, build_table

STARTS, JOBS, KILLS = 3, 3, 3
STEPS_OF_JOB = 30
SIZE_PX = 256
PROMPT = "a red circle on blue"
#: As the stand-in has it unless told otherwise.
STEP_MS, ENCODE_MS, DECODE_MS = 150.0, 100.0, 500.0

START_LIMIT_S, LOST_LIMIT_S = 2.0, 1.0
STEP_SPREAD, QUEUE_SHARE = 0.05, 0.10
COLUMNS = (("what", "what", ""), ("figure", "figure", ""), ("target", "target", ""), ("verdict", "", ""))


@dataclass(frozen=True)
class Figure:
    """One figure of the device.

    Attributes:
        what: it is of.
        value: itself.
        form: for the table.
        limit: that it must not pass; None where it only says how it is.
    """

    what: str
    value: float
    form: str = ".3f"
    limit: float | None = None

    @property
    def is_held(self) -> bool:
        """Whether it is as it should be."""
        return self.limit is None or self.value <= self.limit

    def row(self) -> Row:
        """Return the line of the table."""
        target = "" if self.limit is None else f"<= {self.limit:{self.form}}"
        verdict = "" if self.is_held else "missed"
        return {
            "what": self.what,
            "figure": f"{self.value:{self.form}}",
            "target": target,
            "verdict": verdict,
        }


def run_emulated_device_campaign(quick: bool) -> int:
    """Measure and print the table; 0 if every target is held, else 1."""
    torch.set_num_threads(1)  # as on the device: then pictures are the same to the bit
    bar, figures = TerminalBar(), list[Figure]()
    parts: tuple[tuple[str, Callable[[bool], Iterator[Figure]]], ...] = (
        ("starts", measure_starts),
        ("steps", measure_steps),
        ("a job", measure_job),
        ("kills", measure_kills),
    )
    try:
        for index, (name, measure) in enumerate(parts):
            bar.show(index / len(parts), name)
            figures.extend(measure(quick))
        bar.show(1.0, "done")
    finally:
        bar.close()
    print(build_table([figure.row() for figure in figures], COLUMNS))
    misses = [figure.what for figure in figures if not figure.is_held]
    held = sum(figure.limit is not None for figure in figures)
    print("\n" + (f"missed: {'; '.join(misses)}" if misses else f"all of {held} targets are held"))
    return 1 if misses else 0


def measure_starts(_quick: bool) -> Iterator[Figure]:
    """Yield how long a device takes until it works."""
    from modules.emulated_device import DeviceQueue

    seconds = []
    for _ in range(STARTS):
        queue = DeviceQueue()
        queue.wait(queue.enqueue_delay(0.0))
        seconds.append(queue.start().started_in_s or 0.0)
        queue.close()
    yield Figure("start, s", statistics.median(seconds), ".2f", START_LIMIT_S)


def measure_kills(_quick: bool) -> Iterator[Figure]:
    """Yield how long after a kill the last of several waits has ended, each with the device's loss."""
    from modules.emulated_device import DeviceFault, DeviceQueue

    seconds, hanging = [], 0
    for _ in range(KILLS):
        queue = DeviceQueue()
        queue.wait(queue.enqueue_delay(0.0))
        ticket = queue.enqueue_delay(3600.0)
        with ThreadPoolExecutor() as pool:
            waits = [pool.submit(queue.wait, ticket, 10.0) for _ in range(4)]
            time.sleep(0.1)  # they are inside by then
            killed_s = time.perf_counter()
            queue.start().kill()
            hanging += sum(not isinstance(wait.exception(), DeviceFault) for wait in waits)
            seconds.append(time.perf_counter() - killed_s)
        queue.close()
    yield Figure("waits end after a kill, s", max(seconds), ".3f", LOST_LIMIT_S)
    yield Figure("waits that end without an error", hanging, "d", 0)


def measure_steps(quick: bool) -> Iterator[Figure]:
    """Yield by how much a step's time on the device changes with what the host does meanwhile.

    It is held against another program that does the same: what a busy core takes from the one beside it, it
    takes from every device that is emulated.
    """
    unet, inputs = _move_to_device(load_pipe())
    rounds, steps = 10 if quick else 40, 3  # short and in turn: what else the machine does meets all of them
    with torch.no_grad(), ExitStack() as programs:
        others = {does: programs.enter_context(_OtherProgram(code)) for does, code in BUSY.items()}
        _time_steps(unet, inputs, 2, nullcontext())
        alone: list[float] = []
        in_host: dict[str, list[float]] = defaultdict(list)
        in_other: dict[str, list[float]] = defaultdict(list)
        for _ in range(rounds):
            alone += _time_steps(unet, inputs, steps, nullcontext())
            for does, code in BUSY.items():
                in_host[does] += _time_steps(unet, inputs, steps, _busy_thread(code))
                in_other[does] += _time_steps(unet, inputs, steps, others[does].busy())
    yield Figure("step on the device, ms", 1000 * find_usual_s(alone), ".1f")
    for does in BUSY:
        busy_s = find_usual_s(in_host[does])
        beside, above = busy_s / find_usual_s(in_other[does]) - 1, busy_s / find_usual_s(alone) - 1
        yield Figure(f"slower while the host {does}, not another program", beside, ".3f", STEP_SPREAD)
        yield Figure(f"slower while the host {does}, not nobody", above, ".3f")


def find_usual_s(steps_s: list[float]) -> float:
    """Return the lower quartile: what took longer was held up by a program that has no part in this."""
    return statistics.quantiles(steps_s, n=4)[0]


def measure_job(quick: bool) -> Iterator[Figure]:
    """Yield what share of a job the host is busy with queueing, and whether the picture is the CPU's."""
    from modules import emulated_kernels

    pipe = load_pipe()
    with torch.no_grad():
        expected = _paint(pipe, 6 if quick else STEPS_OF_JOB).picture
        _move_to_device(pipe)
        painted = _paint(pipe, 6 if quick else STEPS_OF_JOB).picture
        different = int((expected != painted).sum())
        yield Figure("values of the picture that are not the CPU's", different, "d", 0)
        bare = [_paint(pipe, STEPS_OF_JOB) for _ in range(JOBS)]
        emulated_kernels.slow_model(pipe, STEP_MS, ENCODE_MS, DECODE_MS)
        jobs = [_paint(pipe, STEPS_OF_JOB) for _ in range(JOBS)]
    yield Figure(f"job of {STEPS_OF_JOB} steps, s", statistics.median(job.total_s for job in jobs), ".2f")
    yield Figure("its steps are queued in, s", statistics.median(job.queued_s for job in jobs), ".2f")
    yield Figure("... as a share of the job", statistics.median(map(_share, jobs)), ".3f", QUEUE_SHARE)
    yield Figure("... where nothing is slowed down", statistics.median(map(_share, bare)), ".3f")


def _share(job: _Painted) -> float:
    return job.queued_s / job.total_s


@dataclass(frozen=True)
class _Painted:
    picture: Any
    queued_s: float
    total_s: float


def load_pipe() -> Any:
    """Return the pipeline of the stand-in's own model, on the CPU."""
    from modules import default_model, sd_models

    pipe = sd_models.load_diffuser(default_model.find_default_model()).to("cpu")
    pipe.set_progress_bar_config(disable=True)
    return pipe


def _move_to_device(pipe: Any) -> tuple[Any, tuple[Any, ...]]:
    """Move a pipeline; return its network and what a guided step is called with."""
    from modules import emulated_device

    device = emulated_device.install()
    pipe.to(device)
    latent_px = SIZE_PX // 8
    latents = torch.zeros(2, pipe.unet.config.in_channels, latent_px, latent_px, device=device)
    prompt = torch.zeros(2, 77, pipe.unet.config.cross_attention_dim, device=device)
    torch.get_device_module(device).synchronize()
    return pipe.unet, (latents, torch.tensor(500.0).to(device), prompt)


def _paint(pipe: Any, steps: int) -> _Painted:
    """Run one job and note when its steps were queued."""
    at_s: list[float] = []

    def note(_pipe: Any, _step: int, _timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        at_s.append(time.perf_counter())
        return tensors

    def note_begin(*_: Any) -> None:
        if not at_s:
            at_s.append(time.perf_counter())

    handle = pipe.unet.register_forward_pre_hook(note_begin)
    began_s = time.perf_counter()
    picture = pipe(
        PROMPT,
        num_inference_steps=steps,
        generator=torch.Generator().manual_seed(7),
        height=SIZE_PX,
        width=SIZE_PX,
        output_type="np",
        callback_on_step_end=note,
    ).images
    total_s = time.perf_counter() - began_s
    handle.remove()
    return _Painted(picture, at_s[-1] - at_s[0], total_s)


def _time_steps(
    unet: Any, inputs: tuple[Any, ...], steps: int, busy: AbstractContextManager[object]
) -> list[float]:
    """Return the seconds of each step, by the device's clock, while something else is busy.

    All are queued before the first begins: what is measured is the device, not how fast a busy host queues.
    """
    from modules.emulated_device import QUEUE, Gate, enqueue_mark

    at_s: list[float] = []

    def note(time_s: float, _completed: int) -> None:
        at_s.append(time_s)

    with Gate() as gate:
        gate.put()
        enqueue_mark(note)
        for _ in range(steps):
            unet(*inputs)
            ticket = enqueue_mark(note)
        with busy:
            gate.set()
            QUEUE.wait(ticket)
    return [after - before for before, after in itertools.pairwise(at_s)]


@contextmanager
def _busy_thread(code: str) -> Iterator[None]:
    """A context in which a thread of ours does so."""
    over = threading.Event()
    names: dict[str, Any] = {}
    exec(code, names)

    def repeat() -> None:
        while not over.is_set():
            names["work"]()

    thread = threading.Thread(target=repeat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


class _OtherProgram:
    """Another program, as a context; it does so while :meth:`busy` lasts."""

    def __init__(self, code: str) -> None:
        program = f"{code}\n{_IN_TURN}"
        pipe = subprocess.PIPE
        self._process = subprocess.Popen([sys.executable, "-c", program], stdin=pipe, stdout=pipe, text=True)

    def __enter__(self) -> _OtherProgram:
        assert self._process.stdout is not None
        self._process.stdout.readline()  # it has loaded what it needs
        return self

    def __exit__(self, *exception: object) -> None:
        self._process.kill()
        self._process.communicate()

    @contextmanager
    def busy(self) -> Iterator[None]:
        """A context in which it is."""
        self._say("busy")
        try:
            yield
        finally:
            self._say("idle")

    def _say(self, word: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{word}\n")
        self._process.stdin.flush()


_IN_TURN = """
import sys, threading
is_busy = threading.Event()
def listen():
    for line in sys.stdin:
        is_busy.set() if line == "busy\\n" else is_busy.clear()
threading.Thread(target=listen, daemon=True).start()
print(flush=True)
while True:
    is_busy.wait()
    work()
"""
#: What keeps a core busy, by what is said of who does it; each defines one short piece of work.
BUSY = {
    "runs Python in a loop": "def work():\n    for number in range(100_000):\n        number * number",
    "computes with NumPy": (
        "import numpy\nvalues = numpy.linspace(0.0, 1.0, 10_000)\ndef work():\n    numpy.sin(values)"
    ),
}
