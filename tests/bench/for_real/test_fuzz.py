"""Hostile input: a little of it."""

from __future__ import annotations

from tests.bench.own_process import run_in_own_process

FEW = """
from bench.campaigns import fuzz as fuzz_campaign
from bench.host.process import prepare_process
prepare_process(draws_own_bar=True)
fuzz_campaign.QUICK_EXAMPLES = 15
raise SystemExit(fuzz_campaign.run_fuzz_campaign(quick=True))
"""


def test_a_few_inputs_for_real():
    """Every target takes them well."""
    printed = run_in_own_process(FEW)
    for target in ("GET /zluda_sync/v1/preview", "POST /zluda_sync/v1/stop", "config.json", "kept durations"):
        assert target in printed
