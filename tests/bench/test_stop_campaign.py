"""Stops that are measured: a few for real on the emulated device, and what is called a failure."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from bench.campaigns.stopped_job import DONE, Client, StopOutcome
from bench.campaigns.stops import build_rows, find_failures
from tests.bench.own_process import run_in_own_process

GOOD = StopOutcome("base", "run-ahead", 0.2, 2, is_acknowledged=True, is_lost=False, is_leaked=False)
SOME_FOR_REAL = """
import dataclasses, json
from bench.host.process import prepare_process
prepare_process(draws_own_bar=True)
from bench.host.started import started_host
from bench.host.job import set_mode
from bench.truth.sampler import find_progress_endpoint
from bench.campaigns.stops import WANTED, SPEED
from bench.campaigns.stopped_job import run_stopped_job
outcomes = []
with started_host(SPEED) as app:
    for pair in ("encode observe", "base run-ahead", "decode every-step", "queue observe"):
        phase, mode = pair.split()
        set_mode(mode)
        outcomes.append(run_stopped_job(phase, mode, WANTED, 0.05, find_progress_endpoint(app)))
print(json.dumps([dataclasses.asdict(outcome) for outcome in outcomes]))
"""


def test_stops_hold_on_the_emulated_device():
    """In four phases, in all modes: acknowledged, not lost, not leaked, and soon over."""
    printed = run_in_own_process(SOME_FOR_REAL)
    outcomes = [StopOutcome(**one) for one in json.loads(printed.splitlines()[-1])]
    assert 4 == len(outcomes)
    assert [] == find_failures(outcomes)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"is_lost": True}, "lost"),
        ({"is_leaked": True}, "leaked"),
        ({"is_acknowledged": False}, "not acknowledged"),
        ({"launched": 3}, "3 steps"),
    ],
)
def test_each_fault_is_named(changes, named):
    """With its mode and phase."""
    assert [] == find_failures([GOOD])
    (line,) = find_failures([GOOD, replace(GOOD, **changes)])
    assert named in line
    assert line.startswith("run-ahead, base: ")


def test_a_row_sums_up_its_phase_and_mode():
    """Counts are added, steps and latencies taken at their worst."""
    (row,) = build_rows([GOOD, replace(GOOD, latency_s=0.6, launched=1, is_lost=True)])
    assert (2, 1, 2) == (row["jobs"], row["lost"], row["launched"])
    assert (0.4, 0.6) == (pytest.approx(row["median_s"]), row["max_s"])


@pytest.mark.parametrize(
    ("labels", "is_acknowledged"),
    [
        (["Stopping: 1 queued step", DONE], True),
        ([DONE], True),
        (["Denoise 3/6", "Stopping: Saving"], False),
    ],
)
def test_the_very_next_answer_counts(labels, is_acknowledged):
    """A job that is over needs no word."""
    client = Client(lambda: DONE, lambda: None, lambda label: False, 0.0)
    client.labels_after = labels
    assert is_acknowledged is client.is_acknowledged
