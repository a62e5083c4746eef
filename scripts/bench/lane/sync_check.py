"""Whether the hook of `observe` makes the host wait: every wait of its thread is noted while it runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch

from bench.lane.measuring import QUICK_STEPS, Bench
from bench.lane.networks import build_network, build_step, network_on
from bench.lane.report import Report, read_records
from bench.lane.wait_notes import Wait, note_waits
from zluda_sync.core.steps.policy import SyncMode
from zluda_sync.device.steps.waits import BlockingWaits

SIZE = 64


def check_added_syncs(report: Report) -> None:
    """Keep whether the hook waits, and whether a wait of each kind is seen when it is planted there."""
    bench = Bench(report)
    network = network_on(bench.device, "sd15")
    model = build_network(network, bench.device)
    with torch.no_grad():
        size = SIZE if bench.is_cuda else network.latent_sizes[0]
        latents, step = build_step(model, network, size, bench.device)
        for name, plant in build_plants(bench, latents).items():
            with report.case(f"a planted {name}"):
                seen = watch_hook(bench, latents, step, plant).planted
                told = f"a {name} planted into the hook is seen: {'yes' if seen else 'NO'}"
                report.line(told, planted=name, seen_as=sorted({wait.name for wait in seen}))
                if not seen:
                    raise AssertionError("the check would not see one of the extension's either")
        for has_previews in (False, True):
            name = "observe's hook, with previews" if has_previews else "observe's hook"
            with report.case(name):
                # The first loop of its kind begins threads and tries ways to copy.
                bench.runner.run(latents, step, QUICK_STEPS, SyncMode.OBSERVE, has_previews=has_previews)
                watched = watch_hook(bench, latents, step, has_previews=has_previews)
                if watched.rung not in read_proven(report):
                    reason = f"no self-test has proven {watched.rung}, so that its reports are checked"
                    report.skip(f"sync added by {name}", reason)
                    continue
                added = "; ".join(dict.fromkeys(map(str, watched.added)))
                told = f"ADDED: {added}" if added else "none"
                report.line(f"sync added by {name}: {told}", added=added)


def read_proven(report: Report) -> set[str]:
    """Return what the lane's self-test has found truthful: reports by other ways are checked, which waits."""
    proven = [record["rungs"] for record in read_records(report.out) if "rungs" in record]
    return {name for rungs in proven for name, is_truthful in rungs.items() if is_truthful}


def build_plants(bench: Bench, latents: torch.Tensor) -> dict[str, Callable[[], Any]]:
    """Return a wait of each kind that the extension knows, by name."""
    module, waits = bench.module, BlockingWaits()

    def wait_for_stream() -> None:
        bench.accelerator.bind_stream_wait()()

    def wait_for_event() -> None:
        event = module.Event()
        event.record()
        event.synchronize()

    return {
        "read-back": lambda: latents.sum().item(),
        "wait for the device": bench.accelerator.bind_device_wait(),
        "wait for the stream": wait_for_stream,
        "wait for an event": wait_for_event,
        "wait on another thread": lambda: waits.begin(bench.accelerator.bind_device_wait()).wait(10.0),
    }


@dataclass
class Watched:
    """A loop of which each hook was watched.

    Attributes:
        added: by which waits the hook held up its thread.
        planted: those of what was planted behind it.
        rung: how the loop learned of its steps.
    """

    added: list[Wait] = field(default_factory=list)
    planted: list[Wait] = field(default_factory=list)
    rung: str | None = None


def watch_hook(
    bench: Bench,
    latents: torch.Tensor,
    step: Callable[[Any], Any],
    planted: Callable[[], Any] = lambda: None,
    has_previews: bool = False,
) -> Watched:
    """Run a loop of `observe`, and return by which waits its thread was held up.

    Raises:
        RuntimeError: the loop was not as it should be, so that nothing is known.
    """
    watched = Watched()

    def watching(hook: Callable[[], Any]) -> Any:
        with note_waits(bench.module, bench.is_cuda) as added:
            result = hook()
        with note_waits(bench.module, bench.is_cuda) as seen:
            planted()
        watched.added += added
        watched.planted += seen
        return result

    loop = bench.runner.run(
        latents, step, QUICK_STEPS, SyncMode.OBSERVE, around=watching, has_previews=has_previews
    )
    if loop.failures:
        raise RuntimeError("; ".join(loop.failures))
    if has_previews and not loop.previews:  # an error in a preview ends them, and is told in the log alone
        raise RuntimeError("no preview was made")
    watched.rung = loop.rung
    return watched
