"""The lane for real GPUs: the self-test, and bare loops of real sizes in every mode. Needs no SD.Next."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from typing import Any

import torch

from bench.lane.loop import Lane, Loop
from bench.lane.networks import EMULATED, REAL, Network, build_step, build_unet
from bench.terminal.self_test_table import build_self_test_table
from bench.terminal.table import Row, build_table
from zluda_sync.core.steps.policy import SyncMode
from zluda_sync.device.steps.accelerator import Accelerator, device_module
from zluda_sync.device.steps.self_test import SelfTest
from zluda_sync.device.steps.waits import BlockingWaits

MODES = (SyncMode.EVERY_STEP, SyncMode.RUN_AHEAD, SyncMode.OBSERVE)
STEPS, QUICK_STEPS = 20, 8
ROUNDS = 3
#: Longest time for one network at one size, in seconds: slow cards run fewer rounds.
CASE_LIMIT_S = 80.0
LOOPS_A_ROUND = 6
COLUMNS = (
    ("case", "network", ""),
    ("mode", "mode", ""),
    ("wall_s", "wall s", ".3f"),
    ("ratio", "/ bare", ".3f"),
    ("run_ahead", "run-ahead", "d"),
    ("step_error", "step error", "d"),
    ("leads", "lead", "d"),
    ("hook_us", "hook us", ".0f"),
    ("stop_s", "Stop s", ".3f"),
    ("preview_ms", "preview ms", ".2f"),
)


def run_gpu_lane(quick: bool) -> int:
    """Measure and print the tables; 0 if nothing was reported too early and no sync was added, else 1."""
    device = find_device()
    module: Any = device_module(device)
    accelerator, waits = Accelerator(module, device), BlockingWaits()
    driver = accelerator.driver_version or "unknown"
    print(f"{accelerator.name}, driver {driver}, torch {torch.__version__}\n")
    report = SelfTest(accelerator, waits).run()
    waits.stop()
    print(build_self_test_table(report) + "\n", flush=True)
    lane = Lane(accelerator, device, report, module.synchronize)
    rows: list[Row] = []
    sync_check = "not checked here"
    for network in REAL if device.type == "cuda" else EMULATED:
        try:
            if module.mem_get_info()[0] < network.memory_gib * 2**30:
                raise torch.cuda.OutOfMemoryError(f"needs {network.memory_gib:.0f} GiB of free memory")
            unet = build_unet(network, device)
            with torch.inference_mode():
                for size in network.latent_sizes[:1] if quick else network.latent_sizes:
                    rows += measure(lane, network, unet, size, device, quick)
                if device.type == "cuda" and "ADDED" not in sync_check:
                    sync_check = check_sync(lane, *build_step(unet, network, 64, device))
        except torch.cuda.OutOfMemoryError as error:
            print(f"{network.name} is skipped: {str(error).splitlines()[0]}")
        unet = None  # its memory is the next one's
        module.empty_cache()
    print(build_table(rows, COLUMNS))
    print(f"\nsync added by observe's hook: {sync_check}")
    return 1 if "ADDED" in sync_check or any(row["leads"] for row in rows if "leads" in row) else 0


def find_device() -> torch.device:
    """Return the CUDA device, else the emulated one."""
    if torch.cuda.is_available():
        return torch.device("cuda", torch.cuda.current_device())
    from modules.emulated_device import install

    emulated: torch.device = install()
    return emulated


def measure(
    lane: Lane, network: Network, unet: Any, size: int, device: torch.device, quick: bool
) -> list[Row]:
    """Return the rows of one network at one size."""
    latents, step = build_step(unet, network, size, device)
    steps = QUICK_STEPS if quick else STEPS
    lane.run_plain(latents, step, 3, syncs=True)  # loads kernels
    bare_s = lane.run_plain(latents, step, steps, syncs=False)
    rounds = 1 if quick else max(1, min(ROUNDS, int(CASE_LIMIT_S / (LOOPS_A_ROUND * bare_s))))
    bares: list[float] = []
    synced: list[float] = []
    loops: dict[SyncMode, list[Loop]] = {mode: [] for mode in MODES}
    preview_s: list[float] = []
    for _ in range(rounds):
        bares.append(lane.run_plain(latents, step, steps, syncs=False))
        synced.append(lane.run_plain(latents, step, steps, syncs=True))
        for mode in MODES:
            loops[mode].append(lane.run(latents, step, steps, mode))
        shown = lane.run(latents, step, steps, SyncMode.OBSERVE, has_previews=True)
        preview_s.append((shown.wall_s - loops[SyncMode.OBSERVE][-1].wall_s) / max(shown.previews, 1))
    stopped = lane.run(latents, step, steps, SyncMode.RUN_AHEAD, stop_at=steps // 2)
    case = f"{network.name} {8 * size}"
    rows: list[Row] = [
        {"case": case, "mode": "bare loop", "wall_s": statistics.median(bares), "ratio": 1.0},
        {"case": case, "mode": "full synchronize", **_paired(synced, bares)},
    ]
    for mode, runs in loops.items():
        row: dict[str, Any] = {
            "case": case,
            "mode": mode.value,
            **_paired([run.wall_s for run in runs], bares),
            "run_ahead": max(run.run_ahead for run in runs),
            "step_error": max(run.step_error for run in runs),
            "leads": sum(run.leads for run in runs),
        }
        if mode is SyncMode.RUN_AHEAD:
            row["stop_s"] = stopped.stop_s
        if mode is SyncMode.OBSERVE:  # the only one whose hook never waits
            hooks = [run.hook_us for run in runs if run.hook_us is not None]
            row["hook_us"] = statistics.median(hooks)
            row["preview_ms"] = 1000 * statistics.median(preview_s)
        rows.append(row)
    return rows


def check_sync(lane: Lane, latents: torch.Tensor, step: Any) -> str:
    """Return whether torch saw a synchronizing call inside observe's hook."""
    found: list[str] = []

    def forbidding(hook: Callable[[], Any]) -> Any:
        torch.cuda.set_sync_debug_mode("error")
        try:
            return hook()
        except RuntimeError as error:
            found.append(str(error))
        finally:
            torch.cuda.set_sync_debug_mode("default")

    # The barrier answers errors with the next rung: a sync shows as a rung that failed.
    found += lane.run(latents, step, QUICK_STEPS, SyncMode.OBSERVE, around=forbidding).failures
    return f"ADDED: {found[0]}" if found else "none"


def _paired(walls_s: list[float], bares_s: list[float]) -> dict[str, float]:
    ratios = [wall_s / bare_s for wall_s, bare_s in zip(walls_s, bares_s, strict=True)]
    return {"wall_s": statistics.median(walls_s), "ratio": statistics.median(ratios)}
