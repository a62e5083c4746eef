"""Previews without the host's own sync: a few hundred of them, on the emulated device."""

from __future__ import annotations

from tests.bench.own_process import run_in_own_process

FEW = """
from bench.campaigns import unsynced
from bench.host.process import prepare_process
prepare_process(draws_own_bar=True)
unsynced.QUICK_PREVIEWS, unsynced.QUICK_STEPS, unsynced.QUICK_PAIRS = 1, 8, 1
raise SystemExit(unsynced.run_unsynced_campaign(quick=True))
"""


def test_a_few_hundred_previews_are_neither_torn_nor_early():
    """In every mode, by both methods, with every sampler, with offload; the judge finds what is spoiled."""
    printed = run_in_own_process(FEW)
    assert "every target is met" in printed
    (total,) = [line.split() for line in printed.splitlines() if line.split()[:4] == ["all"] * 4]
    assert 200 < int(total[4])
    assert ["0", "0", "1.000", "48", "same"] == total[5:]
