"""What is learned of ten kinds of job in any order, of disturbed jobs, and of a card that changes speed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import permutations

from bench.terminal.bar import TerminalBar
from bench.terminal.table import Row, build_table
from bench.truth.figures import bar_error, eta_error, falls
from bench.truth.measured_job import MeasuredJob
from bench.truth.simulated import DISTURBANCES, Card, Kind, Workshop, build_kinds

ORDERS, QUICK_ORDERS = 25, 5
NOISE = 0.03
#: Error of the second job of a kind, whatever came before; what one disturbed job changes; error of the third
#: job at another speed; what a job changes for another kind.
SECOND_ETA, DISTURBED, DRIFTED, POISONED = 0.05, 0.05, 0.05, 0.001
SPEEDS = {
    "a driver update: 1.5 times as long": 1.5,
    "a power limit: 1.1 times": 1.1,
    "a faster driver: 0.7": 0.7,
}
KIND_COLUMNS = (
    ("kind", "kind of job", ""),
    ("total_s", "takes s", ".1f"),
    ("first", "first job", ".3f"),
    ("second", "second, worst", ".3f"),
    ("noisy", "with noise", ".3f"),
    ("bar", "bar, worst", ".3f"),
    ("falls", "falls", "d"),
)
CASE_COLUMNS = (("case", "case", ""), ("worst", "worst", ".3f"), ("target", "target", ".3f"))


def run_learning_campaign(quick: bool) -> int:
    """Print what was learned of every kind, and what was not let in; 0 if all targets are met, else 1."""
    bar, orders = TerminalBar(), QUICK_ORDERS if quick else ORDERS
    try:
        kinds = build_kind_rows(orders, bar)
        cases = list(build_case_rows())
    finally:
        bar.close()
    print(f"The worst ETA errors of the first and second job of a kind, in {orders} random orders\n")
    print(build_table(kinds, KIND_COLUMNS))
    print(f"\n{build_table(cases, CASE_COLUMNS)}")
    misses = find_misses(kinds, cases)
    print("\n" + ("\n".join(misses) if misses else "all targets are met"))
    return 1 if misses else 0


def build_kind_rows(orders: int, bar: TerminalBar) -> list[Row]:
    """Return a row for every kind: the worst that was seen of it."""
    kinds = build_kinds()
    seen: dict[str, dict[str, float]] = {kind.name: {} for kind in kinds}
    for order in range(orders):
        bar.show(order / orders, f"order {order + 1} of {orders}")
        for noise in (0.0, NOISE):
            for kind, run, measured in shuffle(kinds, order, noise):
                _take_worst(seen[kind.name], run, noise, measured)
    return [{"kind": name, **figures} for name, figures in seen.items()]


def shuffle(kinds: list[Kind], seed: int, noise: float) -> Iterator[tuple[Kind, int, MeasuredJob]]:
    """Make two or three jobs of each kind in a random order; give each with its number in its kind."""
    chance = random.Random(seed)
    jobs = [kind for kind in kinds for _ in range(chance.choice((2, 3)))]
    chance.shuffle(jobs)
    workshop, made = Workshop(seed, Card(noise=noise)), dict.fromkeys([kind.name for kind in kinds], 0)
    for kind in jobs:
        made[kind.name] += 1
        yield kind, made[kind.name], workshop.make(kind)[0]


def build_case_rows() -> Iterator[Row]:
    """Give a row for every disturbance, every change of speed, and for what kinds do to each other."""
    kinds = build_kinds()
    for name, card in DISTURBANCES.items():
        worst = max(measure_disturbance(kind, card, before) for kind in kinds for before in (1, 2, 3))
        yield {"case": f"after one job with {name}", "worst": worst, "target": DISTURBED}
    for name, slowness in SPEEDS.items():
        worst = max(measure_drift(kind, slowness, before) for kind in kinds for before in (1, 2, 3))
        yield {"case": f"the third job after {name}", "worst": worst, "target": DRIFTED}
    worst = max(measure_drift_of_all(kinds, slowness) for slowness in SPEEDS.values() if slowness != 1.1)
    yield {"case": "a kind not made since, after two jobs of others", "worst": worst, "target": DRIFTED}
    worst = max(measure_poison(one, other) for one, other in permutations(kinds, 2))
    yield {"case": "what a job changes for another kind", "worst": worst, "target": POISONED}


def measure_disturbance(kind: Kind, card: Card, before: int) -> float:
    """Return by how much one disturbed job changes what the next is expected to take, as a share of it."""
    workshop = Workshop(0, is_watched=False)
    for _ in range(before):
        workshop.make(kind)
    expected_s = workshop.foresee_s(kind) or 0.0
    workshop.make(kind, card)
    return abs((workshop.foresee_s(kind) or 0.0) - expected_s) / expected_s


def measure_drift(kind: Kind, slowness: float, before: int) -> float:
    """Return how far off the very first ETA of the third job at another speed is, as a share of the job."""
    workshop = Workshop(0, is_watched=False)
    for _ in range(before):
        workshop.make(kind)
    workshop.card = Card(slowness=slowness)
    for _ in range(2):
        workshop.make(kind)
    measured, first_eta_s = workshop.make(kind)
    return abs((first_eta_s or 0.0) - measured.total_s) / measured.total_s


def measure_drift_of_all(kinds: list[Kind], slowness: float) -> float:
    """Return how far off the worst first ETA is after two jobs of other kinds at another speed."""
    workshop = Workshop(0, is_watched=False)
    for kind in kinds:
        workshop.make(kind)
    workshop.card = Card(slowness=slowness)
    for kind in kinds[:2]:
        workshop.make(kind)
    errors = []
    for kind in kinds[2:]:
        expected_s = workshop.foresee_s(kind) or 0.0
        took_s = workshop.make(kind)[0].total_s
        errors.append(abs(expected_s - took_s) / took_s)
    return max(errors)


def measure_poison(known: Kind, other: Kind) -> float:
    """Return by how much a job of another kind changes what one of a known kind is expected to take."""
    workshop = Workshop(0, is_watched=False)
    workshop.make(known)
    expected_s = workshop.foresee_s(known) or 0.0
    workshop.make(other)
    return abs((workshop.foresee_s(known) or 0.0) - expected_s) / expected_s


def find_misses(kinds: list[Row], cases: list[Row]) -> list[str]:
    """Return a line for each target that is missed."""
    misses = [
        f"missed: {row['kind']}: {name} {row[name]:.3f}, target {SECOND_ETA}"
        for row in kinds
        for name in ("second", "noisy")
        if float(row[name] or 0.0) > SECOND_ETA
    ]
    misses += [f"missed: {row['kind']}: the bar fell {row['falls']} times" for row in kinds if row["falls"]]
    return misses + [
        f"missed: {row['case']}: {row['worst']:.3f}, target {row['target']}"
        for row in cases
        if float(row["worst"] or 0.0) > float(row["target"] or 0.0)
    ]


def _take_worst(seen: dict[str, float], run: int, noise: float, measured: MeasuredJob) -> None:
    seen["total_s"] = max(seen.get("total_s", 0.0), measured.total_s)
    seen["falls"] = seen.get("falls", 0) + (falls(measured) or 0)
    name = {1: "first", 2: "noisy" if noise else "second"}.get(run)
    if name is not None:
        seen[name] = max(seen.get(name, 0.0), eta_error(measured)[0] or 0.0)
    if run == 2:
        seen["bar"] = max(seen.get("bar", 0.0), bar_error(measured)[0] or 0.0)
