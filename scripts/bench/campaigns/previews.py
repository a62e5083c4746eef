"""Previews: how true, how late and how dear they are, and how soon their colours are learned."""

from __future__ import annotations

import importlib
import math
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bench.host.job import WantedJob, forget_learned, run_job, set_mode
from bench.host.started import Speed, started_host
from bench.terminal.bar import TerminalBar
from bench.terminal.table import Row, build_table
from shapes.language import draw_subject

MODES = ("every-step", "run-ahead", "observe")
STEPS, QUICK_STEPS = 20, 6
JOBS, QUICK_JOBS = 10, 2
SPEED = Speed(step_ms=100, encode_ms=40, decode_ms=200)
#: Of pictures that teach nothing: on them the likeness is measured.
UNSEEN_PROMPTS = (
    "a yellow star on purple",
    "a large black ring on a gradient from orange to white",
    "a boat on water at sunset",
)
BUDGET_SHARE, LEAST_GAIN_DB, LARGEST_LAG = 0.02, 6.0, 1
COST_COLUMNS = (
    ("mode", "mode", ""),
    ("previews", "previews", "d"),
    ("steps", "steps", "d"),
    ("preview_lag_max", "lag", "d"),
    ("cost_us", "us each", ".0f"),
    ("cost_share", "share of a step", ".4f"),
    ("poller_waits", "pollers' waits", "d"),
    ("poller_launches", "pollers' launches", "d"),
)
LIKENESS_COLUMNS = (
    ("kind", "projection", ""),
    ("jobs", "jobs", "d"),
    ("psnr_db", "PSNR dB", ".1f"),
)


def run_preview_campaign(quick: bool) -> int:
    """Measure and print both tables; 0 if every target is met, else 1."""
    steps, jobs = (QUICK_STEPS, QUICK_JOBS) if quick else (STEPS, JOBS)
    bar = TerminalBar()
    with started_host(SPEED, makes_pictures=True) as app:
        try:
            costs = []
            for index, mode in enumerate(MODES):
                bar.show(index / (len(MODES) + 1), f"previews in {mode}")
                costs.append(measure_cost(mode, steps, app))
            bar.show(len(MODES) / (len(MODES) + 1), f"likeness over {jobs} jobs")
            likeness = measure_likeness(steps, jobs, app)
            bar.show(1.0, "done")
        finally:
            bar.close()
    print(build_table(costs, COST_COLUMNS))
    print("\nlikeness to the true decode of the same latents, at their size:")
    print(build_table(likeness, LIKENESS_COLUMNS))
    misses = find_misses(costs, likeness)
    print("\n" + ("\n".join(misses) if misses else "every target is met"))
    return 1 if misses else 0


def measure_cost(mode: str, steps: int, app: Any) -> Row:
    """Run a job that a page looks at, and return what its previews were and what they cost."""
    session = _session()
    set_mode(mode)
    session._previews.look()  # the page was open before Generate was pressed
    with watched_pollers() as pollers:
        source = KeptPreviews(session._previews)
        job = run_job(WantedJob(steps=steps), app=app, on_sample=source.keep)
    made = source.previews
    from bench.truth.figures import preview_lag

    previews, lag = preview_lag(job.measured)
    cost_s = made.cost_s / made.made if made is not None and made.made else 0.0
    return {
        "mode": mode,
        "previews": previews,
        "steps": steps,
        "preview_lag_max": lag,
        "cost_us": 1e6 * cost_s,
        "cost_share": 0.0 if made is None else made.cost_s / steps / (SPEED.step_ms / 1000),
        "poller_waits": pollers.waits,
        "poller_launches": pollers.launches,
    }


class KeptPreviews:
    """Keeps the previews of the job that runs; they are let go when it is over."""

    def __init__(self, previews: Any) -> None:
        self._all = previews
        self.previews: Any = None

    def keep(self, _sample: Any) -> None:
        """Look which job's they are."""
        maker = self._all._maker
        self.previews = maker.previews.queue if hasattr(maker, "previews") else self.previews


class _Pollers:
    def __init__(self) -> None:
        self.waits = self.launches = 0


@contextmanager
def watched_pollers() -> Iterator[_Pollers]:
    """A context in which is counted what clients' threads do to the emulated device; it should be nothing."""
    from modules.emulated_device import QUEUE

    seen = _Pollers()
    wait, enqueue = QUEUE.wait, QUEUE.enqueue

    def is_client() -> bool:
        return threading.current_thread().name in ("progress client", "preview client")

    def counted_wait(*args: Any, **kwargs: Any) -> Any:
        seen.waits += is_client()
        return wait(*args, **kwargs)

    def counted_enqueue(*args: Any, **kwargs: Any) -> Any:
        seen.launches += is_client()
        return enqueue(*args, **kwargs)

    QUEUE.wait, QUEUE.enqueue = counted_wait, counted_enqueue
    try:
        yield seen
    finally:
        del QUEUE.wait, QUEUE.enqueue


def measure_likeness(steps: int, jobs: int, app: Any) -> list[Row]:
    """Return the PSNR of the projections on pictures that taught nothing: plain, the host's, and fitted."""
    from zluda_sync.device.preview.projection import plain_projection
    from zluda_sync.pipeline.projections import read_projection

    session = _session()
    set_mode("every-step")
    pairs: dict[str, Any] = {}
    for wanted in unseen_jobs(steps):
        with _pairs_of_job(session) as seen:
            run_job(wanted, app=app, watched=False)
        pairs[wanted.prompt] = seen[0]
    forget_learned()
    rows: list[Row] = [_row("channels 0 to 2", 0, plain_projection(4), pairs)]
    simple = read_projection(session._host.build_simple_preview, 4)
    if simple is not None:
        rows.append(_row("the host's simplest", 0, simple, pairs))
    for number, wanted in enumerate(teaching_jobs(steps, jobs), 1):
        run_job(wanted, app=app, watched=False)
        if number in (1, 2, 5, jobs):
            fitted = session._preview_setup._projections.find(session._host.latents_name, 4)
            rows.append(_row("fitted", number, fitted, pairs))
    return rows


def unseen_jobs(steps: int) -> list[WantedJob]:
    """Return jobs that teach nothing: on their pictures the likeness is measured."""
    return [WantedJob(steps=steps, prompt=prompt) for prompt in UNSEEN_PROMPTS]


def teaching_jobs(steps: int, count: int) -> list[WantedJob]:
    """Return jobs with prompts of their own, from whose pictures the projection is fitted."""
    generator = random.Random(1)
    return [WantedJob(steps=steps, prompt=draw_subject(generator).prompt, seed=seed) for seed in range(count)]


@contextmanager
def _pairs_of_job(session: Any) -> Iterator[list[Any]]:
    """A context in which the decoded pairs of jobs are kept."""
    setup = session._preview_setup
    learn = setup.learn
    seen: list[Any] = []

    def keep(tracked: Any) -> None:
        seen.extend(pair for pairs in tracked.decoded_pairs.values() for pair in pairs)
        learn(tracked)

    setup.learn = keep
    try:
        yield seen
    finally:
        del setup.learn


def _row(kind: str, jobs: int, projection: Any, pairs: dict[str, Any]) -> Row:
    mean_db = sum(psnr_db(projection, pair) for pair in pairs.values()) / len(pairs)
    return {"kind": kind, "jobs": jobs, "psnr_db": mean_db}


def psnr_db(projection: Any, pair: Any) -> float:
    """Return how like a projection of final latents is to the decoded picture at their size, in decibel."""
    import torch

    from zluda_sync.device.preview.projection import DeviceProjection

    shown = DeviceProjection(projection, torch.device("cpu")).project(pair.latents[None])[0].float()
    error = ((shown - pair.picture) ** 2).mean().item()
    return 10 * math.log10(255**2 / max(error, 1e-9))


def find_misses(costs: list[Row], likeness: list[Row]) -> list[str]:
    """Return a line for each target that is missed."""
    misses = []
    for row in costs:
        mode = row["mode"]
        if float(row["cost_share"] or 0) > BUDGET_SHARE:
            misses.append(f"{mode}: previews cost {row['cost_share']:.3f} of a step, target {BUDGET_SHARE}")
        if row["poller_waits"] or row["poller_launches"]:
            misses.append(f"{mode}: clients' threads talk to the device")
        if not row["previews"] or int(row["preview_lag_max"] or 0) > LARGEST_LAG:
            misses.append(f"{mode}: {row['previews']} previews, lag {row['preview_lag_max']}")
    gain_db = float(likeness[-1]["psnr_db"] or 0) - float(likeness[0]["psnr_db"] or 0)
    if gain_db < LEAST_GAIN_DB:
        misses.append(f"fitted previews are {gain_db:.1f} dB better than plain ones, target {LEAST_GAIN_DB}")
    return misses


def _session() -> Any:
    entry: Any = importlib.import_module("zluda_sync.host.entry")
    return entry.current_session()
