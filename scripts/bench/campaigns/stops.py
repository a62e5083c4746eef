"""Stop at random moments of every phase, in every mode: is it ever lost, and how soon does it act."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Sequence
from typing import Any

from bench.campaigns.stopped_job import PHASES, StopOutcome, run_stopped_job
from bench.host.job import WantedJob, set_mode
from bench.host.started import Speed, started_host
from bench.terminal.bar import TerminalBar
from bench.terminal.table import Row, build_table
from bench.truth.sampler import find_progress_endpoint

SEED = 20260722
#: Modes, and the steps that may be queued after the press: depth + 1.
ALLOWED_STEPS = {"every-step": 1, "run-ahead": 2, "observe": 1}
ROUNDS, QUICK_ROUNDS = 5, 1
WANTED = WantedJob(steps=6, batches=2, hires=True)
SPEED = Speed(step_ms=60, encode_ms=200, decode_ms=240)
#: Longest wait between the first answer that shows a phase and the press, in seconds: less than each lasts.
LONGEST_DELAY_S = 0.1
COLUMNS = (
    ("phase", "phase", ""),
    ("mode", "mode", ""),
    ("jobs", "jobs", "d"),
    ("lost", "lost", "d"),
    ("leaked", "leaked", "d"),
    ("unacknowledged", "unacknowledged", "d"),
    ("launched", "steps after", "d"),
    ("allowed", "allowed", "d"),
    ("median_s", "median s", ".2f"),
    ("max_s", "max s", ".2f"),
)


def run_stop_campaign(quick: bool) -> int:
    """Measure, print the table and what hooks cost; 0 if every Stop did what it should, else 1."""
    rounds = QUICK_ROUNDS if quick else ROUNDS
    order = [(phase, mode) for phase in PHASES for mode in ALLOWED_STEPS] * rounds
    chance = random.Random(SEED)
    chance.shuffle(order)
    bar = TerminalBar()
    outcomes: list[StopOutcome] = []
    with started_host(SPEED) as app:
        endpoint = find_progress_endpoint(app)
        try:
            for index, (phase, mode) in enumerate(order):
                bar.show(index / len(order), f"job {index + 1}/{len(order)}: {mode}, {phase}")
                set_mode(mode)
                delay_s = chance.uniform(0, LONGEST_DELAY_S)
                outcomes.append(run_stopped_job(phase, mode, WANTED, delay_s, endpoint))
            bar.show(1.0, f"{len(order)} jobs stopped")
        finally:
            bar.close()
        cost = measure_exit_points()
    print(build_table(build_rows(outcomes), COLUMNS))
    print(
        f"\n{cost['blocks']} hooks on the UNet's blocks: {cost['hooks_us']:.1f} us a step, "
        f"{cost['share']:.3%} of the bare step of {cost['step_ms']:.1f} ms on this CPU"
    )
    failures = find_failures(outcomes)
    print("\n" + ("\n".join(failures) if failures else f"all of {len(outcomes)} Stops held"))
    return 1 if failures else 0


def build_rows(outcomes: Sequence[StopOutcome]) -> list[Row]:
    """Return a row for each phase and mode that was stopped in."""
    rows: list[Row] = []
    for phase in PHASES:
        for mode, allowed in ALLOWED_STEPS.items():
            of_row = [one for one in outcomes if (one.phase, one.mode) == (phase, mode)]
            if of_row:
                rows.append(
                    {
                        "phase": phase,
                        "mode": mode,
                        "jobs": len(of_row),
                        "lost": sum(one.is_lost for one in of_row),
                        "leaked": sum(one.is_leaked for one in of_row),
                        "unacknowledged": sum(not one.is_acknowledged for one in of_row),
                        "launched": max(one.launched for one in of_row),
                        "allowed": allowed,
                        "median_s": statistics.median(one.latency_s for one in of_row),
                        "max_s": max(one.latency_s for one in of_row),
                    }
                )
    return rows


def find_failures(outcomes: Sequence[StopOutcome]) -> list[str]:
    """Return a line for each Stop that did not do what it should."""
    lines = []
    for one in outcomes:
        faults = {
            "lost": one.is_lost,
            "leaked into the next job": one.is_leaked,
            "not acknowledged at once": not one.is_acknowledged,
            f"{one.launched} steps queued after it": one.launched > ALLOWED_STEPS[one.mode],
        }
        lines += [f"{one.mode}, {one.phase}: {fault}" for fault, is_so in faults.items() if is_so]
    return lines


def measure_exit_points(repeats: int = 300) -> dict[str, Any]:
    """Return what the hooks on the blocks of the loaded UNet cost a step.

    The blocks are replaced by empty modules for that: within a whole step the cost drowns in its own noise.
    """
    import torch

    from modules import shared
    from zluda_sync.core.wishes.control import Control
    from zluda_sync.pipeline.exit_points import ExitPoints, blocks_of

    unet = shared.sd_model.unet
    empty = [torch.nn.Identity() for _ in blocks_of(unet)]
    exits = ExitPoints(Control(), lambda: True)

    def run_empty() -> None:
        for block in empty:
            block(None)

    sample = torch.zeros(2, unet.config.in_channels, 32, 32)
    text = torch.zeros(2, 8, unet.config.cross_attention_dim)
    bare = type(unet).from_config(unet.config).eval()
    with torch.no_grad():
        bare(sample, 1, text)
        step_s = statistics.median(_seconds(lambda: bare(sample, 1, text)) for _ in range(20))
    without_s = statistics.median(_seconds(run_empty) for _ in range(repeats))
    exits.install(empty)
    with_s = statistics.median(_seconds(run_empty) for _ in range(repeats))
    exits.remove()
    hooks_s = with_s - without_s
    return {
        "blocks": len(empty),
        "hooks_us": 1e6 * hooks_s,
        "step_ms": 1e3 * step_s,
        "share": hooks_s / step_s,
    }


def _seconds(action: Any) -> float:
    began_s = time.perf_counter()
    action()
    return time.perf_counter() - began_s
