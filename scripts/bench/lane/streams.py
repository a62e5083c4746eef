"""A job on a stream of its own, and a job beside a stream that is busy with something else."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch

from bench.lane.measuring import COLUMNS, MODES, Bench
from bench.lane.networks import build_network, build_step, network_on
from bench.lane.report import Report

#: Fewer than a card takes before it holds launches.
MOST_LAUNCHES = 400
WIDTH = 8192


def measure_streams(report: Report) -> None:
    """Keep a table of both."""
    bench = Bench(report)
    network = network_on(bench.device, "sd15")
    size = network.latent_sizes[0]
    model = build_network(network, bench.device)
    with torch.no_grad():
        latents, step = build_step(model, network, size, bench.device)
        with report.case("a stream of its own"):
            side = bench.module.Stream()
            bench.module.synchronize()  # the weights are made on another
            with bench.module.stream(side):
                _run_modes(report, bench, "a job on a stream of its own", "own stream", latents, step)
        if not bench.is_cuda:
            report.skip("a busy stream", "the emulated device has one queue for all streams")
            return
        with report.case("a busy stream"):
            report.need(5.0)
            busy = _Busy(bench, bench.runner.run_plain(latents, step, bench.steps, syncs=False))
            report.line(f"beside {busy.launches} matrix products, {busy.takes_s:.3f} s, on another stream")
            title = "a job beside a stream that is busy"
            _run_modes(report, bench, title, "busy stream", latents, step, busy.beside)


def _run_modes(
    report: Report,
    bench: Bench,
    title: str,
    case: str,
    latents: Any,
    step: Callable[[Any], Any],
    prepare: Callable[[Callable[[Any], Any]], Callable[[Any], Any]] = lambda step: step,
) -> None:
    """Keep a row of each mode; the step is prepared anew for each, whatever became of the one before."""
    with report.rows(title, COLUMNS) as rows:
        for mode in MODES:
            with report.case(f"{case}, {mode.value}", keeps_memory=True):
                loop = bench.runner.run(latents, prepare(step), bench.steps, mode)
                rows.put(bench.row_of(case, mode, [loop]))


class _Busy:
    """Work for another stream that takes about as long as a job.

    Args:
        bench: of the card.
        job_s: how long the job takes.
    """

    def __init__(self, bench: Bench, job_s: float) -> None:
        self._stream: Any = bench.module.Stream()
        self._steps = bench.steps
        self._square = torch.ones(WIDTH, WIDTH, dtype=torch.float16, device=bench.device)
        self._product = torch.empty_like(self._square)
        for launches in (3, 10):  # the first loads the kernel
            began_s = time.perf_counter()
            self._queue(launches)
            torch.cuda.synchronize()
            one_s = (time.perf_counter() - began_s) / launches
        self.launches = max(1, min(MOST_LAUNCHES, int(job_s / one_s)))
        self.takes_s = self.launches * one_s

    def beside(self, step: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """Return the step; the first of every loop's steps queues this work before."""
        calls = [0]

        def step_beside(latents: Any) -> Any:
            if calls[0] % self._steps == 0:
                self._queue(self.launches)
            calls[0] += 1
            return step(latents)

        return step_beside

    def _queue(self, launches: int) -> None:
        self._stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self._stream):
            for _ in range(launches):
                torch.mm(self._square, self._square, out=self._product)
