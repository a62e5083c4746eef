"""Networks of real sizes in bare loops, run as torch runs them by itself."""

from __future__ import annotations

import torch

from bench.lane.measuring import Bench
from bench.lane.networks import build_network, build_step, network_on
from bench.lane.report import Report


def measure_sd15(report: Report) -> None:
    """A UNet of SD 1.5's size."""
    measure_network(report, "sd15")


def measure_sdxl(report: Report) -> None:
    """A UNet of SDXL's size."""
    measure_network(report, "sdxl")


def measure_dit(report: Report) -> None:
    """A transformer of SD 3 medium's size: 2.1 billion parameters."""
    measure_network(report, "dit")


def measure_network(report: Report, name: str) -> None:
    """Keep a table for each size of a network."""
    bench = Bench(report)
    network = network_on(bench.device, name)
    model = build_network(network, bench.device)
    count = sum(parameter.numel() for parameter in model.parameters())
    report.line(f"{network.name}: {count / 1e9:.2f} billion parameters", parameters=count)
    sizes = network.latent_sizes[:1] if report.is_quick else network.latent_sizes
    for left, size in zip(range(len(sizes), 0, -1), sizes, strict=True):
        case = f"{network.name} {8 * size}"
        with report.case(case), torch.no_grad():
            report.need(5.0)
            latents, step = build_step(model, network, size, bench.device)
            bench.measure(f"{case}, eager", case, latents, step, limit_s=0.8 * report.left_s / left)
