"""Parts of the lane that only CUDA has, run on the emulated device, which passes for CUDA."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from typing import Any
from unittest import mock

import torch

from bench.lane import captured, compiled, crowded, measuring, streams, sync_check
from bench.lane.machine import find_device, test_device
from bench.lane.measuring import Bench
from bench.lane.report import Report

FREE_BYTES = 300 * 2**20


class Forbidden:
    """Stands for torch's check: while it is on, a read-back warns."""

    def __init__(self) -> None:
        self.mode = "default"
        self.read = torch.Tensor.item

    def set_mode(self, mode: str) -> None:
        self.mode = mode

    def item(self, tensor: torch.Tensor) -> Any:
        if self.mode == "warn":
            warnings.warn("called a synchronizing CUDA operation", stacklevel=2)
        return self.read(tensor)


@contextlib.contextmanager
def passing_for_cuda() -> Iterator[None]:
    """A context in which `torch.cuda` drives the emulated device."""
    find_device()
    from modules.emulated_device import runtime

    forbidden, taken = Forbidden(), list[int]()

    def mem_get_info(device: Any = None) -> tuple[int, int]:
        taken.append(0)
        return max(0, FREE_BYTES - len(taken) * 60 * 2**20), FREE_BYTES

    def item(tensor: torch.Tensor) -> Any:  # a function, so that it is a method of tensors
        return forbidden.item(tensor)

    stands_for = {
        "synchronize": runtime.synchronize,
        "empty_cache": runtime.empty_cache,
        "Stream": runtime.Stream,
        "stream": runtime.stream,
        "current_stream": runtime.current_stream,
        "CUDAGraph": runtime.Graph,
        "graph": lambda graph, stream, capture_error_mode: runtime.graph(graph),
        "mem_get_info": mem_get_info,
        "set_sync_debug_mode": forbidden.set_mode,
    }
    with contextlib.ExitStack() as undo:
        for name, call in stands_for.items():
            undo.enter_context(mock.patch.object(torch.cuda, name, call))
        undo.enter_context(mock.patch.object(Bench, "is_cuda", True))
        undo.enter_context(mock.patch.object(Bench, "steps", 4))
        undo.enter_context(mock.patch.object(torch.Tensor, "item", item))
        yield


def run_all(report: Report) -> None:
    """Run what CUDA alone has: a failed case fails the part."""
    waiting = "import time; print('ready', flush=True); time.sleep(60)"
    smaller: tuple[tuple[Any, str, Any], ...] = (
        (measuring, "ROUNDS", 1),
        (streams, "WIDTH", 16),
        (crowded, "PIECE_BYTES", 2**20),
        (crowded, "NEIGHBOUR", waiting),
        (sync_check, "SIZE", 32),
        (torch, "compile", lambda model: model),
        (torch.nn.Module, "compile", mock.Mock()),
    )
    for owner, name, value in smaller:
        mock.patch.object(owner, name, value).start()
    test_device(report)
    with passing_for_cuda():
        for run in (
            sync_check.check_added_syncs,
            captured.measure_captured,
            streams.measure_streams,
            crowded.measure_neighbour,
            crowded.measure_full_memory,
            compiled.measure_compiled,
        ):
            run(report)
