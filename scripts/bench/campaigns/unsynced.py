"""SD.Next's own sync off, without the damage: ten thousand previews held against the truth, and the time.

Without its sync SD.Next shows latents that the device has not computed. Here every preview of ours that a
client gets is held against the very step that it is said to show, while schedulers and offload change what it
may be read from; and the time of a job against that of the host alone, which waits for nothing.
"""

from __future__ import annotations

import contextlib
import statistics
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from bench.campaigns.unsynced_jobs import (
    TrueJob,
    UnsyncedJob,
    WatchedJob,
    make_pictures,
    preview_client,
    run_stock_job,
    run_true_job,
    run_watched_job,
    without_extension,
)
from bench.host.job import SEED, current_session, set_mode
from bench.host.started import Speed, started_host
from bench.host.unsynced_work import SAMPLERS, hostile_samplers
from bench.terminal.bar import TerminalBar
from bench.terminal.table import Row, build_table
from bench.truth.figures import SAMPLE_PERIOD_S
from bench.truth.preview_judge import PreviewJudge, Verdict

MODES = ("every-step", "run-ahead", "observe")
METHODS = ("fitted", "host")
PREVIEWS, QUICK_PREVIEWS = 10_000, 1_000
STEPS, QUICK_STEPS = 36, 20
#: Steps of 5 ms in the jobs whose previews are judged.
SPEED = Speed(step_ms=160, encode_ms=4, decode_ms=60)
TIMED = UnsyncedJob("DPM++ 2M", steps=20, pictures=1, size_px=256, step_s=0.2, decode_s=0.5)
PAIRS, QUICK_PAIRS = 5, 1
#: Of so many true previews one is spoiled, for the judge to find.
SPOILED_EVERY = 10
#: What a job may take over that of a host which waits for nothing.
MOST_TIME, HELD_TO_TIME = 1.005, ("run-ahead", "observe")
COLUMNS = (
    ("mode", "mode", ""),
    ("method", "method", ""),
    ("offload", "offload", ""),
    ("sampler", "sampler", ""),
    ("previews", "previews", "d"),
    ("torn", "torn", "d"),
    ("early", "early", "d"),
    ("told_apart", "told apart", ".3f"),
    ("jobs", "jobs", "d"),
    ("pictures", "pictures", ""),
)
SPOILED_COLUMNS = (("kind", "spoiled on purpose", ""), ("made", "made", "d"), ("found", "found", "d"))
TIME_COLUMNS = (
    ("who", "who", ""),
    ("sync", "torch_sync", ""),
    ("pairs", "pairs", "d"),
    ("median_s", "median s", ".3f"),
    ("step_cost_ms", "ms a step", ".2f"),
    ("ratio", "over no sync", ".4f"),
    ("low", "quartile", ".4f"),
    ("high", "quartile", ".4f"),
)
Key = tuple[str, str, str, str]


@dataclass(frozen=True)
class Timed:
    """Whose job is timed.

    Attributes:
        who: for the table.
        mode: of ours, None for the host alone.
        syncs: whether the host's own sync is on.
        is_looked_at: whether a client takes previews ten times a second.
    """

    who: str
    mode: str | None = None
    syncs: bool = False
    is_looked_at: bool = False


BARE = Timed("host alone")
TIMED_BESIDE = (
    *(Timed(mode, mode, is_looked_at=True) for mode in MODES),
    Timed("observe, nobody looks", "observe"),
    Timed("host alone, again"),
    Timed("host alone", syncs=True),
)


class Proof:
    """What was judged: counts for each kind of job, and whether the judge has found what was spoiled."""

    def __init__(self) -> None:
        self._counts: dict[Key, Counter[str]] = {}
        self._spoiled: dict[str, Counter[str]] = {}

    @property
    def previews(self) -> int:
        """Previews that were judged."""
        return sum(count["previews"] for count in self._counts.values())

    def add(self, key: Key, true: TrueJob, job: WatchedJob) -> None:
        """Judge a job: mode, method, offload and sampler, what is true of it, and what was seen."""
        judge = PreviewJudge(true.pixels[key[1]], job.passes)
        count = self._counts.setdefault(key, Counter())
        for number, seen in enumerate(job.previews):
            judged = judge.judge(seen)
            count["previews"] += 1
            count[judged.verdict.value] += 1
            count["told_apart"] += judged.is_told_apart
            if judged.verdict is Verdict.TRUE and number % SPOILED_EVERY == 0:
                for kind, (expected, spoiled) in judge.spoil(seen).items():
                    of_kind = self._spoiled.setdefault(kind, Counter())
                    of_kind["made"] += 1
                    of_kind["found"] += judge.judge(spoiled).verdict is expected
        count["jobs"] += 1
        count["other_pictures"] += job.image_sha256 != true.image_sha256

    def rows(self) -> list[Row]:
        """Return a row for each mode, method and offload, and one for each sampler and for all."""
        keys = list(self._counts)
        groups = list(dict.fromkeys((*key[:3], "all") for key in keys))
        groups += [("all", "all", "all", sampler) for sampler in dict.fromkeys(key[3] for key in keys)]
        return [self._row(group) for group in (*groups, ("all",) * 4)]

    def spoiled_rows(self) -> list[Row]:
        """Return a row for each way in which previews were spoiled."""
        return [{"kind": kind, **count} for kind, count in self._spoiled.items()]

    def _row(self, group: Sequence[str]) -> Row:
        total: Counter[str] = Counter()
        for key, count in self._counts.items():
            if all(wanted in ("all", is_) for wanted, is_ in zip(group, key, strict=True)):
                total += count
        return {
            **dict(zip(("mode", "method", "offload", "sampler"), group, strict=True)),
            **{name: total[name] for name in ("previews", "torn", "early", "jobs")},
            "told_apart": total["told_apart"] / total["previews"] if total["previews"] else None,
            "pictures": "same" if not total["other_pictures"] else f"{total['other_pictures']} OTHER",
        }


def run_unsynced_campaign(quick: bool) -> int:
    """Judge the previews, time the jobs, print the tables; 0 if every target is met, else 1."""
    bar = TerminalBar()
    with started_host(SPEED) as app, hostile_samplers():
        try:
            wanted = QUICK_PREVIEWS if quick else PREVIEWS
            proof = judge_previews(app, bar, wanted, QUICK_STEPS if quick else STEPS)
            stock = judge_stock(QUICK_STEPS if quick else STEPS)
            times = time_jobs(app, bar, QUICK_PAIRS if quick else PAIRS)
            bar.show(1.0, "done")
        finally:
            bar.close()
    print(build_table(proof.rows(), COLUMNS))
    print("\nthe host alone, by its own previews; not held to anything:")
    print(build_table([row for row in stock.rows() if row["mode"] != "all"], COLUMNS))
    print()
    print(build_table(proof.spoiled_rows(), SPOILED_COLUMNS))
    print("\ntime of a job, over that of a host alone which waits for nothing:")
    print(build_table(times, TIME_COLUMNS))
    misses = find_misses(proof.rows(), proof.spoiled_rows(), [] if quick else times)
    print("\n" + ("\n".join(misses) if misses else "every target is met"))
    return 1 if misses else 0


def judge_previews(app: Any, bar: TerminalBar, wanted: int, steps: int) -> Proof:
    """Run jobs of every kind, each round of another seed, until so many previews were judged."""
    proof, seed = Proof(), SEED
    while proof.previews < wanted:
        for sampler in SAMPLERS:
            true = run_true_job(UnsyncedJob(sampler, steps, seed=seed))
            for offload in (False, True):
                job = UnsyncedJob(sampler, steps, is_offloaded=offload, seed=seed)
                for method in METHODS:
                    for mode in MODES:
                        bar.show(min(1.0, proof.previews / wanted) / 2, f"{sampler}, {method}, {mode}")
                        seen = run_watched_job(job, mode, method, app)
                        proof.add((mode, method, "moves" if offload else "-", sampler), true, seen)
        seed += 1000
    return proof


def judge_stock(steps: int) -> Proof:
    """Judge the previews of the host alone, with its sync off and on, in the same jobs."""
    proof = Proof()
    for sampler in SAMPLERS:
        true = run_true_job(UnsyncedJob(sampler, steps))
        for offload in (False, True):
            for syncs in (False, True):
                seen = run_stock_job(UnsyncedJob(sampler, steps, is_offloaded=offload), syncs)
                mode = f"sync {'on' if syncs else 'off'}"
                proof.add((mode, "host", "moves" if offload else "-", sampler), true, seen)
    return proof


def time_jobs(app: Any, bar: TerminalBar, pairs: int) -> list[Row]:
    """Return what a job takes in each mode with a client that looks, beside the host alone, in pairs.

    Each round begins with the host that waits for nothing. The order turns, so that a slow drift of the
    machine falls on all alike; the same again shows what is noise.
    """
    # As on every machine that was idle once: else each job checks the device's events, and waits for them.
    current_session().self_testing.run_now()
    times_s: dict[Timed, list[float]] = {one: [] for one in TIMED_BESIDE}
    bare_s: list[float] = []
    for turn in range(pairs):
        bar.show(0.5 + turn / pairs / 2, f"round {turn + 1} of {pairs}")
        bare_s.append(_time_job(app, BARE))
        first = turn % len(TIMED_BESIDE)
        for one in TIMED_BESIDE[first:] + TIMED_BESIDE[:first]:
            times_s[one].append(_time_job(app, one))
    times_s = {BARE: bare_s, **times_s}
    return [_time_row(one, of_one_s, bare_s) for one, of_one_s in times_s.items()]


def _time_job(app: Any, timed: Timed) -> float:
    """Return the seconds of a job."""
    from modules import shared

    with contextlib.ExitStack() as around:
        if timed.mode is None:
            around.enter_context(without_extension(timed.syncs))
        else:
            set_mode(timed.mode)
            shared.opts.set("zluda_sync_preview", "fitted")
            shared.opts.set("zluda_sync_preview_budget", 2)
        if timed.is_looked_at:
            around.enter_context(preview_client(app, SAMPLE_PERIOD_S))
        elif timed.mode is not None:
            current_session()._previews._looked_at_s = None  # long ago
        began_s = time.perf_counter()
        make_pictures(TIMED)
        return time.perf_counter() - began_s


def _time_row(timed: Timed, times_s: Sequence[float], bare_s: Sequence[float]) -> Row:
    ratios = [time_s / of_pair_s for time_s, of_pair_s in zip(times_s, bare_s, strict=True)]
    costs_s = [time_s - of_pair_s for time_s, of_pair_s in zip(times_s, bare_s, strict=True)]
    low, _, high = statistics.quantiles(ratios, n=4) if len(ratios) > 1 else (None, None, None)
    return {
        "who": timed.who,
        "sync": "on" if timed.syncs else "off",
        "pairs": len(ratios),
        "median_s": statistics.median(times_s),
        "step_cost_ms": 1000 * statistics.median(costs_s) / TIMED.steps,
        "ratio": statistics.median(ratios),
        "low": low,
        "high": high,
    }


def find_misses(rows: Iterable[Row], spoiled: Iterable[Row], times: Iterable[Row]) -> list[str]:
    """Return a line for each target that is missed."""
    misses = []
    for row in rows:
        what = f"{row['mode']}, {row['method']}, offload {row['offload']}, {row['sampler']}"
        misses += [f"{what}: {row[kind]} {kind}" for kind in ("torn", "early") if row[kind]]
        misses += [f"{what}: no preview"] if not row["previews"] else []
        misses += [f"{what}: another picture"] if row["pictures"] != "same" else []
    for row in spoiled:
        if row["found"] != row["made"]:
            misses.append(f"{row['kind']}: {row['found']} of {row['made']} were found")
    for row in times:
        if row["who"] in HELD_TO_TIME and float(row["ratio"] or 0) > MOST_TIME:
            misses.append(f"{row['who']}: {row['ratio']:.4f} of no sync, target {MOST_TIME}")
    return misses
