"""Stops on the emulated device: a few of them."""

from __future__ import annotations

import json

from bench.campaigns.stopped_job import StopOutcome
from bench.campaigns.stops import find_failures
from tests.bench.own_process import run_in_own_process

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
