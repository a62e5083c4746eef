"""Networks that torch.compile has made one of."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch

from bench.lane.measuring import Bench
from bench.lane.networks import build_network, build_step, network_on
from bench.lane.report import Report


def measure_compiled(report: Report) -> None:
    """Keep a table for each network that was compiled in time."""
    bench = Bench(report)
    if not bench.is_cuda:
        report.skip("torch.compile", "it makes no code for the emulated device")
        return
    with report.case("SD3 1024, blocks compiled"):
        report.need(30.0)
        measure_one(report, bench, "dit", 128, compile_blocks)
    with report.case("SD1.5 512, compiled"):
        report.need(35.0)
        measure_one(report, bench, "sd15", 64, torch.compile)


def compile_blocks(model: Any) -> Any:
    """Compile each block of a transformer; they are alike, so that code is made for one or two."""
    for block in model.transformer_blocks:
        block.compile()
    return model


def measure_one(report: Report, bench: Bench, name: str, size: int, make: Callable[[Any], Any]) -> None:
    """Compile a network, and keep how long that took and a table."""
    network = network_on(bench.device, name)
    with torch.no_grad():
        model = make(build_network(network, bench.device))
        latents, step = build_step(model, network, size, bench.device)
        began_s = time.perf_counter()
        step(latents)
        bench.module.synchronize()
        took_s = time.perf_counter() - began_s
        case = f"{network.name} {8 * size}, compiled"
        report.line(f"{case} in {took_s:.1f} s", compile_s=took_s)
        bench.measure(case, case, latents, step, limit_s=min(20.0, 0.5 * report.left_s))
