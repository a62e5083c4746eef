"""A card that is shared: with another process, and with so much in its memory that hardly any is left."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import torch

from bench.lane.measuring import COLUMNS, MODES, Bench
from bench.lane.networks import build_network, build_step, network_on
from bench.lane.report import Report

START_LIMIT_S = 30.0
BUSY_S = 60.0
#: Of the card's memory, left to the driver.
LEFT_BYTES = 96 * 2**20
PIECE_BYTES = 2**30
EMULATED_LEFT_BYTES = 256 * 2**10
#: What the other process does until it is ended, a minute at the most.
NEIGHBOUR = """
import sys, time, torch
square = torch.ones(4096, 4096, dtype=torch.float16, device="cuda")
torch.mm(square, square)
torch.cuda.synchronize()
print("ready", flush=True)
end_s = time.monotonic() + float(sys.argv[1])
while time.monotonic() < end_s:
    for _ in range(50):
        torch.mm(square, square)
    torch.cuda.synchronize()
"""


def measure_neighbour(report: Report) -> None:
    """Keep a table of a job beside another process that keeps the card busy."""
    bench = Bench(report)
    if not bench.is_cuda:
        report.skip("another process", "it would have an emulated device of its own")
        return
    network = network_on(bench.device, "sd15")
    model = build_network(network, bench.device)
    with report.case("another process"), torch.no_grad():
        report.need(10.0)
        latents, step = build_step(model, network, 64, bench.device)
        alone_s = bench.runner.run_plain(latents, step, bench.steps, syncs=False)
        report.line(f"alone the bare loop takes {alone_s:.3f} s")
        title = "a job beside another process on the card"
        with neighbour():
            bench.measure(title, "beside another", latents, step, limit_s=0.6 * report.left_s)


@contextlib.contextmanager
def neighbour() -> Iterator[None]:
    """A context in which another process computes on the card.

    Raises:
        RuntimeError: it did not begin.
    """
    process = subprocess.Popen(
        [sys.executable, "-c", NEIGHBOUR, str(BUSY_S)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        said: list[str] = []
        reading = threading.Thread(target=lambda: said.append((process.stdout or sys.stdin).readline()))
        reading.daemon = True
        reading.start()
        reading.join(START_LIMIT_S)
        if said != ["ready\n"]:
            raise RuntimeError(f"the other process did not begin: {said}")
        yield
    finally:
        process.kill()
        process.wait()


def measure_full_memory(report: Report) -> None:
    """Keep a table of jobs with previews while next to nothing of the card's memory is free."""
    bench = Bench(report)
    network = network_on(bench.device, "sd15")
    size = network.latent_sizes[0]
    model = build_network(network, bench.device)
    with report.case("nearly full memory"), torch.no_grad():
        latents, step = build_step(model, network, size, bench.device)
        run = bench.runner.run
        for mode in MODES:  # torch keeps what a job needs
            with report.case(f"{mode.value} before memory is full", keeps_memory=True):
                run(latents, step, bench.steps, mode, has_previews=True)
        title = "jobs with previews in nearly full memory"
        with report.rows(title, COLUMNS) as rows, full_memory(bench):
            free = bench.accelerator.free_bytes
            report.line(f"while the jobs run {free} bytes can be had", free_bytes=free)
            for mode in MODES:
                with report.case(f"{mode.value} in nearly full memory", keeps_memory=True):
                    loop = run(latents, step, bench.steps, mode, has_previews=True)
                    rows.put(bench.row_of("full memory", mode, [loop]))


@contextlib.contextmanager
def full_memory(bench: Bench) -> Iterator[None]:
    """A context in which nearly all of the device's memory is taken."""
    if not bench.is_cuda:
        from modules.emulated_device.memory import MEMORY

        MEMORY.limit_bytes = MEMORY.most_bytes + EMULATED_LEFT_BYTES
        try:
            yield
        finally:
            MEMORY.limit_bytes = None
        return
    taken: list[Any] = []
    try:
        # Piece by piece: one that does not fit would have torch give back what it keeps for the jobs.
        while (free := torch.cuda.mem_get_info(bench.device)[0] - LEFT_BYTES) > LEFT_BYTES:
            taken.append(torch.empty(min(PIECE_BYTES, free), dtype=torch.uint8, device=bench.device))
        yield
    finally:
        taken.clear()
