"""A step that was captured once and is launched as one: then a host runs far ahead of any card."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

import torch

from bench.lane.measuring import Bench
from bench.lane.networks import build_network, build_step, network_on
from bench.lane.report import Report

WARM_UPS = 3
COMPARED_STEPS = 3
#: A graph that replays nothing is off by 1, one that leaves a step out by a third. Half precision rounds each
#: element of the latents, which are about 1, by up to 0.0005 a step, and three steps of these networks change
#: them by 0.011 (the UNet) and 0.018: other kernels in the graph than outside are off by a tenth at the most.
MOST_OFF = 0.2


def measure_captured(report: Report) -> None:
    """Keep a table for the UNet of SD 1.5's size and for the transformer, each as one graph."""
    bench = Bench(report)
    names = ("sd15",) if report.is_quick or not bench.is_cuda else ("sd15", "dit")
    for left, name in zip(range(len(names), 0, -1), names, strict=True):
        network = network_on(bench.device, name)
        case = f"{network.name} {8 * network.latent_sizes[0]}, graph"
        with report.case(case), torch.no_grad():
            report.need(8.0)
            measure_one(report, bench, case, name, 0.8 * report.left_s / left)


def measure_one(report: Report, bench: Bench, case: str, name: str, limit_s: float) -> None:
    """Keep whether a captured step computes what it should, and its table; its memory goes with the call."""
    network = network_on(bench.device, name)
    model = build_network(network, bench.device)
    latents, step = build_step(model, network, network.latent_sizes[0], bench.device)
    expected = latents
    for _ in range(COMPARED_STEPS):
        expected = step(expected)
    replay = capture(bench, latents, step)
    replayed = latents
    for _ in range(COMPARED_STEPS):
        replayed = replay(replayed)
    off = find_off(*(one.cpu().float() for one in (latents, expected, replayed)))
    report.line(f"{case}: off by {off:.2g} of what the same steps change by themselves", off=off)
    if not off <= MOST_OFF:  # nan is not
        raise ValueError(f"the graph does not compute what the steps do: off by {off:.2g}")
    bench.measure(case, case, latents, replay, limit_s)


def find_off(latents: torch.Tensor, expected: torch.Tensor, replayed: torch.Tensor) -> float:
    """Return how far a replay is from the same steps, as a share of what these change; nan if not a number.

    Both as root mean squares: what half precision rounds off differently in one element does not count much.
    """
    changed = float((expected - latents).square().mean().sqrt())
    off = float((replayed - expected).square().mean().sqrt())
    return off / changed if changed > 0.0 else math.nan


def choose_error_mode(graph: Callable[..., Any]) -> dict[str, Any]:
    """Return what says that a capture forbids calls to its own thread alone; torch 2.0 cannot say it.

    Another thread may then ask whether an event has been reached without spoiling the capture.
    """
    has_mode = "capture_error_mode" in inspect.signature(graph).parameters
    return {"capture_error_mode": "thread_local"} if has_mode else {}


def capture(bench: Bench, latents: torch.Tensor, step: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return what replays a step as one launch; all its latents are one tensor.

    As torch's notes on CUDA graphs ask for: warmed up on a side stream, captured there, no value read.
    """
    module = bench.module
    held = latents.clone()
    side = module.Stream()
    side.wait_stream(module.current_stream())
    with module.stream(side):
        for _ in range(WARM_UPS):
            held.copy_(step(held))
    module.current_stream().wait_stream(side)
    module.synchronize()
    graph = torch.cuda.CUDAGraph() if bench.is_cuda else module.Graph()
    mode = choose_error_mode(torch.cuda.graph)
    context = torch.cuda.graph(graph, stream=side, **mode) if bench.is_cuda else module.graph(graph)
    with context:
        held.copy_(step(held))
    module.synchronize()

    def replay(latents: torch.Tensor) -> torch.Tensor:
        if latents is not held:
            held.copy_(latents)
        graph.replay()
        return held

    return replay
